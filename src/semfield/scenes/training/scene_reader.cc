#include "semfield/scenes/training/scene_reader.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

constexpr int kMostSkippedInARow = 50;
constexpr uint16_t kNoLabel = 65535;
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

// Pixels that rays go through, and with cells [width, height] also the cell of each.
struct Drawn {
  std::vector<std::array<int, 2>> pixels;
  std::vector<int64_t> cells;
};

Drawn AnyPixels(int count, int width, int height, Random* random) {
  Drawn drawn;
  for (int r = 0; r < count; ++r) {
    const int x = static_cast<int>(random->Below(width)), y = static_cast<int>(random->Below(height));
    drawn.pixels.push_back({x, y});
  }
  return drawn;
}

// Each in a cell of its own; of the pixels in it, rather one whose depth is known.
Drawn PixelsOfCells(int count, const std::array<int, 2>& cells, const ImageU8& rgb, const ImageF& depth,
                    Random* random) {
  constexpr int kTries = 6;
  std::vector<int64_t> all(static_cast<size_t>(cells[0]) * cells[1]);
  std::iota(all.begin(), all.end(), 0);
  Drawn drawn;
  for (size_t r = 0; r < std::min(all.size(), static_cast<size_t>(count)); ++r) {
    std::swap(all[r], all[r + random->Below(static_cast<uint32_t>(all.size() - r))]);
    std::array<int, 2> pixel{};
    for (int tried = 0; tried < kTries; ++tried) {
      const std::array<int64_t, 2> cell = {all[r] % cells[0], all[r] / cells[0]};
      const std::array<int, 2> sides = {rgb.width, rgb.height};
      for (int k = 0; k < 2; ++k) {
        const int begin = static_cast<int>(cell[k] * sides[k] / cells[k]);
        const int end = static_cast<int>((cell[k] + 1) * sides[k] / cells[k]);
        pixel[k] = begin + static_cast<int>(random->Below(std::max(1, end - begin)));
      }
      if (depth.data.empty() ||
          depth.At(pixel[0] * depth.width / rgb.width, pixel[1] * depth.height / rgb.height) > 0)
        break;
    }
    drawn.pixels.push_back(pixel);
    drawn.cells.push_back(all[r]);
  }
  return drawn;
}

}  // namespace

SceneReader::SceneReader(ManyScenesInputs inputs, const SceneReaderOptions& options)
    : inputs_(std::move(inputs)),
      options_(options),
      classes_(options.classes),
      ahead_([this](int step) { return Make(step); }) {
  for (const ManyScenesInputs::Scene& scene : inputs_.scenes) {
    scenes_.push_back(std::make_unique<SceneViews>(
        *scene.capture, *scene.store,
        PhotoClassesOptions{.model = options.words_model.empty() ? kLabelsOfCapture : options.words_model,
                            .onnxruntime = inputs_.onnxruntime,
                            .folder = scene.cache}));
    if (classes_.empty()) classes_ = scenes_.back()->classes().classes();
    class_of_.push_back(options.instances ? std::vector<int>() : ClassesByName(classes_, *scene.capture));
  }
  if (scenes_.empty()) throw InputError("no scene to train on");
}

SceneReader::~SceneReader() = default;

SceneBatch SceneReader::Next(int step) {
  return ahead_.Next(step);
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
  if (!options_.words_model.empty()) batch.classes = scene.ClassMaps(sources, nullptr);
  if (options_.cell > 0) {
    AddMaps(at, target, sources, &batch);
  } else {
    batch.rgb = scene.Pictures(sources);
  }
  DrawRays(at, target, random, &batch);
  return batch;
}

