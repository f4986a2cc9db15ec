#pragma once

#include <memory>
#include <string>

#include "semfield/base/options.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/run_mesh.h"
#include "semfield/surface/surface_field.h"

namespace semfield {

// What pictures and features of a run go through.
struct Through {
  std::string what = "volume";  // or mesh
  void Describe(OptionList& list);
  bool mesh() const { return what == "mesh"; }
};

// The field of a run as it is looked at: itself, or through its mesh.
class ShownField {
 public:
  // The run must outlive it. A mesh is asked for and there is none: InputError that says how to make it.
  ShownField(const OpenedRun& run, const Through& through);
  const RunMesh* mesh() const { return mesh_.get(); }  // nullptr: the volume is looked at
  const RadianceField& operator*() const { return surface_ ? *surface_ : volume_; }

 private:
  const RadianceField& volume_;
  std::unique_ptr<const RunMesh> mesh_;           // nullptr: none is looked through
  std::unique_ptr<const RadianceField> surface_;  // of mesh_
};

}  // namespace semfield
