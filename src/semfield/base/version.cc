#include "semfield/base/version.h"

namespace semfield {

const char* Version() {
  return SEMFIELD_VERSION;
}

}  // namespace semfield
