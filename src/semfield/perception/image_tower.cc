#include "semfield/perception/image_tower.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/image/pixels.h"
#include "semfield/perception/ort.h"
#include "semfield/perception/text_encoder.h"

namespace semfield {
namespace {

class OnnxImageTower : public ImageTower {
 public:
  OnnxImageTower(const ModelCard& card, const ImageTowerOptions& options) : card_(card) {
    const std::filesystem::path model = VerifyModelFile(card, card.image.file);
    SessionOptions session;
    session.threads = options.threads;
    session_ =
        std::make_unique<InferenceSession>(InferenceRuntime::Load(options.onnxruntime), model, session);
    const ImageTowerCard& image = card.image;
    const TensorInfo* input = session_->FindInput(image.input);
    if (!input || session_->inputs().size() != 1 || input->type != ElementType::kFloat ||
        !MatchesShape(*input, {1, 3, image.size, image.size}))
      throw InputError("{}: expected one input '{}' f32 [1, 3, {}, {}], got {}", model.string(), image.input,
                       image.size, image.size, Describe(session_->inputs()));
    const TensorInfo* output = session_->FindOutput(image.output);
    if (!output || output->type != ElementType::kFloat || !MatchesShape(*output, {1, card.text.width}))
      throw InputError("{}: expected an output '{}' f32 [1, {}], got {}", model.string(), image.output,
                       card.text.width, Describe(session_->outputs()));
  }

  const ModelCard& card() const override { return card_; }

  std::vector<float> Look(const ImageU8& rgb, const StopToken* stop) override {
    SF_CHECK_EQ(rgb.channels, 3);
    const int size = card_.image.size;
    const double scale = static_cast<double>(size) / std::max({rgb.width, rgb.height, 1});
    const auto side = [&](int pixels) {
      return std::clamp(static_cast<int>(std::lround(pixels * scale)), 1, size);
    };
    const ImageU8 small = Resize(rgb, side(rgb.width), side(rgb.height));
    const int left = (size - small.width) / 2, top = (size - small.height) / 2;
    const size_t plane = static_cast<size_t>(size) * size;
    std::vector<float> planes(3 * plane, 0);  // 0 is the mean colour
    for (int y = 0; y < small.height; ++y) {
      for (int x = 0; x < small.width; ++x) {
        for (int c = 0; c < 3; ++c) {
          planes[c * plane + static_cast<size_t>(y + top) * size + x + left] =
              static_cast<float>((small.At(x, y, c) - card_.image.mean[c]) / card_.image.std[c]);
        }
      }
    }
    TensorInput input;
    input.name = card_.image.input;
    input.shape = {1, 3, size, size};
    input.floats = planes;
    std::vector<float> vector = std::move(session_->Run({input}, {card_.image.output}, stop)[0].floats);
    if (static_cast<int>(vector.size()) != card_.text.width || !ScaleToLengthOne(&vector))
      throw InputError("{}: output '{}': expected {} finite numbers that are not all 0, got {}",
                       session_->model().string(), card_.image.output, card_.text.width, vector.size());
    return vector;
  }

 private:
  const ModelCard card_;
  std::unique_ptr<InferenceSession> session_;
};

}  // namespace

std::unique_ptr<ImageTower> LoadImageTower(const ModelCard& card, const ImageTowerOptions& options) {
  CheckModelKind(card, "clip");
  InferenceRuntime::Load(options.onnxruntime);
  return std::make_unique<OnnxImageTower>(card, options);
}

}  // namespace semfield
