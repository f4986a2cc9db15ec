#include "semfield/methods/language_field/dense_eye.h"

#include "semfield/base/error.h"
#include "semfield/base/parallel.h"
#include "semfield/perception/dense_encoder.h"

namespace semfield {
namespace {

class DenseEye : public TeacherEye {
 public:
  explicit DenseEye(std::unique_ptr<DenseEncoder> encoder)
      : encoder_(std::move(encoder)), pyramid_(PyramidSpaceOf(encoder_->card())) {
    space_ = {.encoder = pyramid_.encoder, .channels = pyramid_.channels, .grid = pyramid_.grids[0]};
  }
  const FeatureSpace& space() const override { return space_; }
  size_t target_size() const override {
    size_t size = 0;
    for (const int grid : pyramid_.grids) size += static_cast<size_t>(pyramid_.channels) * grid * grid;
    return size;
  }
  std::string Fingerprint() const override {
    const DenseCard& dense = encoder_->card().dense;
    std::string files =
        dense.file.sha256 + ";" + FindModelCard(dense.classifier).classifier.file.sha256 + ";";
    if (!dense.image_encoder.empty()) files += FindModelCard(dense.image_encoder).encoder.file.sha256 + ";";
    return files;
  }
  std::vector<Half> Look(const ImageU8& rgb, const StopToken* stop) override {
    std::vector<Half> target;
    target.reserve(target_size());
    const std::vector<FeatureMap> maps = encoder_->LookBetween(rgb, stop);
    for (size_t i = 0; i < maps.size(); ++i) {
      const int grid = pyramid_.grids[i];
      if (maps[i].width != grid || maps[i].height != grid)
        throw InputError("model '{}': {}: expected {} x {} of a square picture, got {} x {}", space_.encoder,
                         encoder_->card().dense.laterals.maps[i].output, grid, grid, maps[i].width,
                         maps[i].height);
      const std::vector<Half> halves = ToHalves(maps[i].data);
      target.insert(target.end(), halves.begin(), halves.end());
    }
    return target;
  }

 private:
  std::unique_ptr<DenseEncoder> encoder_;
  PyramidSpace pyramid_;
  FeatureSpace space_;
};

}  // namespace

PyramidSpace PyramidSpaceOf(const ModelCard& card) {
  CheckHasLaterals(card);
  const LateralCard& laterals = card.dense.laterals;
  PyramidSpace space{.encoder = card.name, .channels = laterals.channels};
  for (const LateralMap& map : laterals.maps) space.grids.push_back(card.dense.longest_side / map.stride);
  return space;
}

TeacherEyes OpenDenseEyes(const TrainingInputs& inputs) {
  TeacherEyes eyes;
  for (int worker = 0; worker < NumThreads(); ++worker)
    eyes.push_back(std::make_unique<DenseEye>(
        LoadDenseEncoder(inputs.teacher, {.threads = 1, .onnxruntime = inputs.onnxruntime})));
  return eyes;
}

}  // namespace semfield
