#include "semfield/methods/feature_field/view_maker.h"

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/field/teacher_image.h"
#include "semfield/perception/square_view.h"

namespace semfield {

ViewMaker::ViewMaker(const TrainingInputs& inputs, const FeatureOptions& options)
    : inputs_(inputs), options_(options), poses_(inputs.capture, options) {
  SF_CHECK(inputs.radiance != nullptr);
  encoders_.push_back(LoadImageEncoder(inputs.teacher, {.threads = 1, .onnxruntime = inputs.onnxruntime}));
  for (int worker = 1; worker < NumThreads(); ++worker) encoders_.push_back(encoders_[0]->Clone());
}

FeatureSpace ViewMaker::Space() const {
  return {.encoder = inputs_.teacher, .channels = encoders_[0]->channels(), .grid = encoders_[0]->grid()};
}

std::shared_ptr<const TeacherEntry> ViewMaker::Make(int64_t index, int worker, const TeacherCache* cache,
                                                    const StopToken* stop) const {
  const RadianceField& field = inputs_.radiance->field;
  const auto [camera, frame_pose] = poses_.Sample(index);
  const std::vector<SquareView> squares = CoverWithSquares(camera, options_.teacher_resolution);
  // Wide frames are asked about in several squares, so the student learns all of them.
  const auto num_squares = static_cast<uint32_t>(squares.size());
  const SquareView& view =
      squares[num_squares == 1 ? 0 : Random(MixSeed(options_.seed, index), 23).Below(num_squares)];
  const Pose pose = view.WorldFromSquare(frame_pose);
  ImageEncoder& encoder = *encoders_[worker];
  auto entry = std::make_shared<TeacherEntry>();
  entry->index = index;
  entry->inputs = MakeTokenInputs(field, view.square(), pose, encoder.grid(), options_, stop);
  entry->inputs.samples.distance = {};
  entry->inputs.samples.opacity = {};
  const size_t size = static_cast<size_t>(encoder.channels()) * encoder.grid() * encoder.grid();
  if (cache != nullptr) entry->target = cache->LoadTarget(index, size);
  if (!entry->target.empty()) return entry;
  const ImageU8 picture =
      RenderTeacherImage(field, view.square(), pose, inputs_.radiance->background.data(), stop);
  const FeatureMap features = encoder.Encode(picture, stop);
  LogDebug("teacher: view {}", index);
  entry->target.resize(features.data.size());
  std::transform(features.data.begin(), features.data.end(), entry->target.begin(), FloatToHalf);
  if (cache != nullptr) cache->Store(*entry);
  return entry;
}

}  // namespace semfield
