#include "semfield/scenes/scene_views.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

constexpr std::array<uint8_t, 3> kGray = {127, 127, 127};  // behind what is transparent

double Angle(const Vec3& a, const Vec3& b) {
  return std::atan2(a.cross(b).norm(), a.dot(b));
}

// Rows of the four intrinsics and the twelve numbers of a pose in units.
void Fill(const Camera& camera, const Pose& units_from_camera, nn::ViewCameras* cameras, int64_t v) {
  const float numbers[] = {
      static_cast<float>(camera.fx / camera.width), static_cast<float>(camera.fy / camera.height),
      static_cast<float>(camera.cx / camera.width), static_cast<float>(camera.cy / camera.height)};
  std::copy_n(numbers, 4, cameras->intrinsics.data_ptr<float>() + 4 * v);
  const Pose inverse = units_from_camera.Inverse();
  float* matrix = cameras->camera_from_world.data_ptr<float>() + 12 * v;
  for (int row = 0; row < 3; ++row) {
    for (int col = 0; col < 3; ++col) matrix[4 * row + col] = static_cast<float>(inverse.rotation(row, col));
    matrix[4 * row + 3] = static_cast<float>(inverse.translation[row]);
    cameras->centers.data_ptr<float>()[3 * v + row] = static_cast<float>(units_from_camera.translation[row]);
  }
}

// A map [C, H, W] of a photo as a lens of the same focal lengths that does not distort would show it, which
// is all that the networks' projections know. What lies outside of the photo is its border.
torch::Tensor Straightened(const torch::Tensor& map, const Camera& camera) {
  if (!camera.HasDistortion()) return map;
  const int64_t height = map.size(1), width = map.size(2);
  torch::Tensor grid = torch::zeros({1, height, width, 2});
  float* at = grid.data_ptr<float>();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x, at += 2) {
      const double u = (x + 0.5) * camera.width / width, v = (y + 0.5) * camera.height / height;
      const auto pixel = camera.Project({(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1});
      // Beyond what the lens can see is beyond the photo's border.
      at[0] =
          static_cast<float>(pixel ? 2 * pixel->x() / camera.width - 1 : std::copysign(1.0, u - camera.cx));
      at[1] =
          static_cast<float>(pixel ? 2 * pixel->y() / camera.height - 1 : std::copysign(1.0, v - camera.cy));
    }
  }
  namespace F = torch::nn::functional;
  return F::grid_sample(map.unsqueeze(0), grid,
                        F::GridSampleFuncOptions()
                            .mode(torch::kBilinear)
                            .padding_mode(torch::kBorder)
                            .align_corners(false))
      .squeeze(0);
}

nn::ViewCameras NewCameras(int64_t count) {
  return {.intrinsics = torch::zeros({count, 4}),
          .camera_from_world = torch::zeros({count, 3, 4}),
          .centers = torch::zeros({count, 3})};
}

}  // namespace

SceneViews::SceneViews(const Capture& capture, const ImageStore& store, const PhotoClassesOptions& classes)
    : capture_(capture), store_(store) {
  if (!classes.model.empty()) classes_.emplace(capture, store, classes);
  const Vec3 extent = capture.bounds.Extent();
  unit_ = extent.maxCoeff();
  if (!(extent.minCoeff() > 0)) {
    throw InputError("{}: its bounds have no volume ({})", capture.path.string(), capture.bounds_rule);
  }
  for (int k = 0; k < 3; ++k) sides_[k] = static_cast<float>(extent[k] / unit_);
}

PhotoClasses& SceneViews::classes() {
  SF_CHECK(classes_.has_value());
  return *classes_;
}

const PhotoClasses& SceneViews::classes() const {
  SF_CHECK(classes_.has_value());
  return *classes_;
}

torch::Tensor SceneViews::PlacesFromWorld(std::span<const Vec3> places) const {
  torch::Tensor units = torch::zeros({static_cast<int64_t>(places.size()), 3});
  for (size_t p = 0; p < places.size(); ++p) {
    const Vec3 unit = FromWorld(places[p]);
    for (int k = 0; k < 3; ++k) units.data_ptr<float>()[3 * p + k] = static_cast<float>(unit[k]);
  }
  return units;
}

