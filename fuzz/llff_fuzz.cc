// poses_bounds.npy, read as a whole capture; and any npy file.
#include "fuzz_support.h"
#include "semfield/capture/readers/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield::fuzz;
  WriteImagesOnce(Folder(), {"images/000.png", "images/001.png", "images/002.png", "images/003.png"});
  WriteBytes(Folder() / "poses_bounds.npy", Text(data, size));
  Check([] {
    const semfield::NpyMatrix matrix = semfield::ReadNpy(Folder() / "poses_bounds.npy");
    Require(matrix.data.size() == matrix.rows * matrix.cols, "as many numbers as the shape says");
  });
  return CheckCapture(Folder(), "llff");
}
