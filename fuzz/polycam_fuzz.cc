// The JSON files of three frames of Polycam's keyframes/, with lines "---" between them.
#include "fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield::fuzz;
  const auto keyframes = Folder() / "keyframes";
  WriteImagesOnce(keyframes, {"images/0.png", "images/1.png", "images/2.png"});
  const auto parts = TextParts(Text(data, size), 3);
  for (size_t i = 0; i < parts.size(); ++i)
    WriteBytes(keyframes / "cameras" / (std::to_string(i) + ".json"), parts[i]);
  return CheckCapture(Folder(), "polycam");
}
