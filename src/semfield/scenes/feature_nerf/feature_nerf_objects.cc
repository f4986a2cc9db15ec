#include "semfield/scenes/feature_nerf/feature_nerf_objects.h"

#include <fmt/ranges.h>

#include <Eigen/LU>
#include <Eigen/SVD>
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/image/rgba.h"
#include "semfield/scenes/nn/rays.h"
#include "semfield/scenes/nn/sample_rows.h"
#include "semfield/scenes/rendering.h"

namespace semfield {
namespace {

constexpr int64_t kRaysAtOnce = 1024, kPlacesAtOnce = 16384;
constexpr int kSide = 128;  // pixels of the pictures that it is trained on
constexpr int kLeastSide = 32;
constexpr double kSeen = 0.5;      // opacity of what counts as the object
constexpr double kDistance = 1.3;  // of a camera that nobody knows
constexpr int kPoseSide = 48;      // rays a side that look how an object stands
constexpr int64_t kLeastRays = 12;
constexpr std::array<double, 2> kWaves = {4, 8};  // of coordinates from -0.5 to 0.5, radians

// Sine and cosine of coordinates [M, 3] times kWaves, of length 1: the product of two is the mean of the
// cosines of how far they lie apart.
torch::Tensor Waves(const torch::Tensor& coordinates) {
  std::vector<torch::Tensor> parts;
  for (const double wave : kWaves) {
    parts.push_back((wave * coordinates).sin());
    parts.push_back((wave * coordinates).cos());
  }
  return torch::cat(parts, 1) / std::sqrt(3.0 * static_cast<double>(kWaves.size()));
}

torch::Tensor Unit(const torch::Tensor& rows) {
  return rows / rows.norm(2, 1, true).clamp_min(1e-6);
}

// What is known of rays or places, M of them.
struct Known {
  torch::Tensor internal;     // [M, W]
  torch::Tensor teacher;      // [M, teacher_channels] by the head; may be undefined
  torch::Tensor coordinates;  // [M, 3] of what is opaque
  torch::Tensor aligned;      // [M, C] of the teacher at the projection into the picture; may be undefined
};

// The chosen features, [M, channels].
torch::Tensor Chosen(const std::string& kind, const Known& known) {
  if (kind == "internal") return known.internal.contiguous();
  if (kind == "teacher") return known.teacher.contiguous();
  std::vector<torch::Tensor> parts{Waves(known.coordinates)};
  if (kind == "aligned") parts.push_back(Unit(known.internal));
  const torch::Tensor& teacher = kind == "aligned" ? known.aligned : known.teacher;
  if (teacher.defined()) parts.push_back(Unit(teacher));
  return torch::cat(parts, 1).contiguous();
}

// Where the network was asked, in its own frame, [P, 3] each.
struct QueriedAt {
  torch::Tensor places, directions;
};

// One picture's object in the frame that the network knows.
class Scene {
 public:
  Scene(FeatureNerfModel model, EncodedObjects objects, const Pose& world_from_picture,
        torch::Tensor teacher = {})
      : model_(std::move(model)),
        objects_(std::move(objects)),
        teacher_(std::move(teacher)),
        turn_(world_from_picture.rotation.transpose()) {}

  FeatureNerfModel& model() const { return model_; }
  // What the teacher says of the picture where places [M, 3] of the network's frame are seen in it.
  torch::Tensor AlignedAt(const torch::Tensor& places) const {
    if (!teacher_.defined()) return {};
    return nn::SampleRows(teacher_, PlacesInPictures(objects_, places.unsqueeze(0))).squeeze(0);
  }

