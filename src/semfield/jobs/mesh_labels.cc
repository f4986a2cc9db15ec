#include "semfield/jobs/mesh_labels.h"

#include <utility>

#include "semfield/base/atomic_file.h"
#include "semfield/views/class_picture.h"

namespace semfield {

MeshLabels LabelMesh(const OpenedRun& run, const ClassVoteOptions& options, const JobControl& control,
                     Mesh* mesh) {
  RunClasses classes(run, options, control);
  std::vector<Vec3> places(mesh->vertices.size());
  for (size_t v = 0; v < places.size(); ++v) places[v] = mesh->vertices[v].cast<double>();
  const VotedClasses voted = classes.VoteAt(places, {}, control);
  MeshLabels labels{.classes = classes.classes(), .labels = std::vector<int32_t>(places.size())};
  mesh->colors.resize(places.size());
  for (size_t v = 0; v < places.size(); ++v) {
    const int id = voted.ClassOf(static_cast<int64_t>(v));
    labels.labels[v] = id + 1;
    mesh->colors[v] = ClassColor(id);
  }
  return labels;
}

std::vector<MeshNode> SplitByClass(const Mesh& mesh, const MeshLabels& labels) {
  std::vector<MeshNode> nodes;
  for (int32_t label = 0; label <= static_cast<int32_t>(labels.classes.size()); ++label) {
    std::vector<char> keep(mesh.faces.size());
    bool any = false;
    for (size_t f = 0; f < keep.size(); ++f) {
      const auto& [a, b, c] = mesh.faces[f];
      const bool others_agree = labels.labels[b] == labels.labels[c];
      keep[f] = labels.labels[others_agree ? b : a] == label;
      any = any || keep[f];
    }
    if (!any) continue;
    nodes.push_back({.name = label == 0 ? "none" : labels.classes[label - 1], .mesh = Submesh(mesh, keep)});
  }
  return nodes;
}

void WriteLabelledMesh(const std::filesystem::path& path, const Mesh& mesh, const MeshLabels& labels,
                       const Mat3& y_up) {
  if (path.extension() == ".ply") {
    WriteFileAtomically(path,
                        std::span<const std::byte>(EncodeLabelledMesh(mesh, labels.labels, labels.classes)));
  } else {
    WriteMeshFile(path, SplitByClass(mesh, labels), y_up);
  }
}

}  // namespace semfield
