#include "semfield/base/job_control.h"

#include "semfield/base/error.h"

namespace semfield {

void StopToken::ThrowIfStopped() const {
  if (StopRequested()) throw InterruptedError();
}

}  // namespace semfield