  // What rays through some positions of a camera's picture see: part(begin, end, seen), in order.
  void Look(const Camera& camera, const Pose& pose, const std::vector<Vec2>& positions, const StopToken* stop,
            const std::function<void(size_t begin, const SeenRays& seen)>& part) const {
    const torch::NoGradGuard no_gradient;
    for (size_t begin = 0; begin < positions.size(); begin += kRaysAtOnce) {
      if (stop != nullptr) stop->ThrowIfStopped();
      const auto count = static_cast<int64_t>(std::min<size_t>(kRaysAtOnce, positions.size() - begin));
      ObjectRays rays{.origins = torch::empty({1, count, 3}), .directions = torch::empty({1, count, 3})};
      const Vec3 origin = turn_ * pose.translation;
      for (int64_t r = 0; r < count; ++r) {
        const Vec3 direction = turn_ * (pose.rotation * camera.DirectionAt(positions[begin + r]));
        for (int k = 0; k < 3; ++k) {
          rays.origins.data_ptr<float>()[3 * r + k] = static_cast<float>(origin[k]);
          rays.directions.data_ptr<float>()[3 * r + k] = static_cast<float>(direction[k]);
        }
      }
      part(begin, model_->Render(objects_, rays, /*with_coarse=*/false));
    }
  }

  // part(begin, answer): of places of the world, looked at from `eye`.
  void Query(
      std::span<const Vec3> places, const Vec3& eye, const StopToken* stop,
      const std::function<void(size_t begin, const FieldAnswer& answer, const QueriedAt& at)>& part) const {
    const torch::NoGradGuard no_gradient;
    for (size_t begin = 0; begin < places.size(); begin += kPlacesAtOnce) {
      if (stop != nullptr) stop->ThrowIfStopped();
      const auto count = static_cast<int64_t>(std::min<size_t>(kPlacesAtOnce, places.size() - begin));
      torch::Tensor at = torch::empty({1, count, 3}), directions = torch::empty({1, count, 3});
      for (int64_t p = 0; p < count; ++p) {
        const Vec3 place = turn_ * places[begin + p];
        const Vec3 direction = turn_ * (places[begin + p] - eye).normalized();
        for (int k = 0; k < 3; ++k) {
          at.data_ptr<float>()[3 * p + k] = static_cast<float>(place[k]);
          directions.data_ptr<float>()[3 * p + k] = static_cast<float>(direction[k]);
        }
      }
      part(begin, model_->Query(objects_, at, directions),
           {.places = at.squeeze(0), .directions = directions.squeeze(0)});
    }
  }

 private:
  mutable FeatureNerfModel model_;
  const EncodedObjects objects_;
  const torch::Tensor teacher_;  // [1, h, w, C] of the picture; may be undefined
  const Mat3 turn_;              // from the world
};

class ObjectField : public RadianceField {
 public:
  ObjectField(const Scene& scene, const Vec3& eye) : scene_(scene), eye_(eye) { map_.half_extent = 0.5f; }
  const SceneMap& scene_map() const override { return map_; }
  int latent_width() const override { return 0; }

  RenderedView Render(const Camera& camera, const Pose& pose, const RenderRequest& request,
                      const StopToken* stop) const override {
    RenderedView picture{.depth = ImageF(camera.width, camera.height, 1),
                         .opacity = ImageF(camera.width, camera.height, 1)};
    if (request.rgb) picture.rgb = ImageF(camera.width, camera.height, 3);
    if (request.normals) picture.normals = ImageF(camera.width, camera.height, 3);
    const std::vector<Vec2> pixels = TokenCenters(camera, camera.width, camera.height);
    scene_.Look(camera, pose, pixels, stop, [&](size_t begin, const SeenRays& seen) {
      const torch::Tensor rgb = seen.rgb.contiguous(), opacity = seen.opacity.contiguous();
      const torch::Tensor distance = nn::MedianDistance(seen.weights, seen.distances).contiguous();
      for (int64_t r = 0; r < opacity.size(0); ++r) {
        const float alpha = opacity.data_ptr<float>()[r];
        picture.opacity.data[begin + r] = alpha;
        picture.depth.data[begin + r] =
            static_cast<float>(distance.data_ptr<float>()[r] * camera.DirectionAt(pixels[begin + r]).z());
        for (int c = 0; request.rgb && c < 3; ++c) {
          const float value = rgb.data_ptr<float>()[3 * r + c] + (1 - alpha) * request.background[c];
          picture.rgb.data[3 * (begin + r) + c] = std::clamp(value, 0.0f, 1.0f);
        }
      }
    });
    return picture;
  }
  RaySamples Weights(std::span<const Ray>, const WeightRequest&, const StopToken*) const override {
    throw InputError("a FeatureNeRF shows pictures, depths and features; it tells no samples");
  }
  void Density(std::span<const Vec3> points, std::span<float> density, const StopToken* stop) const override {
    scene_.Query(points, eye_, stop, [&](size_t begin, const FieldAnswer& answer, const QueriedAt&) {
      const torch::Tensor sigma = answer.sigma.contiguous();
      std::copy_n(sigma.data_ptr<float>(), sigma.numel(), density.data() + begin);
    });
  }

