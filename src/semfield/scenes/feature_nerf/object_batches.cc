#include "semfield/scenes/feature_nerf/object_batches.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/scenes/nn/views.h"

namespace semfield {
namespace {

constexpr float kSourceItself = 0.4f;  // how often the target is the source picture
constexpr float kLookedAt = 0.35f;     // and how often another one that the teacher looked at
constexpr float kAnywhere = 0.15f;     // how often a pixel of the whole picture is drawn, not one around it
constexpr float kOnTheObject = 0.6f;   // how often a pixel is drawn anew until it shows the object
constexpr int kMostTries = 8;
constexpr int kMargin = 4;  // pixels around what is not empty
constexpr uint8_t kOpaque = 250;

// x0 y0 x1 y1 (exclusive) of the pixels that are not transparent, with a margin; all where none is.
std::vector<int> BoxOf(const ImageU8& rgba) {
  int x0 = rgba.width, y0 = rgba.height, x1 = 0, y1 = 0;
  for (int y = 0; y < rgba.height; ++y) {
    for (int x = 0; x < rgba.width; ++x) {
      if (rgba.At(x, y, 3) == 0) continue;
      x0 = std::min(x0, x), x1 = std::max(x1, x + 1), y0 = std::min(y0, y), y1 = std::max(y1, y + 1);
    }
  }
  if (x1 <= x0) return {0, 0, rgba.width, rgba.height};
  return {std::max(0, x0 - kMargin), std::max(0, y0 - kMargin), std::min(rgba.width, x1 + kMargin),
          std::min(rgba.height, y1 + kMargin)};
}

void FillUniform(torch::Tensor* values, Random* random) {
  float* const data = values->data_ptr<float>();
  for (int64_t i = 0; i < values->numel(); ++i) data[i] = random->Uniform();
}

// Box and Muller.
void FillNormal(torch::Tensor* values, Random* random) {
  float* const data = values->data_ptr<float>();
  for (int64_t i = 0; i < values->numel(); ++i) {
    const float radius = std::sqrt(-2 * std::log(1 - random->Uniform()));
    data[i] = radius * std::cos(2 * std::numbers::pi_v<float> * random->Uniform());
  }
}

void Put(const Vec3& v, float* into) {
  for (int k = 0; k < 3; ++k) into[k] = static_cast<float>(v[k]);
}

// [channels, side, side] of one view that the teacher looked at.
torch::Tensor TeacherMap(const TrainingObject& object, int64_t looked) {
  const int64_t side = object.teacher_side, size = object.teacher_channels * side * side;
  torch::Tensor map = torch::empty({object.teacher_channels, side, side});
  const Half* const from = object.teacher.data() + looked * size;
  std::transform(from, from + size, map.data_ptr<float>(), HalfToFloat);
  return map;
}

int64_t LookedIndex(const TrainingObject& object, int view) {
  const auto found = std::find(object.looked.begin(), object.looked.end(), view);
  return found == object.looked.end() ? -1 : found - object.looked.begin();
}

int OneOf(const std::vector<int>& values, Random* random) {
  return values[random->Below(static_cast<uint32_t>(values.size()))];
}

}  // namespace

ObjectPictures PicturesOf(const std::vector<PictureInput>& pictures) {
  const auto count = static_cast<int64_t>(pictures.size());
  const int64_t height = pictures.front().rgba->height, width = pictures.front().rgba->width;
  ObjectPictures result{.rgba = torch::empty({count, 4, height, width}),
                        .teacher = {},
                        .intrinsics = torch::empty({count, 4}),
                        .offsets = torch::empty({count, 3}),
                        .categories = torch::empty({count}, torch::kLong)};
  for (int64_t n = 0; n < count; ++n) {
    const PictureInput& one = pictures[n];
    SF_CHECK(one.rgba->channels == 4 && one.rgba->height == height && one.rgba->width == width);
    float* const planes = result.rgba.data_ptr<float>() + n * 4 * height * width;
    for (int64_t i = 0; i < height * width; ++i) {
      const uint8_t* const pixel = one.rgba->data.data() + 4 * i;
      const float alpha = pixel[3] / 255.0f;
      for (int64_t c = 0; c < 3; ++c) planes[c * height * width + i] = pixel[c] / 255.0f * alpha;
      planes[3 * height * width + i] = alpha;
    }
    float* const k = result.intrinsics.data_ptr<float>() + 4 * n;
    k[0] = static_cast<float>(one.camera.fx / one.camera.width);
    k[1] = static_cast<float>(one.camera.fy / one.camera.height);
    k[2] = static_cast<float>(one.camera.cx / one.camera.width);
    k[3] = static_cast<float>(one.camera.cy / one.camera.height);
    Put(one.offset, result.offsets.data_ptr<float>() + 3 * n);
    result.categories.data_ptr<int64_t>()[n] = one.category;
  }
  return result;
}

ObjectBatches::ObjectBatches(std::vector<TrainingObject> objects, const ObjectBatchOptions& options)
    : objects_(std::move(objects)), options_(options), ahead_([this](int step) { return Make(step); }) {
  if (objects_.empty()) throw InputError("no object to train on");
  for (const TrainingObject& object : objects_) {
    if (object.rgba.empty()) throw InputError("an object without views");
    SF_CHECK_EQ(object.rgba.size(), object.world_from_camera.size());
    boxes_.emplace_back();
    for (const ImageU8& rgba : object.rgba) boxes_.back().push_back(BoxOf(rgba));
  }
}

ObjectBatches::Target ObjectBatches::Draw(Random* random) const {
  const TrainingObject& object = objects_[random->Below(static_cast<uint32_t>(objects_.size()))];
  const auto any = [&] { return static_cast<int>(random->Below(static_cast<uint32_t>(object.rgba.size()))); };
  const int source = object.looked.empty() ? any() : OneOf(object.looked, random);
  const float kind = random->Uniform();
  if (kind < kSourceItself) return {&object, source, source};
  if (kind < kSourceItself + kLookedAt && !object.looked.empty())
    return {&object, source, OneOf(object.looked, random)};
  return {&object, source, any()};
}

void ObjectBatches::DrawRays(const Target& target, int64_t at, Random* random, ObjectBatch* batch) const {
  const TrainingObject& object = *target.object;
  const ImageU8& rgba = object.rgba[target.view];
  const ImageF depth = object.depth.empty() ? ImageF() : object.depth[target.view];
  const std::vector<int>& box = boxes_[target.object - objects_.data()][target.view];
  const Mat3 to_source = object.world_from_camera[target.source].rotation.transpose();
  const Pose& pose = object.world_from_camera[target.view];
  const int64_t looked = LookedIndex(object, target.view);
  torch::Tensor where = torch::empty({1, options_.rays, 2});
  for (int64_t r = 0; r < options_.rays; ++r) {
    const int64_t m = at * options_.rays + r;
    int x = 0, y = 0;
    if (random->Uniform() < kAnywhere) {
      x = static_cast<int>(random->Below(static_cast<uint32_t>(rgba.width)));
      y = static_cast<int>(random->Below(static_cast<uint32_t>(rgba.height)));
    } else {
      for (int tries = random->Uniform() < kOnTheObject ? kMostTries : 1; tries > 0; --tries) {
        x = box[0] + static_cast<int>(random->Below(static_cast<uint32_t>(box[2] - box[0])));
        y = box[1] + static_cast<int>(random->Below(static_cast<uint32_t>(box[3] - box[1])));
        if (rgba.At(x, y, 3) > 0) break;
      }
    }
    const Vec3 in_camera = object.camera.DirectionAt({x + 0.5, y + 0.5});
    Put(to_source * pose.translation, batch->rays.origins.data_ptr<float>() + 3 * m);
    Put(to_source * (pose.rotation * in_camera), batch->rays.directions.data_ptr<float>() + 3 * m);
    const uint8_t alpha = rgba.At(x, y, 3);
    for (int c = 0; c < 3; ++c)
      batch->true_rgb.data_ptr<float>()[3 * m + c] = rgba.At(x, y, c) / 255.0f * (alpha / 255.0f);
    batch->true_alpha.data_ptr<float>()[m] = alpha / 255.0f;
    if (!depth.data.empty() && alpha >= kOpaque) {
      const float z = depth.At(x * depth.width / rgba.width, y * depth.height / rgba.height);
      batch->true_distance.data_ptr<float>()[m] = static_cast<float>(z / in_camera.z());
    }
    where.data_ptr<float>()[2 * r] = (x + 0.5f) / rgba.width;
    where.data_ptr<float>()[2 * r + 1] = (y + 0.5f) / rgba.height;
    batch->has_teacher.data_ptr<bool>()[m] = looked >= 0;
  }
  if (looked < 0) return;
  batch->true_teacher.slice(0, at * options_.rays, (at + 1) * options_.rays)
      .copy_(nn::SampleMaps(TeacherMap(object, looked).unsqueeze(0), where).squeeze(1));
}

ObjectBatch ObjectBatches::Make(int step) const {
  const torch::NoGradGuard no_gradient;
  Random random(static_cast<uint64_t>(options_.seed),
                MixSeed(static_cast<uint64_t>(step), static_cast<uint64_t>(options_.rank)) >> 1);
  const int64_t count = options_.objects, rays = options_.rays, all = count * rays;
  const int64_t channels = objects_.front().teacher_channels;
  ObjectBatch batch{.rays = {.origins = torch::empty({count, rays, 3}),
                             .directions = torch::empty({count, rays, 3}),
                             .coarse_jitter = torch::empty({all, options_.coarse_samples}),
                             .fine_units = torch::empty({all, options_.fine_samples}),
                             .depth_normals = torch::empty({all, options_.depth_samples})},
                    .object_from_picture = torch::empty({count, 3, 3}),
                    .true_rgb = torch::empty({all, 3}),
                    .true_alpha = torch::empty({all}),
                    .true_distance = torch::zeros({all}),
                    .true_teacher = torch::zeros({all, channels}),
                    .has_teacher = torch::zeros({all}, torch::kBool)};
  std::vector<PictureInput> sources;
  std::vector<torch::Tensor> maps;
  for (int64_t n = 0; n < count; ++n) {
    const Target target = Draw(&random);
    const TrainingObject& object = *target.object;
    const Pose& pose = object.world_from_camera[target.source];
    sources.push_back({.rgba = &object.rgba[target.source],
                       .camera = object.camera,
                       .offset = pose.Inverse().translation,
                       .category = object.category});
    const int64_t looked = LookedIndex(object, target.source);
    if (channels > 0 && looked >= 0) maps.push_back(TeacherMap(object, looked));
    for (int row = 0; row < 3; ++row)
      Put(pose.rotation.row(row), batch.object_from_picture.data_ptr<float>() + 9 * n + 3 * row);
    DrawRays(target, n, &random, &batch);
  }
  batch.pictures = PicturesOf(sources);
  if (static_cast<int64_t>(maps.size()) == count) batch.pictures.teacher = torch::stack(maps);
  FillUniform(&batch.rays.coarse_jitter, &random);
  FillUniform(&batch.rays.fine_units, &random);
  FillNormal(&batch.rays.depth_normals, &random);
  return batch;
}

}  // namespace semfield
