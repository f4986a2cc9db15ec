#include "semfield/views/picture_features.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/training/safetensors.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr char kKey[] = "of", kTokens[] = "tokens", kValues[] = "values", kSize[] = "size";
constexpr char kFeatures[] = "features";
constexpr int64_t kMaxChannels = 65536, kMaxSide = 4096;

bool SameCamera(const Camera& a, const Camera& b) {
  return a.fx * b.width == b.fx * a.width && a.fy * b.height == b.fy * a.height &&
         a.cx * b.width == b.cx * a.width && a.cy * b.height == b.cy * a.height;
}

bool SamePose(const Pose& a, const Pose& b) {
  return (a.Matrix() - b.Matrix()).cwiseAbs().maxCoeff() < 1e-9;
}

void CheckPicture(const ObjectPicture& picture) {
  const ImageU8& rgba = picture.rgba;
  if (rgba.channels != 4 || rgba.width != picture.camera.width || rgba.height != picture.camera.height)
    throw InputError(
        "a picture of an object has alpha and its camera's size, {}x{}; this one is {}x{} of {} channels",
        picture.camera.width, picture.camera.height, rgba.width, rgba.height, rgba.channels);
}

// The tensor as floats.
FeatureMap MapOf(const SafetensorsFile& file) {
  const TensorView* tensor = file.Find(kFeatures);
  if (tensor == nullptr || tensor->shape.size() != 3 || tensor->shape[0] > kMaxChannels ||
      tensor->shape[1] > kMaxSide || tensor->shape[2] > kMaxSide)
    throw InputError("{}: expected a tensor '{}' [channels, height, width]", file.path().string(), kFeatures);
  const std::vector<int64_t>& shape = tensor->shape;
  FeatureMap map{.channels = static_cast<int>(shape[0]),
                 .height = static_cast<int>(shape[1]),
                 .width = static_cast<int>(shape[2]),
                 .data = {},
                 .encoder = file.path().string()};
  if (tensor->dtype == TensorDtype<Half>()) {
    const std::span<const Half> halves = file.Get<Half>(kFeatures, shape);
    map.data.resize(halves.size());
    std::transform(halves.begin(), halves.end(), map.data.begin(), &HalfToFloat);
  } else {
    const std::span<const float> floats = file.Get<float>(kFeatures, shape);
    map.data.assign(floats.begin(), floats.end());
  }
  for (const float value : map.data) {
    if (!std::isfinite(value))
      throw InputError("{}: '{}' holds a number that is not finite", file.path().string(), kFeatures);
  }
  return map;
}

// 0 at tokens whose middle lies on a pixel without alpha.
void MaskByAlpha(const ImageU8& rgba, FeatureMap* map) {
  const size_t plane = static_cast<size_t>(map->width) * map->height;
  for (int y = 0; y < map->height; ++y) {
    for (int x = 0; x < map->width; ++x) {
      const int px = static_cast<int>((x + 0.5) * rgba.width / map->width);
      const int py = static_cast<int>((y + 0.5) * rgba.height / map->height);
      if (rgba.At(px, py, 3) > 0) continue;
      for (int c = 0; c < map->channels; ++c)
        map->data[c * plane + static_cast<size_t>(y) * map->width + x] = 0;
    }
  }
}

}  // namespace

SparseFeatures SparseFeatures::Of(const FeatureMap& map) {
  SparseFeatures sparse{.channels = map.channels, .width = map.width, .height = map.height};
  const size_t plane = static_cast<size_t>(map.width) * map.height;
  for (size_t token = 0; token < plane; ++token) {
    bool is_zero = true;
    for (int c = 0; c < map.channels && is_zero; ++c) is_zero = map.data[c * plane + token] == 0;
    if (is_zero) continue;
    sparse.tokens.push_back(static_cast<int32_t>(token));
    for (int c = 0; c < map.channels; ++c) sparse.values.push_back(FloatToHalf(map.data[c * plane + token]));
  }
  return sparse;
}

