#include "semfield/scenes/training/scene_reader.h"

#include <algorithm>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

constexpr int kMostSkippedInARow = 50;
constexpr int kPool = 2;  // sources are drawn from so many times as many views as are asked for

std::vector<int> ClassesByName(const std::vector<std::string>& model, const Capture& capture) {
  std::vector<int> ids;
  for (const std::string& name : capture.class_names) {
    const auto found = std::find(model.begin(), model.end(), name);
    ids.push_back(found == model.end() ? -1 : static_cast<int>(found - model.begin()));
  }
  if (std::all_of(ids.begin(), ids.end(), [](int id) { return id < 0; })) {
    throw InputError("{}: none of its {} classes is one that the model knows ({} ...)", capture.path.string(),
                     ids.size(), model.front());
  }
  return ids;
}

// Some of `views`, in their order.
std::vector<int> Some(std::vector<int> views, int count, Random* random) {
  while (static_cast<int>(views.size()) > count)
    views.erase(views.begin() + random->Below(static_cast<uint32_t>(views.size())));
  return views;
}

torch::Tensor Uniform(int64_t rows, int64_t columns, Random* random) {
  torch::Tensor values = torch::zeros({rows, columns});
  for (int64_t i = 0; i < rows * columns; ++i) values.data_ptr<float>()[i] = random->Uniform();
  return values;
}

}  // namespace

SceneReader::SceneReader(ManyScenesInputs inputs, const SceneReaderOptions& options)
    : inputs_(std::move(inputs)), options_(options) {
  for (const ManyScenesInputs::Scene& scene : inputs_.scenes) {
    scenes_.push_back(std::make_unique<SceneViews>(
        *scene.capture, *scene.store,
        PhotoClassesOptions{
            .model = options.words_model, .onnxruntime = inputs_.onnxruntime, .folder = scene.cache}));
    if (classes_.empty()) classes_ = scenes_.back()->classes().classes();
    class_of_.push_back(ClassesByName(classes_, *scene.capture));
  }
  if (scenes_.empty()) throw InputError("no scene to train on");
}

SceneReader::~SceneReader() = default;

SceneBatch SceneReader::Next(int step) {
  const std::unique_ptr<Ahead> ahead = std::move(ahead_);
  if (ahead != nullptr) ahead->thread.Join();
  if (ahead != nullptr && ahead->step == step && ahead->error) std::rethrow_exception(ahead->error);
  SceneBatch batch = ahead != nullptr && ahead->step == step ? std::move(ahead->batch) : Make(step);
  auto next = std::make_unique<Ahead>();
  next->step = step + 1;
  next->thread.Start(1, BackgroundThreads::Priority::kNormal, [this, into = next.get()](int) {
    const ThreadShare alone(1);
    try {
      into->batch = Make(into->step);
    } catch (...) {
      into->error = std::current_exception();
    }
  });
  ahead_ = std::move(next);
  return batch;
}

SceneBatch SceneReader::Make(int step) {
  const torch::NoGradGuard no_gradient;
  Random random(static_cast<uint64_t>(options_.seed),
                MixSeed(static_cast<uint64_t>(step), static_cast<uint64_t>(options_.rank)) >> 1);
  for (int tries = 1;; ++tries) {
    try {
      return Draw(&random);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kInterrupted || tries >= kMostSkippedInARow) throw;
      ++skipped_;
      LogWarning("skipped: {}", error.what());
    }
  }
}

SceneBatch SceneReader::Draw(Random* random) {
  const uint32_t at = random->Below(static_cast<uint32_t>(scenes_.size()));
  SceneViews& scene = *scenes_[at];
  const std::vector<int>& train = scene.capture().train;
  const int target = train[random->Below(static_cast<uint32_t>(train.size()))];
  const std::vector<int> near =
      scene.Nearest(scene.capture().views[target].world_from_camera, train, kPool * options_.sources);
  const std::vector<int> sources = Some(near, options_.sources, random);
  if (sources.empty())
    throw InputError("{}: a single view, which has no sources", scene.capture().path.string());
  SceneBatch batch{.scene = &scene, .cameras = scene.CamerasOf(sources)};
  batch.rgb = scene.Pictures(sources);
  batch.classes = scene.ClassMaps(sources, nullptr);
  DrawRays(scene, target, random, &batch);
  for (int64_t r = 0; r < options_.rays; ++r) {
    int64_t& id = batch.true_class.data_ptr<int64_t>()[r];
    if (id >= 0) id = class_of_[at][id];
  }
  return batch;
}

void SceneReader::DrawRays(const SceneViews& scene, int view, Random* random, SceneBatch* batch) const {
  const View& target = scene.capture().views[view];
  const ImageU8 rgb = ToRgb(*scene.store().Image(view), {127, 127, 127});
  const ImageU16 labels =
      target.semantic.empty() ? ImageU16() : CheckedLabels(scene.capture(), scene.store(), view);
  const ImageF depth = target.depth.empty() ? ImageF() : scene.store().Depth(view);
  const Camera camera = scene.store().CameraOf(view);
  const int64_t count = options_.rays;
  batch->true_rgb = torch::zeros({count, 3});
  batch->true_class = torch::full({count}, -1, torch::kLong);
  batch->true_distance = torch::zeros({count});
  std::vector<Vec2> pixels;
  for (int64_t r = 0; r < count; ++r) {
    const int x = static_cast<int>(random->Below(rgb.width)), y = static_cast<int>(random->Below(rgb.height));
    pixels.emplace_back(x + 0.5, y + 0.5);
    for (int c = 0; c < 3; ++c) batch->true_rgb.data_ptr<float>()[3 * r + c] = rgb.At(x, y, c) / 255.0f;
    if (!labels.data.empty()) {
      const uint16_t id = labels.At(x * labels.width / rgb.width, y * labels.height / rgb.height);
      if (id < scene.capture().class_names.size()) batch->true_class.data_ptr<int64_t>()[r] = id;
    }
    if (!depth.data.empty()) {
      const float z = depth.At(x * depth.width / rgb.width, y * depth.height / rgb.height);
      const double cosine = camera.DirectionAt(pixels.back()).z();
      batch->true_distance.data_ptr<float>()[r] = static_cast<float>(z / cosine / scene.unit());
    }
  }
  batch->rays = scene.RaysOf(camera, target.world_from_camera, pixels);
  batch->coarse_jitter = Uniform(count, 1, random);
  batch->fine_jitter = Uniform(count, 1, random);
}

}  // namespace semfield
