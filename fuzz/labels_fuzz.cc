// labels.json beside a capture's poses.
#include "fuzz_support.h"
#include "semfield/capture/readers/labels.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield;
  const auto file = fuzz::Folder() / "labels.json";
  fuzz::WriteBytes(file, fuzz::Text(data, size));
  return fuzz::Check([&] {
    Capture capture;
    ReadLabels(file, &capture);
    for (const auto& [id, label] : capture.instances) {
      fuzz::Require(id >= 1 && id <= 65535, "ids of 16 bits");
      fuzz::Require(
          capture.class_names.empty() || label.class_id < static_cast<int>(capture.class_names.size()),
          "a class that is there");
    }
  });
}
