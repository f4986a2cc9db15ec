// Of Replica: traj_w_c.txt and info_semantic.json, with a line "---" between them.
#include "fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield::fuzz;
  WriteImagesOnce(Folder(),
                  {"rgb/rgb_0.png", "rgb/rgb_2.png", "rgb/rgb_5.png", "semantic_class/semantic_class_0.png"});
  const auto parts = TextParts(Text(data, size), 2);
  WriteBytes(Folder() / "traj_w_c.txt", parts[0]);
  WriteBytes(Folder() / "info_semantic.json", parts[1]);
  return CheckCapture(Folder(), "replica");
}