 private:
  const Scene& scene_;
  const Vec3 eye_;
  SceneMap map_;
};

class SeenByFeatureNerf : public SeenObject {
 public:
  SeenByFeatureNerf(Scene scene, ObjectPicture picture, std::string kind, int channels)
      : scene_(std::move(scene)),
        picture_(std::move(picture)),
        field_(scene_, picture_.world_from_camera.translation),
        kind_(std::move(kind)),
        channels_(channels) {}

  FeatureMap Render(const Camera& camera, const Pose& pose, int width, int height,
                    const StopToken* stop) const override {
    FeatureMap map{.channels = channels_, .height = height, .width = width};
    const size_t plane = static_cast<size_t>(width) * height;
    map.data.assign(channels_ * plane, 0);
    const std::vector<Vec2> centers = TokenCenters(camera, width, height);
    const bool own = IsOwn(camera, pose);
    std::vector<Vec2> asked;
    std::vector<size_t> tokens;
    for (size_t i = 0; i < plane; ++i) {
      if (own && !InAlpha(centers[i], width, height)) continue;
      asked.push_back(centers[i]);
      tokens.push_back(i);
    }
    scene_.Look(camera, pose, asked, stop, [&](size_t begin, const SeenRays& seen) {
      const torch::Tensor opacity = seen.opacity.contiguous();
      const torch::Tensor whole = opacity.clamp_min(1e-4).unsqueeze(1);
      const torch::Tensor features =
          Chosen(kind_, {.internal = seen.internal,
                         .teacher = seen.teacher,
                         .coordinates = seen.coordinate / whole,
                         .aligned = scene_.AlignedAt(nn::CompositeRows(seen.weights, seen.places) / whole)});
      for (int64_t r = 0; r < opacity.size(0); ++r) {
        if (!own && opacity.data_ptr<float>()[r] < kSeen) continue;
        for (int c = 0; c < channels_; ++c)
          map.data[c * plane + tokens[begin + r]] = features.data_ptr<float>()[r * channels_ + c];
      }
    });
    return map;
  }

  void At(std::span<const Vec3> places, std::span<float> features, const StopToken* stop) const override {
    SF_CHECK_EQ(features.size(), places.size() * channels_);
    scene_.Query(
        places, picture_.world_from_camera.translation, stop,
        [&](size_t begin, const FieldAnswer& answer, const QueriedAt& at) {
          torch::Tensor teacher;
          if (kind_ != "internal" && kind_ != "aligned" && scene_.model()->options().teacher_channels > 0) {
            teacher = scene_.model()->TeacherOf(answer.internal, torch::ones({answer.internal.size(0)}),
                                                at.directions);
          }
          const torch::Tensor values = Chosen(kind_, {.internal = answer.internal,
                                                      .teacher = teacher,
                                                      .coordinates = answer.coordinate,
                                                      .aligned = scene_.AlignedAt(at.places)});
          std::copy_n(values.data_ptr<float>(), values.numel(), features.data() + begin * channels_);
        });
  }

