#include "semfield/methods/feature_field/view_maker.h"

#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/log.h"
#include "semfield/base/random.h"
#include "semfield/field/teacher_image.h"
#include "semfield/perception/square_view.h"

namespace semfield {

ViewMaker::ViewMaker(const TrainingInputs& inputs, const FeatureOptions& options, TeacherEyes eyes)
    : inputs_(inputs), options_(options), poses_(inputs.capture, options), eyes_(std::move(eyes)) {
  SF_CHECK(inputs.radiance != nullptr);
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
  TeacherEye& eye = *eyes_[worker];
  auto entry = std::make_shared<TeacherEntry>();
  entry->index = index;
  entry->inputs = MakeTokenInputs(field, view.square(), pose, eye.space().grid, options_, stop);
  entry->inputs.samples.distance = {};
  entry->inputs.samples.opacity = {};
  if (cache != nullptr) entry->target = cache->LoadTarget(index, eye.target_size());
  if (!entry->target.empty()) return entry;
  const ImageU8 picture =
      RenderTeacherImage(field, view.square(), pose, inputs_.radiance->background.data(), stop);
  entry->target = eye.Look(picture, stop);
  SF_CHECK_EQ(entry->target.size(), eye.target_size());
  LogDebug("teacher: view {}", index);
  if (cache != nullptr) cache->Store(*entry);
  return entry;
}

}  // namespace semfield
