#include "semfield/methods/feature_field/teacher_eye.h"

#include <algorithm>

#include "semfield/base/parallel.h"
#include "semfield/perception/image_encoder.h"

namespace semfield {
namespace {

class EncoderEye : public TeacherEye {
 public:
  EncoderEye(std::unique_ptr<ImageEncoder> encoder, const std::string& name)
      : encoder_(std::move(encoder)),
        space_{.encoder = name, .channels = encoder_->channels(), .grid = encoder_->grid()} {}
  const FeatureSpace& space() const override { return space_; }
  size_t target_size() const override {
    return static_cast<size_t>(space_.channels) * space_.grid * space_.grid;
  }
  std::string Fingerprint() const override {
    const ModelCard& card = encoder_->card();
    std::string files = card.encoder.file.sha256 + ";";
    for (const ModelFile& file : card.extra_files) files += file.sha256 + ";";
    return files;
  }
  std::vector<Half> Look(const ImageU8& rgb, const StopToken* stop) override {
    return ToHalves(encoder_->Encode(rgb, stop).data);
  }
  std::unique_ptr<EncoderEye> Clone() const {
    return std::make_unique<EncoderEye>(encoder_->Clone(), space_.encoder);
  }

 private:
  std::unique_ptr<ImageEncoder> encoder_;
  FeatureSpace space_;
};

}  // namespace

TeacherEyes OpenEncoderEyes(const TrainingInputs& inputs) {
  auto first = std::make_unique<EncoderEye>(
      LoadImageEncoder(inputs.teacher, {.threads = 1, .onnxruntime = inputs.onnxruntime}), inputs.teacher);
  TeacherEyes eyes;
  for (int worker = 1; worker < NumThreads(); ++worker) eyes.push_back(first->Clone());
  eyes.push_back(std::move(first));
  return eyes;
}

std::vector<Half> ToHalves(const std::vector<float>& values) {
  std::vector<Half> halves(values.size());
  std::transform(values.begin(), values.end(), halves.begin(), FloatToHalf);
  return halves;
}

}  // namespace semfield
