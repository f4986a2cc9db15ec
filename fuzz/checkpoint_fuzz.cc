// Checkpoints and other safetensors files.
#include <cstring>

#include "fuzz_support.h"
#include "semfield/training/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield;
  const auto path = fuzz::Folder() / "radiance.safetensors";
  fuzz::WriteBytes(path, fuzz::Text(data, size));
  fuzz::Check([&] { LoadCheckpoint(path, "radiance"); });
  return fuzz::Check([&] {
    const SafetensorsFile file = SafetensorsFile::Read(path, ChecksumPolicy::kOptional);
    size_t bytes = 0;
    for (const TensorView& tensor : file.tensors()) {
      size_t elements = 1;
      for (const int64_t extent : tensor.shape) elements *= static_cast<size_t>(extent);
      fuzz::Require(elements * TensorElementSize(tensor.dtype) == tensor.data.size(), "the shape's bytes");
      uint8_t sum = 0;
      for (const std::byte value : tensor.data) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(value));
      bytes += tensor.data.size() + (sum & 0);
    }
    fuzz::Require(bytes <= size, "tensors lie in the file");
    fuzz::Check([&] { CheckpointState(file, {"seconds"}); });
    if (file.Has("grid")) file.Get<float>("grid", {-1, 2});
  });
}
