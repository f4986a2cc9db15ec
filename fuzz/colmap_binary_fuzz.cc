// cameras.bin, images.bin and points3D.bin of one COLMAP model.
#include "fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield::fuzz;
  WriteImagesOnce(Folder(), {"images/000.png", "images/001.png", "images/002.png", "images/003.png"});
  const auto parts = BinaryParts(Text(data, size), 3);
  WriteBytes(Folder() / "sparse/0/cameras.bin", parts[0]);
  WriteBytes(Folder() / "sparse/0/images.bin", parts[1]);
  WriteBytes(Folder() / "sparse/0/points3D.bin", parts[2]);
  return CheckCapture(Folder(), "colmap");
}
