#include "semfield/scenes/feature_nerf/teacher_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/log.h"
#include "semfield/training/safetensors.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kTokens = int64_t{TeacherMaps::kSide} * TeacherMaps::kSide;
constexpr size_t kFitPictures = 100;  // that the projection is made of
constexpr float kMostlyOpaque = 0.5f;
constexpr char kKey[] = "of", kMaps[] = "maps";

TrainingObject ObjectOf(const ObjectViews& views, int category) {
  TrainingObject object{.category = category,
                        .camera = views.camera,
                        .world_from_camera = views.world_from_camera,
                        .rgba = views.Pictures(),
                        .depth = views.Depths()};
  if (object.rgba.empty()) throw InputError("{}: no views", views.id);
  return object;
}

std::vector<int> EvenlyChosen(int count, int of) {
  if (count == 0 || count >= of) count = of;
  std::vector<int> chosen;
  for (int i = 0; i < count; ++i) chosen.push_back(i * of / count);
  return chosen;
}

// The views of each object that a teacher looks at, with what it says of them.
class Looking {
 public:
  Looking(const TrainingObjectsOptions& options, TrainingObjects* all, std::vector<std::string> names)
      : options_(options), all_(*all), names_(std::move(names)) {
    for (TrainingObject& object : all_.objects)
      object.looked = EvenlyChosen(options.teacher_views, static_cast<int>(object.rgba.size()));
  }

  void Run(const JobControl& control) {
    all_.projection = Projection(control);
    for (size_t i = 0; i < all_.objects.size(); ++i) {
      control.ThrowIfStopped();
      TrainingObject& object = all_.objects[i];
      object.teacher_channels = options_.teacher_channels;
      object.teacher_side = TeacherMaps::kSide;
      object.teacher = MapsOf(object, FileOf(names_[i]), control);
      if ((i + 1) % 50 == 0)
        LogInfo("the teacher's maps of {} of {} objects are there", i + 1, all_.objects.size());
    }
  }

 private:
  TeacherMaps& teacher() {
    if (!teacher_) teacher_ = std::make_unique<TeacherMaps>(options_.teacher, options_.onnxruntime);
    return *teacher_;
  }
  fs::path FileOf(const std::string& name) const {
    return options_.cache.empty() ? fs::path() : options_.cache / (name + ".safetensors");
  }

  TeacherProjection Projection(const JobControl& control) {
    const size_t count = std::min(kFitPictures, all_.objects.size());
    std::vector<torch::Tensor> rows;
    for (size_t i = 0; i < count; ++i) {
      control.ThrowIfStopped();
      const TrainingObject& object = all_.objects[i * all_.objects.size() / count];
      const TeacherMaps::Seen seen =
          teacher().Look(object.rgba[object.looked[i % object.looked.size()]], control.stop);
      rows.push_back(seen.features.index({seen.alpha > kMostlyOpaque}));
    }
    const torch::Tensor all = torch::cat(rows);
    if (all.size(0) < options_.teacher_channels || all.size(1) < options_.teacher_channels) {
      throw InputError("--teacher-channels {}: the teacher has {} channels, and {} tokens to choose from",
                       options_.teacher_channels, all.size(1), all.size(0));
    }
    return TeacherProjection::Fit(options_.teacher, all, options_.teacher_channels);
  }

