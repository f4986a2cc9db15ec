#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "semfield/field/radiance_field.h"
#include "semfield/methods/radiance/model/radiance_model.h"

namespace semfield {

class RenderScratchPool;

// The trained hash-grid field behind the RadianceField contract. Const calls may come from several threads.
class HashRadianceField : public RadianceField {
 public:
  // The model must outlive this object and not change while a call runs.
  explicit HashRadianceField(const RadianceModel* model);
  explicit HashRadianceField(std::unique_ptr<RadianceModel> model);
  ~HashRadianceField() override;

  const SceneMap& scene_map() const override { return model_->map; }
  int latent_width() const override { return RadianceModel::kGeometryRows; }
  RenderedView Render(const Camera& camera, const Pose& world_from_camera, const RenderRequest& request,
                      const StopToken* stop = nullptr) const override;
  RaySamples Weights(std::span<const Ray> rays, const WeightRequest& request,
                     const StopToken* stop = nullptr) const override;
  void Density(std::span<const Vec3> points, std::span<float> density,
               const StopToken* stop = nullptr) const override;

  const RadianceModel& model() const { return *model_; }

 private:
  void WarnAboutCutRays(int64_t cut_rays, size_t num_rays) const;
  ops::MarchOptions AffordableMarch(std::span<const Ray> rays, float coarseness) const;

  std::unique_ptr<RadianceModel> owned_;
  const RadianceModel* model_;
  std::unique_ptr<RenderScratchPool> scratch_;
  mutable std::atomic<bool> warned_{false}, said_fog_{false};
};

}  // namespace semfield
