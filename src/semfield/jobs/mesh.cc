#include "semfield/jobs/mesh.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/jobs/edited_nodes.h"
#include "semfield/jobs/mesh_labels.h"
#include "semfield/run/feed_forward.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/mesh_files.h"
#include "semfield/surface/mesh_texture.h"
#include "semfield/surface/run_mesh.h"
#include "semfield/surface/upright.h"

namespace semfield {
namespace {

void AddTexture(const OpenedRun& run, const RunMesh& fine, int side, const JobControl& control,
                MeshNode* node, MeshJobResult* result) {
  const RunPhotos photos(run, control);
  const MeshRays occluders(fine.mesh);
  TexturedMesh textured = TextureMesh(node->mesh, side, photos.views(), occluders, 2 * fine.voxel, control);
  result->texels_from_photos = textured.from_photos;
  result->texture = textured.texture.width;
  result->charts = textured.num_charts;
  node->mesh = std::move(textured.mesh);
  node->uv = std::move(textured.uv);
  node->texture = std::move(textured.texture);
}

void CountLabels(const MeshLabels& labels, MeshJobResult* result) {
  result->classes = labels.classes;
  result->class_vertices.resize(labels.classes.size());
  for (const int32_t label : labels.labels) {
    if (label == 0) {
      ++result->unlabelled;
    } else {
      ++result->class_vertices[label - 1];
    }
  }
}

// "wall 0.41, floor 0.20", of all vertices, the largest first.
std::string ClassShares(const MeshJobResult& result) {
  std::vector<std::pair<int, std::string>> shares;
  for (size_t c = 0; c < result.classes.size(); ++c) {
    if (result.class_vertices[c] > 0) shares.emplace_back(-result.class_vertices[c], result.classes[c]);
  }
  std::sort(shares.begin(), shares.end());
  std::string text;
  for (const auto& [count, name] : shares) {
    text += fmt::format("{}{} {:.1f} %", text.empty() ? "" : ", ", name,
                        -100.0 * count / std::max(1, result.vertices));
  }
  return text;
}

}  // namespace

void MeshJobOptions::Describe(OptionList& list) {
  list.Group("Mesh");
  list.Text("run", &run, "Run folder.");
  source.Describe(list);
  list.TextList("out", &out,
                "Files to write; .glb, .ply, .obj or .stl says which kind; empty: mesh/mesh.glb in the run.",
                {.metavar = "FILE"});
  list.Int("faces", &faces, "Faces of each file at most; 0: all that the fine mesh has.",
           {.min = 0, .max = 1e9});
  list.Int("texture", &texture,
           "Pixels a side of the texture in .glb and .obj files; 0: the colors of vertices alone.",
           {.min = 0, .max = 16384});
  list.Text("up", &up, "What is up in the capture's axes, for GLB, which has y up; auto: by the cameras.",
            {.choices = {"auto", "x", "y", "z", "-x", "-y", "-z"}});
  list.Flag(
      "labels", &labels,
      "Color every vertex by its class, which photos vote on, in place of texture and colors of photos: a "
      ".ply has a label a vertex, other files have a mesh a class.");
  list.Flag("edited", &edited,
            "The scene as the run's edits leave it (semfield edit), with a named node for each thing.");
  list.Group("Fusion");
  list.Real("voxel", &voxel, "Side of a voxel in the capture's units; 0: twice what the median pixel sees.",
            {.min = 0, .max = 1e6});
  list.Real("truncation", &truncation, "Voxels before and behind a view's surface in which its depth counts.",
            {.min = 1, .max = 50});
  list.Real("crumbs", &crumbs, "Parts that hang together and are smaller than so many voxels are left out.",
            {.min = 0, .max = 1e6});
  vote.Describe(list);
}

std::vector<std::string> MeshJobResult::Text() const {
  std::vector<std::string> text;
  text.push_back(
      fmt::format("mesh: {} faces from voxels of {:.4g} units, {:.1f} square units in a box of {:.2f} x "
                  "{:.2f} x {:.2f}{}",
                  fine_faces, voxel, area, size.x(), size.y(), size.z(), kept ? " (kept from before)" : ""));
  text.push_back(fmt::format("colors of {:.1f} % of the vertices are from photos, of {:.1f} % from the field",
                             100 * from_photos, 100 * from_field));
  if (texture > 0) {
    text.push_back(fmt::format("texture of {} x {} pixels in {} charts, {:.1f} % of it from photos", texture,
                               texture, charts, 100 * texels_from_photos));
  }
  if (!classes.empty()) {
    text.push_back(fmt::format("classes of the vertices: {}{}", ClassShares(*this),
                               unlabelled > 0 ? fmt::format("; {} have none", unlabelled) : ""));
  }
  for (const File& file : files)
    text.push_back(
        fmt::format("{}: {} faces, {:.1f} MB", file.path, faces, 1e-6 * static_cast<double>(file.bytes)));
  return text;
}

Json MeshJobResult::ToJson() const {
  Json json = {{"run", run},
               {"files", Json::array()},
               {"faces", faces},
               {"vertices", vertices},
               {"fine_faces", fine_faces},
               {"voxel", voxel},
               {"area", area},
               {"size", {size.x(), size.y(), size.z()}},
               {"from_photos", from_photos},
               {"from_field", from_field},
               {"texture", texture},
               {"charts", charts},
               {"texels_from_photos", texels_from_photos},
               {"kept", kept},
               {"seconds", seconds}};
  for (size_t c = 0; c < classes.size(); ++c) json["classes"][classes[c]] = class_vertices[c];
  if (!classes.empty()) json["unlabelled"] = unlabelled;
  for (const File& file : files) json["files"].push_back({{"path", file.path}, {"bytes", file.bytes}});
  return json;
}

namespace {

// What the edits of the run leave of its scene, with a node each thing.
void WriteEdited(const MeshJobOptions& job, const OpenedRun& run, RunMesh made, const JobControl& control,
                 MeshJobResult* result) {
  std::vector<std::string> files = job.out;
  if (files.empty()) files.push_back((run.folder.mesh_dir() / "edited.glb").string());
  const bool textures = job.texture > 0 && std::any_of(files.begin(), files.end(), &HoldsTextures);
  const EditedScene scene = OpenEditedScene(run, std::move(made), control);
  std::vector<MeshNode> nodes =
      EditedNodes(run, scene, {.faces = job.faces, .texture = textures ? job.texture : 0}, control);
  if (nodes.empty()) throw InputError("{}: the edits leave nothing of the scene", job.run);
  Mesh all;
  for (MeshNode& node : nodes) {
    node.mesh = Transformed(node.mesh, run.capture->capture_from_world);
    result->vertices += node.mesh.num_vertices();
    result->faces += node.mesh.num_faces();
    all.vertices.insert(all.vertices.end(), node.mesh.vertices.begin(), node.mesh.vertices.end());
  }
  result->size = BoundsOf(all).Extent();
  for (const std::string& file : files) {
    control.ThrowIfStopped();
    WriteMeshFile(file, nodes, YUpFrom(UpOfCapture(*run.capture, job.up)));
    result->files.push_back({file, static_cast<int64_t>(std::filesystem::file_size(file))});
  }
}

}  // namespace

MeshJobResult RunMeshJob(const MeshJobOptions& job, const MethodList& methods, const JobControl& control) {
  for (const std::string& file : job.out) CheckMeshFile(file);  // said before anything is done
  const Stopwatch stopwatch;
  const OpenedRun run = OpenRunOrCapture(
      job.run, methods, job.source,
      {.method = job.vote.method, .weights = job.vote.weights, .words_model = job.vote.model});
  const RunLock lock(run.folder);
  const Mat3 y_up = YUpFrom(UpOfCapture(*run.capture, job.up));
  const RunMeshOptions options{.voxel = job.voxel, .truncation = job.truncation, .crumbs = job.crumbs};
  MeshJobResult result{.run = job.run, .files = {}};
  RunMesh made = FindOrMakeRunMesh(run, &options, control, &result.kept);
  const double vertices = made.mesh.num_vertices(),
               scale = run.capture->capture_from_world.topLeftCorner<3, 1>().norm();
  result.fine_faces = made.mesh.num_faces();
  result.voxel = scale * made.voxel;
  result.area = scale * scale * AreaOf(made.mesh);
  result.from_photos = made.coloring.from_photos / vertices;
  result.from_field = made.coloring.from_field / vertices;
  if (job.edited) {
    WriteEdited(job, run, std::move(made), control, &result);
    result.seconds = stopwatch.Seconds();
    return result;
  }
  std::vector<std::string> files = job.out;
  if (files.empty()) files.push_back((run.folder.mesh_dir() / "mesh.glb").string());
  control.Report({.stage = "simplify", .detail = fmt::format("{} faces", result.fine_faces)});
  MeshNode node{.name = "scene", .mesh = job.faces > 0 ? Simplified(made.mesh, job.faces) : made.mesh};
  result.faces = node.mesh.num_faces();
  MeshLabels labels;
  if (job.labels) {
    labels = LabelMesh(run, job.vote, control, &node.mesh);
    CountLabels(labels, &result);
  } else if (job.texture > 0 && std::any_of(files.begin(), files.end(), &HoldsTextures)) {
    AddTexture(run, made, job.texture, control, &node, &result);
  }
  node.mesh = Transformed(node.mesh, run.capture->capture_from_world);
  result.vertices = node.mesh.num_vertices();
  result.size = BoundsOf(node.mesh).Extent();
  const std::vector<MeshNode> nodes = {std::move(node)};
  for (const std::string& file : files) {
    control.ThrowIfStopped();
    if (job.labels) {
      WriteLabelledMesh(file, nodes.front().mesh, labels, y_up);
    } else {
      WriteMeshFile(file, nodes, y_up);
    }
    result.files.push_back({file, static_cast<int64_t>(std::filesystem::file_size(file))});
  }
  result.seconds = stopwatch.Seconds();
  return result;
}

}  // namespace semfield
