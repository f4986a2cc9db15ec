#include "semfield/surface/shown_field.h"

namespace semfield {

void Through::Describe(OptionList& list) {
  list.Text(
      "through", &what,
      "What rays of pictures and features go through: the field's volume, or the mesh that semfield mesh "
      "made of it, which is faster: one point a ray for features, three for colors.",
      {.choices = {"volume", "mesh"}});
}

ShownField::ShownField(const OpenedRun& run, const Through& through) : volume_(run.Field()) {
  if (!through.mesh()) return;
  mesh_ = std::make_unique<const RunMesh>(OpenRunMesh(run));
  surface_ = std::make_unique<const SurfaceField>(volume_, mesh_->mesh,
                                                  SurfaceFieldOptions{.spacing = mesh_->voxel});
}

}  // namespace semfield
