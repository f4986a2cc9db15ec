#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "semfield/field/class_renderer.h"
#include "semfield/field/radiance_field.h"
#include "semfield/scenes/gp_nerf/gp_nerf_model.h"
#include "semfield/scenes/scene_views.h"

namespace semfield {

// A capture's training views as a GP-NeRF sees them: what both fields share. Const calls are thread-safe.
class GpNerfScene {
 public:
  struct Parts {
    GpNerfModel model{nullptr};
    std::vector<std::string> classes;
    std::string name;  // of the weights
    std::unique_ptr<SceneViews> views;
    int sources = 6;  // of a view
  };
  // Capture and store of the views must outlive it. No photo: InputError.
  explicit GpNerfScene(Parts parts);

  // Without colors and fine steps, depth is of a ray for every 4 x 4 pixels.
  RenderedView RenderView(const Camera& camera, const Pose& pose, const RenderRequest& request,
                          const StopToken* stop) const;
  // By the perception head on a map of rendered features, a ray for every 4 x 4 pixels; [height, width,
  // classes].
  ImageF RenderClasses(const Camera& camera, const Pose& pose, const StopToken* stop) const;
  // What the head says of the photos themselves, by the attention over views; [places, classes].
  torch::Tensor ClassesAt(std::span<const Vec3> places, const StopToken* stop) const;

  const SceneViews& views() const { return *parts_.views; }
  const std::vector<std::string>& classes() const { return parts_.classes; }
  const std::string& name() const { return parts_.name; }
  const SceneMap& map() const { return map_; }

 private:
  GpViews Around(const Pose& target) const;
  GpRendered Render(const GpViews& views, const SceneViews::Rays& rays, bool semantics) const;

  const Parts parts_;
  SceneMap map_;
  std::vector<int> askable_;  // into Capture::views
  GpViews encoded_;           // of askable_
  mutable std::mutex mutex_;  // of what follows
  mutable torch::Tensor
      says_;  // [views, classes, h, w] probabilities by the head, of encoded_, once asked for
};

class GpNerfRadianceField : public RadianceField {
 public:
  explicit GpNerfRadianceField(std::shared_ptr<const GpNerfScene> scene) : scene_(std::move(scene)) {}
  const SceneMap& scene_map() const override { return scene_->map(); }
  Box3 Bounds() const override { return scene_->views().capture().bounds; }
  int latent_width() const override { return 0; }
  RenderedView Render(const Camera& camera, const Pose& world_from_camera, const RenderRequest& request,
                      const StopToken* stop) const override {
    return scene_->RenderView(camera, world_from_camera, request, stop);
  }
  // It has neither: InputError that says what to do.
  RaySamples Weights(std::span<const Ray> rays, const WeightRequest& request,
                     const StopToken* stop) const override;
  void Density(std::span<const Vec3> points, std::span<float> density, const StopToken* stop) const override;

 private:
  std::shared_ptr<const GpNerfScene> scene_;
};

class GpNerfClassRenderer : public ClassRenderer {
 public:
  explicit GpNerfClassRenderer(std::shared_ptr<const GpNerfScene> scene) : scene_(std::move(scene)) {}
  const std::vector<std::string>& classes() const override { return scene_->classes(); }
  std::string model() const override { return scene_->name(); }
  ImageF Render(const Camera& camera, const Pose& world_from_camera, const StopToken* stop) const override {
    return scene_->RenderClasses(camera, world_from_camera, stop);
  }
  void At(std::span<const Vec3> places, std::span<float> probability, const StopToken* stop) const override;

 private:
  std::shared_ptr<const GpNerfScene> scene_;
};

}  // namespace semfield
