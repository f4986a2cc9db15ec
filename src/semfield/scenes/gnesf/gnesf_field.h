#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "semfield/field/class_renderer.h"
#include "semfield/field/radiance_field.h"
#include "semfield/scenes/gnesf/gnesf_model.h"
#include "semfield/scenes/scene_views.h"

namespace semfield {

// A capture's training views as a GNeSF sees them: what both fields share. Const calls are thread-safe.
class GnesfScene {
 public:
  // Capture and store must outlive it.
  GnesfScene(GnesfModel model, std::vector<std::string> classes, std::unique_ptr<SceneViews> views,
             int sources);

  // Sources of a target with volume and depths; with_classes: with what the segmenter says of them.
  EncodedViews Around(const Pose& target, bool with_classes, const StopToken* stop) const;
  // All training views, evenly spread ones where there are many.
  EncodedViews All(bool with_classes, const StopToken* stop) const;
  RenderedView RenderView(const Camera& camera, const Pose& pose, const RenderRequest& request,
                          const StopToken* stop) const;
  ImageF RenderClasses(const Camera& camera, const Pose& pose, const StopToken* stop) const;
  struct Places {
    torch::Tensor density;  // [P] per unit of the scene
    torch::Tensor classes;  // [P, C], where they are asked
  };
  Places QueryAll(std::span<const Vec3> places, bool with_classes, const StopToken* stop) const;

  const SceneViews& views() const { return *views_; }
  const std::vector<std::string>& classes() const { return classes_; }
  const SceneMap& map() const { return map_; }

 private:
  torch::Tensor ClassMaps(const std::vector<int>& views, const StopToken* stop) const;
  void Finish(const std::vector<int>& chosen, bool with_classes, const StopToken* stop,
              EncodedViews* views) const;

  mutable GnesfModel model_;
  const std::vector<std::string> classes_;
  const std::unique_ptr<SceneViews> views_;
  const int sources_;
  SceneMap map_;
  std::vector<int> askable_;  // into Capture::views
  EncodedViews encoded_;      // of askable_: pictures, features, cameras
  mutable std::mutex mutex_;  // of what follows
  mutable std::map<int, torch::Tensor> maps_;
  mutable std::unique_ptr<EncodedViews> all_, all_with_classes_;
};

class GnesfRadianceField : public RadianceField {
 public:
  explicit GnesfRadianceField(std::shared_ptr<const GnesfScene> scene) : scene_(std::move(scene)) {}
  const SceneMap& scene_map() const override { return scene_->map(); }
  Box3 Bounds() const override { return scene_->views().capture().bounds; }
  int latent_width() const override { return 0; }
  RenderedView Render(const Camera& camera, const Pose& world_from_camera, const RenderRequest& request,
                      const StopToken* stop) const override;
  RaySamples Weights(std::span<const Ray> rays, const WeightRequest& request,
                     const StopToken* stop) const override;
  void Density(std::span<const Vec3> points, std::span<float> density, const StopToken* stop) const override;

 private:
  std::shared_ptr<const GnesfScene> scene_;
};

class GnesfClassRenderer : public ClassRenderer {
 public:
  explicit GnesfClassRenderer(std::shared_ptr<const GnesfScene> scene) : scene_(std::move(scene)) {}
  const std::vector<std::string>& classes() const override { return scene_->classes(); }
  std::string model() const override { return scene_->views().classes().Name(); }
  ImageF Render(const Camera& camera, const Pose& world_from_camera, const StopToken* stop) const override;
  void At(std::span<const Vec3> places, std::span<float> probability, const StopToken* stop) const override;

 private:
  std::shared_ptr<const GnesfScene> scene_;
};

}  // namespace semfield
