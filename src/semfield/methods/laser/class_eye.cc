#include "semfield/methods/laser/class_eye.h"

#include <algorithm>

#include "semfield/base/parallel.h"
#include "semfield/perception/dense_encoder.h"

namespace semfield {
namespace {

class ClassEye : public TeacherEye {
 public:
  ClassEye(std::unique_ptr<DenseEncoder> encoder, int grid) : encoder_(std::move(encoder)) {
    space_ = {.encoder = encoder_->card().name,
              .channels = static_cast<int>(encoder_->classes().size()),
              .grid = grid};
  }
  const FeatureSpace& space() const override { return space_; }
  size_t target_size() const override {
    return static_cast<size_t>(space_.channels) * space_.grid * space_.grid;
  }
  std::string Fingerprint() const override {
    const DenseCard& dense = encoder_->card().dense;
    std::string files =
        dense.file.sha256 + ";" + FindModelCard(dense.classifier).classifier.file.sha256 + ";";
    if (!dense.image_encoder.empty()) files += FindModelCard(dense.image_encoder).encoder.file.sha256 + ";";
    return files + "classes " + std::to_string(space_.grid) + ";";
  }
  std::vector<Half> Look(const ImageU8& rgb, const StopToken* stop) override {
    return ToHalves(MeansOfTokens(encoder_->Look(rgb, stop), space_.grid));
  }

 private:
  std::unique_ptr<DenseEncoder> encoder_;
  FeatureSpace space_;
};

}  // namespace

std::vector<float> MeansOfTokens(const FeatureMap& map, int grid) {
  const size_t tokens = static_cast<size_t>(grid) * grid;
  std::vector<float> means(map.channels * tokens, 0.0f);
  std::vector<int> count(tokens, 0);
  const auto token_of = [grid](int i, int size) {
    return static_cast<int>((static_cast<int64_t>(2) * i + 1) * grid / (2 * static_cast<int64_t>(size)));
  };
  for (int y = 0; y < map.height; ++y) {
    for (int x = 0; x < map.width; ++x) {
      const size_t token = static_cast<size_t>(token_of(y, map.height)) * grid + token_of(x, map.width);
      ++count[token];
      for (int c = 0; c < map.channels; ++c)
        means[c * tokens + token] += map.data[(static_cast<size_t>(c) * map.height + y) * map.width + x];
    }
  }
  for (size_t token = 0; token < tokens; ++token) {
    const int y = std::min(map.height - 1, static_cast<int>((token / grid + 0.5) * map.height / grid));
    const int x = std::min(map.width - 1, static_cast<int>((token % grid + 0.5) * map.width / grid));
    for (int c = 0; c < map.channels; ++c) {
      float& mean = means[c * tokens + token];
      if (count[token] > 0) {
        mean /= static_cast<float>(count[token]);
      } else {
        mean = map.data[(static_cast<size_t>(c) * map.height + y) * map.width + x];
      }
    }
  }
  return means;
}

TeacherEyes OpenClassEyes(const TrainingInputs& inputs, int grid) {
  TeacherEyes eyes;
  for (int worker = 0; worker < NumThreads(); ++worker)
    eyes.push_back(std::make_unique<ClassEye>(
        LoadDenseEncoder(inputs.teacher, {.threads = 1, .onnxruntime = inputs.onnxruntime}), grid));
  return eyes;
}

}  // namespace semfield
