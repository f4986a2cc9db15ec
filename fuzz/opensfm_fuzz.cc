// reconstruction.json of OpenSfM.
#include "fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield::fuzz;
  WriteImagesOnce(Folder(), {"images/000.png", "images/001.png", "images/002.png", "images/003.png"});
  WriteBytes(Folder() / "reconstruction.json", Text(data, size));
  return CheckCapture(Folder(), "opensfm");
}