  std::vector<Half> MapsOf(const TrainingObject& object, const fs::path& file, const JobControl& control) {
    uint64_t pictures = 0;
    for (const int view : object.looked)
      pictures = MixSeed(pictures, FastHash(std::as_bytes(std::span<const uint8_t>(object.rgba[view].data))));
    const torch::Tensor& basis = all_.projection.basis;
    const std::span<const float> numbers(basis.data_ptr<float>(), static_cast<size_t>(basis.numel()));
    const std::string key =
        fmt::format("{} {:016x} {:016x}", teacher().key(), pictures, FastHash(std::as_bytes(numbers)));
    const std::vector<int64_t> shape = {static_cast<int64_t>(object.looked.size()), options_.teacher_channels,
                                        TeacherMaps::kSide, TeacherMaps::kSide};
    if (!file.empty() && fs::exists(file)) {
      try {
        const SafetensorsFile kept = SafetensorsFile::Read(file);
        const std::span<const Half> maps = kept.Get<Half>(kMaps, shape);
        if (kept.Metadata(kKey) == key) return {maps.begin(), maps.end()};
      } catch (const Error& error) {
        LogWarning("{}: not used ({}); the pictures are looked at again", file.string(), error.what());
      }
    }
    std::vector<Half> halves;
    for (const int view : object.looked) {
      const torch::Tensor map =
          teacher().Project(all_.projection, teacher().Look(object.rgba[view], control.stop)).contiguous();
      for (int64_t i = 0; i < map.numel(); ++i) halves.push_back(FloatToHalf(map.data_ptr<float>()[i]));
    }
    if (!file.empty()) {
      fs::create_directories(file.parent_path());
      const TensorView view = MakeTensorView<Half>(kMaps, shape, std::span<const Half>(halves));
      WriteSafetensors(file, {&view, 1}, {{kKey, key}});
    }
    return halves;
  }

  const TrainingObjectsOptions& options_;
  TrainingObjects& all_;
  const std::vector<std::string> names_;
  std::unique_ptr<TeacherMaps> teacher_;
};

}  // namespace

TeacherMaps::TeacherMaps(const std::string& models, const std::string& onnxruntime)
    : teacher_({.models = models, .onnxruntime = onnxruntime}) {}

TeacherMaps::Seen TeacherMaps::Look(const ImageU8& rgba, const StopToken* stop) {
  const torch::NoGradGuard no_gradient;
  const FeatureMap map = teacher_.Look(rgba, stop);
  const torch::Tensor all = torch::from_blob(const_cast<float*>(map.data.data()),
                                             {1, map.channels, map.height, map.width}, torch::kFloat);
  Seen seen;
  seen.whole = all.permute({0, 2, 3, 1}).contiguous();
  seen.features =
      torch::adaptive_avg_pool2d(all, {kSide, kSide}).reshape({map.channels, kTokens}).t().contiguous();
  const ImageU8 square = PadToSquare(rgba);
  torch::Tensor alpha = torch::empty({1, 1, square.height, square.width});
  for (size_t i = 0; i < square.num_pixels(); ++i)
    alpha.data_ptr<float>()[i] = square.data[4 * i + 3] / 255.0f;
  seen.alpha = torch::adaptive_avg_pool2d(alpha, {kSide, kSide}).reshape({kTokens});
  return seen;
}

torch::Tensor TeacherMaps::Project(const TeacherProjection& projection, const Seen& seen) const {
  const torch::NoGradGuard no_gradient;
  const torch::Tensor masked = projection.Apply(seen.features) * seen.alpha.unsqueeze(1);
  return masked.t().reshape({1, projection.channels(), kSide, kSide}).contiguous();
}

TrainingObjects ReadTrainingObjects(std::span<const ObjectCategory> categories,
                                    const TrainingObjectsOptions& options, const JobControl& control) {
  TrainingObjects all;
  std::vector<std::string> names;
  for (const ObjectCategory& category : categories) {
    for (const std::unique_ptr<const ObjectViews>& views : category.objects) {
      control.ThrowIfStopped();
      try {
        all.objects.push_back(ObjectOf(*views, static_cast<int>(all.categories.size())));
        names.push_back(category.name + "-" + views->id);
      } catch (const Error& error) {
        LogWarning("skipped: {}", error.what());
      }
    }
    all.categories.push_back(category.name);
  }
  if (all.objects.empty()) throw InputError("no object to train on");
  if (options.teacher_channels > 0 && !options.teacher.empty()) Looking(options, &all, names).Run(control);
  return all;
}

}  // namespace semfield
