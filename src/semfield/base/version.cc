#include "semfield/base/version.h"

#include "semfield/base/build_id.h"

namespace semfield {

const char* Version() {
  return SEMFIELD_VERSION;
}

const char* BuildId() {
  return SEMFIELD_BUILD_ID;
}

}  // namespace semfield
