#include "semfield/objects/photo_embeddings.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "semfield/base/atomic_file.h"
#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/half.h"
#include "semfield/base/hash.h"
#include "semfield/base/log.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/training/safetensors.h"

namespace semfield {
namespace {

constexpr char kTensor[] = "embedding";
constexpr char kKey[] = "of";

}  // namespace

PhotoEmbeddings::PhotoEmbeddings(const Capture& capture, std::filesystem::path folder, const ModelCard& card,
                                 std::function<std::unique_ptr<ImageEncoder>()> load_encoder)
    : capture_(capture), folder_(std::move(folder)), card_(card), load_encoder_(std::move(load_encoder)) {}

std::filesystem::path PhotoEmbeddings::FileOf(int view) const {
  return folder_ / fmt::format("{:06d}.safetensors", view);
}

std::string PhotoEmbeddings::KeyOf(int view) const {
  return fmt::format("{:016x} {}", FastHash(ReadFile(capture_.views[view].image)), card_.encoder.file.sha256);
}

bool PhotoEmbeddings::IsMissing(int view) const {
  return !std::filesystem::exists(FileOf(view));
}

FeatureMap PhotoEmbeddings::Get(int view, const StopToken* stop) {
  const EncoderCard& encoder = card_.encoder;
  const std::vector<int64_t> shape = {encoder.channels, encoder.grid, encoder.grid};
  FeatureMap map{.channels = encoder.channels,
                 .height = encoder.grid,
                 .width = encoder.grid,
                 .data = {},
                 .encoder = card_.name};
  const std::string key = KeyOf(view);
  if (!IsMissing(view)) {
    try {
      const SafetensorsFile file = SafetensorsFile::Read(FileOf(view));
      if (file.Metadata(kKey) == key) {
        const std::span<const Half> halves = file.Get<Half>(kTensor, shape);
        map.data.resize(halves.size());
        for (size_t i = 0; i < halves.size(); ++i) map.data[i] = HalfToFloat(halves[i]);
        return map;
      }
    } catch (const Error& error) {
      LogWarning("{}: not used ({}); the photo is encoded again", FileOf(view).string(), error.what());
    }
  }
  if (!encoder_) encoder_ = load_encoder_();
  // What is transparent shows what the encoder takes for the mean of its photos.
  const std::array<uint8_t, 3> behind = {static_cast<uint8_t>(encoder.mean[0]),
                                         static_cast<uint8_t>(encoder.mean[1]),
                                         static_cast<uint8_t>(encoder.mean[2])};
  const FeatureMap made = encoder_->Encode(ToRgb(ReadImage(capture_.views[view].image), behind), stop);
  ++num_encoded_;
  SF_CHECK_EQ(made.channels, encoder.channels);
  SF_CHECK_EQ(made.width, encoder.grid);
  std::vector<Half> halves(made.data.size());
  map.data.resize(halves.size());
  for (size_t i = 0; i < halves.size(); ++i) {
    halves[i] = FloatToHalf(made.data[i]);
    map.data[i] = HalfToFloat(halves[i]);  // the same answer now and later
  }
  const TensorView tensor = MakeTensorView<Half>(kTensor, shape, halves);
  WriteSafetensors(FileOf(view), {&tensor, 1}, {{kKey, key}});
  return map;
}

}  // namespace semfield