  const RadianceField* radiance() const override { return &field_; }

 private:
  bool IsOwn(const Camera& camera, const Pose& pose) const {
    return (pose.translation - picture_.world_from_camera.translation).norm() < 1e-9 &&
           (pose.rotation - picture_.world_from_camera.rotation).norm() < 1e-9 &&
           camera.width == picture_.camera.width && camera.height == picture_.camera.height &&
           camera.fx == picture_.camera.fx;
  }
  // Whether any pixel of a token of width x height is not transparent.
  bool InAlpha(const Vec2& center, int width, int height) const {
    const ImageU8& rgba = picture_.rgba;
    const double half_x = 0.5 * rgba.width / width, half_y = 0.5 * rgba.height / height;
    const int x0 = std::max(0, static_cast<int>(center.x() - half_x));
    const int y0 = std::max(0, static_cast<int>(center.y() - half_y));
    for (int y = y0; y < std::min<double>(rgba.height, std::max(y0 + 1.0, center.y() + half_y)); ++y) {
      for (int x = x0; x < std::min<double>(rgba.width, std::max(x0 + 1.0, center.x() + half_x)); ++x) {
        if (rgba.At(x, y, 3) > 0) return true;
      }
    }
    return false;
  }

  const Scene scene_;
  const ObjectPicture picture_;
  const ObjectField field_;
  const std::string kind_;
  const int channels_;
};

void CheckPicture(const ImageU8& rgba, const Camera& camera) {
  if (rgba.channels != 4)
    throw InputError("FeatureNeRF expects a picture of one object with alpha, got {} channels",
                     rgba.channels);
  if (rgba.width < kLeastSide || rgba.height < kLeastSide || rgba.width != rgba.height)
    throw InputError("FeatureNeRF expects a square picture of at least {0}x{0} pixels, got {1}x{2}",
                     kLeastSide, rgba.width, rgba.height);
  if (camera.width != rgba.width || camera.height != rgba.height)
    throw InputError("the picture has {}x{} pixels, its camera {}x{}", rgba.width, rgba.height, camera.width,
                     camera.height);
  for (size_t i = 0; i < rgba.num_pixels(); ++i) {
    if (rgba.data[4 * i + 3] > 0) return;
  }
  throw InputError("the picture is transparent everywhere: there is no object to look at");
}

}  // namespace

FeatureNerfObjects::FeatureNerfObjects(LoadedFeatureNerf loaded, const FeatureNerfObjectsOptions& options)
    : model_(std::move(loaded.model)), projection_(std::move(loaded.projection)), options_(options) {
  const auto found = std::find(loaded.categories.begin(), loaded.categories.end(), options.category);
  if (found == loaded.categories.end()) {
    const std::string known = fmt::format("{}", fmt::join(loaded.categories, ", "));
    if (options.category.empty())
      throw InputError("--category is missing: what does the picture show? These weights know {}", known);
    throw InputError("--category {}: these weights were never trained on it; they know {}", options.category,
                     known);
  }
  category_ = static_cast<int>(found - loaded.categories.begin());
  if (options.features == "teacher" && model_->options().teacher_channels == 0)
    throw InputError("these weights were trained without a teacher: they know its features not at all");
}

int FeatureNerfObjects::channels() const {
  const FeatureNerfModelOptions& model = model_->options();
  constexpr int kWaveChannels = 6 * static_cast<int>(kWaves.size());
  if (options_.features == "internal") return model.width;
  if (options_.features == "teacher") return model.teacher_channels;
  if (options_.features == "joined") return model.teacher_channels + kWaveChannels;
  const int64_t teacher = projection_.mean.defined() ? projection_.mean.size(0) : 0;
  return model.width + kWaveChannels + static_cast<int>(teacher);
}

FeatureNerfObjects::Encoded FeatureNerfObjects::EncodePicture(const ImageU8& rgba, const Camera& camera,
                                                              const Pose& pose, const StopToken* stop) const {
  CheckPicture(rgba, camera);
  const torch::NoGradGuard no_gradient;
  const ImageU8 small = rgba.width == kSide ? rgba : ResizeRgba(rgba, kSide, kSide);
  ObjectPictures pictures = PicturesOf(
      {{.rgba = &small, .camera = camera, .offset = pose.Inverse().translation, .category = category_}});
  Encoded encoded;
  const bool aligned = options_.features == "aligned" && projection_.mean.defined();
  if (model_->SeesTeacher() || aligned) {
    const std::lock_guard<std::mutex> lock(teacher_mutex_);
    if (!teacher_) teacher_ = std::make_unique<TeacherMaps>(projection_.teacher, options_.onnxruntime);
    const TeacherMaps::Seen says = teacher_->Look(small, stop);
    if (says.whole.size(3) != projection_.mean.size(0))
      throw InputError("the teacher '{}' has {} channels, but {} when these weights were trained",
                       projection_.teacher, says.whole.size(3), projection_.mean.size(0));
    if (model_->SeesTeacher()) pictures.teacher = teacher_->Project(projection_, says);
    if (aligned) encoded.teacher = says.whole;
  }
  encoded.objects = model_->Encode(pictures);
  return encoded;
}

std::unique_ptr<SeenObject> FeatureNerfObjects::See(ObjectPicture picture, const StopToken* stop) const {
  Encoded encoded = EncodePicture(picture.rgba, picture.camera, picture.world_from_camera, stop);
  return std::make_unique<SeenByFeatureNerf>(
      Scene(model_, std::move(encoded.objects), picture.world_from_camera, std::move(encoded.teacher)),
      std::move(picture), options_.features, channels());
}

Pose FeatureNerfObjects::GuessPose(const ImageU8& rgba, const Camera& camera, const StopToken* stop) const {
  // Of a camera that stands at the world's -z and looks along z.
  const Pose plain{.rotation = Mat3::Identity(), .translation = Vec3(0, 0, -kDistance)};
  const Scene scene(model_, EncodePicture(rgba, camera, plain, stop).objects, plain);
  std::vector<Vec3> places, coordinates;
  scene.Look(camera, plain, TokenCenters(camera, kPoseSide, kPoseSide), stop,
             [&](size_t, const SeenRays& seen) {
               const torch::Tensor at = nn::CompositeRows(seen.weights, seen.places).contiguous();
               const torch::Tensor takes = seen.coordinate.contiguous(), opacity = seen.opacity.contiguous();
               for (int64_t r = 0; r < opacity.size(0); ++r) {
                 if (opacity.data_ptr<float>()[r] < 0.9) continue;
                 const float* const p = at.data_ptr<float>() + 3 * r;
                 const float* const q = takes.data_ptr<float>() + 3 * r;
                 places.emplace_back(p[0], p[1], p[2]);
                 coordinates.emplace_back(q[0], q[1], q[2]);
               }
             });
  if (static_cast<int64_t>(places.size()) < kLeastRays)
    throw InputError("the picture shows too little of an object to tell how it stands");
  Mat3 sum = Mat3::Zero();
  for (size_t i = 0; i < places.size(); ++i) sum += coordinates[i] * places[i].transpose();
  const Eigen::JacobiSVD<Mat3> svd(sum, Eigen::ComputeFullU | Eigen::ComputeFullV);
  Mat3 flip = Mat3::Identity();
  flip(2, 2) = (svd.matrixU() * svd.matrixV().transpose()).determinant() < 0 ? -1 : 1;
  const Mat3 object_from_picture = svd.matrixU() * flip * svd.matrixV().transpose();
  return {.rotation = object_from_picture, .translation = object_from_picture * plain.translation};
}

}  // namespace semfield