ImageU16 SceneReader::LabelsOf(size_t scene, int view) const {
  const Capture& capture = scenes_[scene]->capture();
  const ImageStore& store = scenes_[scene]->store();
  const bool there =
      !(options_.instances ? capture.views[view].instance : capture.views[view].semantic).empty();
  if (!there) return {};
  ImageU16 labels = options_.instances ? store.Instances(view) : CheckedLabels(capture, store, view);
  for (uint16_t& id : labels.data) {
    if (options_.instances) {
      if (id == 0) id = kNoLabel;
      continue;
    }
    const int known = id < capture.class_names.size() ? class_of_[scene][id] : -1;
    id = known < 0 ? kNoLabel : static_cast<uint16_t>(known);
  }
  return labels;
}

torch::Tensor SceneReader::LabelMap(size_t scene, int view, int64_t height, int64_t width) const {
  torch::Tensor map = torch::full({height, width}, -1, torch::kLong);
  const ImageU16 labels = LabelsOf(scene, view);
  if (labels.empty()) return map;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const uint16_t id = labels.At(static_cast<int>((2 * x + 1) * labels.width / (2 * width)),
                                    static_cast<int>((2 * y + 1) * labels.height / (2 * height)));
      if (id != kNoLabel) map.data_ptr<int64_t>()[y * width + x] = id;
    }
  }
  return map;
}

void SceneReader::AddMaps(size_t scene, int target, const std::vector<int>& sources,
                          SceneBatch* batch) const {
  std::vector<int> all = sources;
  all.push_back(target);
  const auto count = static_cast<int64_t>(sources.size());
  const torch::Tensor pictures = scenes_[scene]->Pictures(all);
  batch->rgb = pictures.narrow(0, 0, count);
  batch->target_rgb = pictures.narrow(0, count, 1);
  const int64_t height = (pictures.size(2) + options_.cell - 1) / options_.cell;
  const int64_t width = (pictures.size(3) + options_.cell - 1) / options_.cell;
  batch->target_labels = LabelMap(scene, target, height, width).unsqueeze(0);
  std::vector<torch::Tensor> maps;
  for (const int view : sources) maps.push_back(LabelMap(scene, view, height, width));
  batch->source_labels = torch::stack(maps);
}

void SceneReader::DrawRays(size_t at, int view, Random* random, SceneBatch* batch) const {
  const SceneViews& scene = *scenes_[at];
  const View& target = scene.capture().views[view];
  const ImageU8 rgb = ToRgb(*scene.store().Image(view), {127, 127, 127});
  const ImageU16 labels = LabelsOf(at, view);
  const ImageF depth = target.depth.empty() ? ImageF() : scene.store().Depth(view);
  const Camera camera = scene.store().CameraOf(view);
  const torch::Tensor& map = batch->target_labels;
  const Drawn drawn =
      map.defined()
          ? PixelsOfCells(options_.rays, {static_cast<int>(map.size(2)), static_cast<int>(map.size(1))}, rgb,
                          depth, random)
          : AnyPixels(options_.rays, rgb.width, rgb.height, random);
  const auto count = static_cast<int64_t>(drawn.pixels.size());
  if (map.defined()) {
    batch->cells = torch::tensor(drawn.cells, torch::kLong);
    batch->at = torch::zeros({count, 2});
  }
  batch->true_rgb = torch::zeros({count, 3});
  batch->true_class = torch::full({count}, -1, torch::kLong);
  batch->true_distance = torch::zeros({count});
  std::vector<Vec2> pixels;
  for (int64_t r = 0; r < count; ++r) {
    const auto [x, y] = drawn.pixels[r];
    pixels.emplace_back(x + 0.5, y + 0.5);
    if (map.defined()) {
      batch->at.data_ptr<float>()[2 * r] = static_cast<float>((x + 0.5) / rgb.width);
      batch->at.data_ptr<float>()[2 * r + 1] = static_cast<float>((y + 0.5) / rgb.height);
    }
    for (int c = 0; c < 3; ++c) batch->true_rgb.data_ptr<float>()[3 * r + c] = rgb.At(x, y, c) / 255.0f;
    if (!labels.data.empty()) {
      const uint16_t id = labels.At(x * labels.width / rgb.width, y * labels.height / rgb.height);
      if (id != kNoLabel) batch->true_class.data_ptr<int64_t>()[r] = id;
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
