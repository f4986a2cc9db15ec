// Of ScanNet: intrinsic_color.txt, a pose and the table of labels, with lines "---" between them.
#include "fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield::fuzz;
  WriteImagesOnce(Folder(), {"color/0.png", "color/1.png", "color/2.png", "label-filt/1.png"});
  const auto parts = TextParts(Text(data, size), 3);
  WriteBytes(Folder() / "intrinsic/intrinsic_color.txt", parts[0]);
  WriteBytes(Folder() / "pose/0.txt", parts[1]);
  for (const char* name : {"pose/1.txt", "pose/2.txt"})
    WriteBytes(Folder() / name, "1 0 0 1\n0 1 0 0\n0 0 1 0\n0 0 0 1\n");
  WriteBytes(Folder() / "scannetv2-labels.combined.tsv", parts[2]);
  return CheckCapture(Folder(), "scannet");
}
