// bundle.out and list.txt, with a line "---" between them.
#include "fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield::fuzz;
  WriteImagesOnce(Folder(), {"images/000.png", "images/001.png", "images/002.png", "images/003.png"});
  const auto parts = TextParts(Text(data, size), 2);
  WriteBytes(Folder() / "bundle.out", parts[0]);
  WriteBytes(Folder() / "list.txt", parts[1]);
  return CheckCapture(Folder(), "bundler");
}