nn::ViewCameras SceneViews::CamerasOf(std::span<const int> views) const {
  nn::ViewCameras cameras = NewCameras(static_cast<int64_t>(views.size()));
  for (size_t v = 0; v < views.size(); ++v) {
    const View& view = capture_.views[views[v]];
    Fill(view.camera,
         {.rotation = view.world_from_camera.rotation,
          .translation = FromWorld(view.world_from_camera.translation)},
         &cameras, static_cast<int64_t>(v));
  }
  return cameras;
}

nn::ViewCameras SceneViews::CameraAt(const Camera& camera, const Pose& world_from_camera) const {
  nn::ViewCameras cameras = NewCameras(1);
  Fill(camera,
       {.rotation = world_from_camera.rotation, .translation = FromWorld(world_from_camera.translation)},
       &cameras, 0);
  return cameras;
}

torch::Tensor SceneViews::Pictures(std::span<const int> views) const {
  std::vector<torch::Tensor> pictures;
  for (const int view : views) {
    const ImageU8 rgb = ToRgb(*store_.Image(view), kGray);
    torch::Tensor picture =
        torch::from_blob(const_cast<uint8_t*>(rgb.data.data()), {rgb.height, rgb.width, 3}, torch::kU8)
            .permute({2, 0, 1})
            .to(torch::kFloat)
            .div(255);
    picture = Straightened(picture, capture_.views[view].camera);
    if (!pictures.empty() && picture.sizes() != pictures.front().sizes()) {
      picture = torch::adaptive_avg_pool2d(picture, pictures.front().sizes().slice(1));
    }
    pictures.push_back(picture);
  }
  return torch::stack(pictures);
}

torch::Tensor SceneViews::ClassMaps(std::span<const int> views, const StopToken* stop) {
  std::vector<torch::Tensor> maps;
  for (const int view : views) {
    const std::shared_ptr<const ImageF> says = this->classes().Get(view, stop);
    torch::Tensor map = torch::from_blob(const_cast<float*>(says->data.data()),
                                         {says->height, says->width, says->channels}, torch::kFloat)
                            .permute({2, 0, 1})
                            .contiguous();
    map = Straightened(map, capture_.views[view].camera);
    if (!maps.empty() && map.sizes() != maps.front().sizes()) {
      map = torch::adaptive_avg_pool2d(map, maps.front().sizes().slice(1));
    }
    maps.push_back(map.clone());
  }
  return torch::stack(maps);
}

SceneViews::Rays SceneViews::RaysOf(const Camera& camera, const Pose& world_from_camera,
                                    const std::vector<Vec2>& pixels) const {
  const auto count = static_cast<int64_t>(pixels.size());
  Rays rays{torch::zeros({count, 3}), torch::zeros({count, 3}), torch::zeros({count})};
  const Vec3 origin = FromWorld(world_from_camera.translation);
  for (int64_t r = 0; r < count; ++r) {
    const Vec3 in_camera = camera.DirectionAt(pixels[r]);
    const Vec3 direction = world_from_camera.rotation * in_camera;
    for (int k = 0; k < 3; ++k) {
      rays.origins.data_ptr<float>()[3 * r + k] = static_cast<float>(origin[k]);
      rays.directions.data_ptr<float>()[3 * r + k] = static_cast<float>(direction[k]);
    }
    rays.cosines.data_ptr<float>()[r] = static_cast<float>(in_camera.z());
  }
  return rays;
}

std::vector<int> SceneViews::Nearest(const Pose& target, std::span<const int> candidates, int count) const {
  const Vec3 middle = capture_.bounds.Center();
  std::vector<std::pair<double, int>> costs;
  for (const int view : candidates) {
    const Pose& pose = capture_.views[view].world_from_camera;
    const double apart = (pose.translation - target.translation).norm() / unit_;
    const double turned = Angle(pose.rotation.col(2), target.rotation.col(2));
    if (apart < 1e-6 && RotationAngle(pose.rotation, target.rotation) < 1e-6) continue;
    costs.emplace_back(Angle(target.translation - middle, pose.translation - middle) / 4 + turned + apart,
                       view);
  }
  std::sort(costs.begin(), costs.end());
  std::vector<int> nearest;
  for (const auto& [cost, view] : costs) {
    if (static_cast<int>(nearest.size()) < count) nearest.push_back(view);
  }
  return nearest;
}

}  // namespace semfield
