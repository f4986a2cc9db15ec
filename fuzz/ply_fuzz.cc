// Meshes of others as PLY: what is accepted has no index out of range and can be written and read back.
#include "fuzz_support.h"
#include "semfield/surface/mesh_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield;
  return fuzz::Check([&] {
    const std::string text(fuzz::Text(data, size));
    const LabelledMesh read = DecodePly(std::as_bytes(std::span(text)), "mesh.ply");
    const MeshDefects defects = DefectsOf(read.mesh);
    fuzz::Require(defects.out_of_range == 0 && defects.not_finite == 0, "indices and places are checked");
    fuzz::Require(read.instances.empty() || read.instances.size() == read.mesh.faces.size(),
                  "a label a face");
    const Mesh again = DecodePly(EncodePly(read.mesh), "again.ply").mesh;
    fuzz::Require(again.vertices == read.mesh.vertices && again.faces == read.mesh.faces,
                  "the same comes back");
  });
}