SeenPicture::SeenPicture(SparseFeatures features, const Camera& camera, const Pose& world_from_camera,
                         double covered_width, double covered_height)
    : features_(std::move(features)),
      camera_(camera),
      world_from_camera_(world_from_camera),
      tokens_per_pixel_x_(features_.width / covered_width),
      tokens_per_pixel_y_(features_.height / covered_height),
      row_of_token_(static_cast<size_t>(features_.width) * features_.height, -1) {
  for (size_t row = 0; row < features_.tokens.size(); ++row)
    row_of_token_[features_.tokens[row]] = static_cast<int32_t>(row);
}

void SeenPicture::Sample(const Vec2& pixel, float* out) const {
  const double x = pixel.x() * tokens_per_pixel_x_ - 0.5, y = pixel.y() * tokens_per_pixel_y_ - 0.5;
  const int left = static_cast<int>(std::floor(x)), top = static_cast<int>(std::floor(y));
  for (int corner = 0; corner < 4; ++corner) {
    const int dx = corner & 1, dy = corner >> 1;
    const double weight = (dx ? x - left : 1 - (x - left)) * (dy ? y - top : 1 - (y - top));
    const int tx = std::clamp(left + dx, 0, features_.width - 1);
    const int ty = std::clamp(top + dy, 0, features_.height - 1);
    const int32_t row = row_of_token_[static_cast<size_t>(ty) * features_.width + tx];
    if (row < 0) continue;
    const Half* values = features_.values.data() + static_cast<size_t>(row) * features_.channels;
    for (int c = 0; c < features_.channels; ++c)
      out[c] += static_cast<float>(weight) * HalfToFloat(values[c]);
  }
}

FeatureMap SeenPicture::Render(const Camera& camera, const Pose& world_from_camera, int width, int height,
                               const StopToken* stop) const {
  if (!SameCamera(camera, camera_) || !SamePose(world_from_camera, world_from_camera_))
    throw InputError(
        "these features are those of pictures, and tell nothing of what another camera sees; a method that "
        "renders does");
  FeatureMap map{.channels = features_.channels, .height = height, .width = width};
  const size_t plane = static_cast<size_t>(width) * height;
  map.data.assign(plane * features_.channels, 0);
  ParallelFor(height, [&](int64_t y, int) {
    if (stop != nullptr) stop->ThrowIfStopped();
    std::vector<float> place(features_.channels);
    for (int x = 0; x < width; ++x) {
      std::fill(place.begin(), place.end(), 0.0f);
      Sample({(x + 0.5) * camera_.width / width, (static_cast<double>(y) + 0.5) * camera_.height / height},
             place.data());
      for (int c = 0; c < features_.channels; ++c)
        map.data[c * plane + static_cast<size_t>(y) * width + x] = place[c];
    }
  });
  return map;
}

void SeenPicture::At(std::span<const Vec3> places, std::span<float> features, const StopToken* stop) const {
  SF_CHECK_EQ(features.size(), places.size() * features_.channels);
  std::fill(features.begin(), features.end(), 0.0f);
  const Pose camera_from_world = world_from_camera_.Inverse();
  for (size_t i = 0; i < places.size(); ++i) {
    if (stop != nullptr) stop->ThrowIfStopped();
    const std::optional<Vec2> pixel = camera_.Project(camera_from_world * places[i]);
    if (pixel && camera_.Contains(*pixel)) Sample(*pixel, features.data() + i * features_.channels);
  }
}

TeacherFeatures::TeacherFeatures(const TeacherFeaturesOptions& options)
    : teacher_(options.teacher), folder_(options.folder) {
  // A picture tells how wide the answers are.
  channels_ = teacher_.Look(ImageU8(ObjectTeacher::kGrid, ObjectTeacher::kGrid, 4, 255)).channels;
}

