// metadata.json of Record3D.
#include "fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield::fuzz;
  WriteImagesOnce(Folder(), {"rgb/0.png", "rgb/1.png", "rgb/2.png", "rgb/3.png"});
  WriteBytes(Folder() / "metadata.json", Text(data, size));
  return CheckCapture(Folder(), "record3d");
}
