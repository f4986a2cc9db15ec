// cameras.txt, images.txt and points3D.txt of one COLMAP model, with lines "---" between them.
#include "fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield::fuzz;
  WriteImagesOnce(Folder(), {"images/000.png", "images/001.png", "images/002.png", "images/003.png"});
  const auto parts = TextParts(Text(data, size), 3);
  WriteBytes(Folder() / "sparse/0/cameras.txt", parts[0]);
  WriteBytes(Folder() / "sparse/0/images.txt", parts[1]);
  WriteBytes(Folder() / "sparse/0/points3D.txt", parts[2]);
  return CheckCapture(Folder(), "colmap");
}