std::unique_ptr<SeenObject> TeacherFeatures::See(ObjectPicture picture, const StopToken* stop) const {
  CheckPicture(picture);
  const double side = std::max(picture.rgba.width, picture.rgba.height);
  return std::make_unique<SeenPicture>(Look(picture.rgba, stop), picture.camera, picture.world_from_camera,
                                       side, side);
}

SparseFeatures TeacherFeatures::Look(const ImageU8& rgba, const StopToken* stop) const {
  const uint64_t hash = FastHash(std::as_bytes(std::span(rgba.data)), static_cast<uint64_t>(rgba.width));
  const std::string key = fmt::format("{:016x} {}", hash, teacher_.key());
  const fs::path file = folder_ / fmt::format("{}-{:016x}.safetensors", teacher_.key(), hash);
  const std::vector<int64_t> size_shape{3};
  if (!folder_.empty() && fs::exists(file)) {
    try {
      const SafetensorsFile kept = SafetensorsFile::Read(file);
      const std::span<const int32_t> size = kept.Get<int32_t>(kSize, size_shape);
      const std::span<const int32_t> tokens = kept.Get<int32_t>(kTokens, {-1});
      const std::span<const Half> values = kept.Get<Half>(kValues, {-1, -1});
      constexpr int kGrid = ObjectTeacher::kGrid;
      const bool fits =
          kept.Metadata(kKey) == key && size[0] == channels_ && size[1] == kGrid && size[2] == kGrid &&
          values.size() == tokens.size() * static_cast<size_t>(channels_) &&
          std::all_of(tokens.begin(), tokens.end(), [](int t) { return t >= 0 && t < kGrid * kGrid; });
      if (fits)
        return {channels_, kGrid, kGrid, {tokens.begin(), tokens.end()}, {values.begin(), values.end()}};
    } catch (const Error& error) {
      LogWarning("{}: not used ({}); the picture is looked at again", file.string(), error.what());
    }
  }
  SparseFeatures features;
  {
    const std::lock_guard lock(mutex_);
    features = SparseFeatures::Of(teacher_.Look(rgba, stop));
  }
  if (!folder_.empty()) {
    const std::array<int32_t, 3> size{features.channels, features.height, features.width};
    const auto count = static_cast<int64_t>(features.tokens.size());
    const std::array<TensorView, 3> tensors{
        MakeTensorView<int32_t>(kSize, size_shape, size),
        MakeTensorView<int32_t>(kTokens, {count}, features.tokens),
        MakeTensorView<Half>(kValues, {count, features.channels}, features.values)};
    WriteSafetensors(file, tensors, {{kKey, key}});
  }
  return features;
}

FileFeatures::FileFeatures(const fs::path& folder) : folder_(fs::absolute(folder).lexically_normal()) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".safetensors") continue;
    channels_ = MapOf(SafetensorsFile::Read(it->path(), ChecksumPolicy::kOptional)).channels;
    return;
  }
  throw InputError("{}: holds no .safetensors file of features", folder.string());
}

std::unique_ptr<SeenObject> FileFeatures::See(ObjectPicture picture, const StopToken* stop) const {
  CheckPicture(picture);
  if (stop != nullptr) stop->ThrowIfStopped();
  if (picture.name.empty())
    throw InputError("{}: features of files belong to named pictures, and this one has no name",
                     folder_.string());
  FeatureMap map =
      MapOf(SafetensorsFile::Read(folder_ / (picture.name + ".safetensors"), ChecksumPolicy::kOptional));
  if (map.channels != channels_)
    throw InputError("{}: {} channels, where other files have {}", map.encoder, map.channels, channels_);
  MaskByAlpha(picture.rgba, &map);
  return std::make_unique<SeenPicture>(SparseFeatures::Of(map), picture.camera, picture.world_from_camera,
                                       picture.camera.width, picture.camera.height);
}

}  // namespace semfield
