#include "semfield/jobs/extract.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/stopwatch.h"
#include "semfield/edits/edited_scene.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/coco_file.h"
#include "semfield/objects/selection_store.h"
#include "semfield/objects/thing_mesh.h"
#include "semfield/run/named_view.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/mesh_closing.h"
#include "semfield/surface/mesh_files.h"
#include "semfield/surface/mesh_texture.h"
#include "semfield/surface/run_mesh.h"
#include "semfield/surface/run_surface.h"
#include "semfield/surface/upright.h"

namespace semfield {
namespace {

constexpr char kRest[] = "rest";

class ExtractJob {
 public:
  ExtractJob(const ExtractJobOptions& job, const OpenedRun& run, const JobControl& control)
      : job_(job),
        run_(run),
        control_(control),
        map_(SurfaceOfRun(run, control)),
        store_(run.folder.selections_dir(), SurfaceName(run, map_)),
        up_(UpOfCapture(*run.capture, job.up)) {
    result_.run = job.run;
  }

  ExtractJobResult Run() {
    Load();
    bool kept = false;
    RunMesh made = FindOrMakeRunMesh(run_, nullptr, control_, &kept);
    mesh_ = made.mesh;
    voxel_ = made.voxel;
    if (job_.edited) LoadEdited(std::move(made));
    for (const Selection& selection : selections_) weights_.push_back(VertexWeights(mesh_, map_, selection));
    Meshes();
    if (!job_.points.empty()) Points();
    if (!job_.masks.empty()) Masks();
    return std::move(result_);
  }

 private:
  void Load() {
    std::vector<std::string> names = job_.selection;
    if (job_.all) {
      for (const SelectionStore::Entry& entry : store_.List()) {
        if (std::find(names.begin(), names.end(), entry.name) == names.end()) names.push_back(entry.name);
      }
    }
    if (job_.edited) {
      asked_ = std::move(names);  // the edits say which of them are selections still
      return;
    }
    if (names.empty()) {
      throw InputError("{}: no selections yet. Run: semfield select {} --name NAME --view VIEW --click X,Y",
                       job_.run, job_.run);
    }
    for (const std::string& name : names) selections_.push_back(store_.Load(name));
  }

  // Things that edits changed or made, and selections that they left alone.
  void LoadEdited(RunMesh surface) {
    scene_ = OpenEditedScene(run_, std::move(surface), control_);
    for (const EditedPart& part : scene_.parts) {
      const auto asked = std::find(asked_.begin(), asked_.end(), part.name);
      const bool is_asked = asked != asked_.end();
      if (is_asked) asked_.erase(asked);
      if (part.is_there && (is_asked || job_.all)) parts_.push_back(&part);
      if (!part.is_there && is_asked && !job_.all)
        throw InputError(
            "'{}' was removed by an edit: leave out --edited, or take it back with semfield edit {} "
            "--undo",
            part.name, job_.run);
    }
    for (const std::string& name : asked_) selections_.push_back(store_.Load(name));
  }

  void EditedParts(std::vector<MeshNode>* nodes) {
    for (const EditedPart* part : parts_) {
      control_.ThrowIfStopped();
      if (part->owner >= 0) {
        nodes->push_back(NodeOf(part->name, part->nodes.front().mesh, true, part));
        continue;
      }
      for (MeshNode& node : PlacedNodes(*part)) {
        node.name = part->name;
        nodes->push_back(InCapture(std::move(node), true));
      }
    }
  }

  // Of a mesh in the world: what is written of it.
  MeshNode NodeOf(const std::string& name, Mesh mesh, bool is_thing, const EditedPart* part = nullptr) {
    if (job_.faces > 0) mesh = Simplified(mesh, job_.faces);
    const Mat3 capture_axes = run_.capture->capture_from_world.topLeftCorner<3, 3>();
    const Vec3 world_up = (capture_axes.transpose() * up_).normalized();
    if (is_thing && job_.close) mesh = Closed(mesh, world_up, kNarrow * voxel_);
    MeshNode node{.name = name, .mesh = std::move(mesh), .pivot = Vec3::Zero()};
    if (photos_ != nullptr) AddTexture(&node);
    if (part != nullptr) {
      if (part->paint) PaintNode(*part->paint, &node);
      node.mesh = Transformed(node.mesh, part->place);
    }
    return InCapture(std::move(node), is_thing);
  }

  // From the world to where it is written.
  MeshNode InCapture(MeshNode node, bool is_thing) {
    node.mesh = Transformed(node.mesh, run_.capture->capture_from_world);
    if (is_thing) node.pivot = BaseOf(node.mesh, up_);
    result_.things.push_back({.name = node.name,
                              .faces = node.mesh.num_faces(),
                              .vertices = node.mesh.num_vertices(),
                              .size = BoundsOf(node.mesh).Extent(),
                              .pivot = node.pivot,
                              .area = AreaOf(node.mesh)});
    if (is_thing && job_.at_origin) {
      Mat4 back = Mat4::Identity();
      back.topRightCorner<3, 1>() = -node.pivot;
      node.mesh = Transformed(node.mesh, back);
      node.pivot = Vec3::Zero();
    }
    return node;
  }

  void AddTexture(MeshNode* node) {
    TexturedMesh textured =
        TextureMesh(node->mesh, job_.texture, photos_->views(), *occluders_, 2 * voxel_, control_);
    node->mesh = std::move(textured.mesh);
    node->uv = std::move(textured.uv);
    node->texture = std::move(textured.texture);
  }

  std::vector<std::string> FilesOf(const std::vector<MeshNode>& nodes) const {
    if (!job_.out.empty()) return job_.out;
    const std::string name = nodes.size() == 1 ? nodes[0].name : "things";
    return {(run_.folder.exports_dir() / (name + ".glb")).string()};
  }

  void Meshes() {
    const auto& out = job_.out;
    if (job_.texture > 0 && (out.empty() || std::any_of(out.begin(), out.end(), &HoldsTextures))) {
      photos_ = std::make_unique<RunPhotos>(run_, control_);
      occluders_ = std::make_unique<MeshRays>(mesh_);
    }
    const std::vector<int> owners = OwnersOfFaces(mesh_, weights_);
    std::vector<MeshNode> nodes;
    for (size_t s = 0; s < selections_.size(); ++s) {
      control_.ThrowIfStopped();
      const std::string& name = selections_[s].name;
      Mesh thing = ThingMesh(mesh_, owners, static_cast<int>(s));
      if (thing.faces.empty()) {
        const std::string what = fmt::format(
            "selection '{}': no face of the run's mesh belongs to it (it has {} of {} surface cells{})", name,
            selections_[s].NumCells(), map_.num_cells(),
            selections_.size() > 1 ? ", and other selections may have taken its faces" : "");
        const auto& named = job_.selection;
        if (std::find(named.begin(), named.end(), name) != named.end()) throw InputError("{}", what);
        LogWarning("{}: it is left out", what);
        continue;
      }
      nodes.push_back(NodeOf(name, std::move(thing), true));
    }
    EditedParts(&nodes);
    if (nodes.empty()) throw InputError("{}: no selection has a face of the run's mesh", job_.run);
    if (job_.rest) {
      Mesh rest = ThingMesh(mesh_, owners, -1, 0);
      if (!rest.faces.empty()) nodes.push_back(NodeOf(kRest, std::move(rest), false));
    }
    for (const std::string& file : FilesOf(nodes)) {
      WriteMeshFile(file, nodes, YUpFrom(up_));
      result_.files.push_back(file);
    }
  }

  void Points() {
    std::vector<int32_t> labels(mesh_.vertices.size(), 0);
    std::vector<std::string> names;
    for (const Selection& selection : selections_) names.push_back(selection.name);
    for (size_t v = 0; v < labels.size(); ++v) {
      float most = 0.5f;
      for (size_t s = 0; s < weights_.size(); ++s) {
        if (weights_[s][v] <= most) continue;
        most = weights_[s][v];
        labels[v] = static_cast<int32_t>(s) + 1;
      }
    }
    const Mesh placed = Transformed(mesh_, run_.capture->capture_from_world);
    WriteFileAtomically(job_.points, std::span<const std::byte>(EncodeLabelledPoints(placed, labels, names)));
    result_.files.push_back(job_.points);
  }

  void Masks() {
    const std::filesystem::path folder = job_.masks;
    const std::vector<NamedView> views = FindNamedViews(*run_.capture, job_.views);
    CocoFile coco;
    for (const Selection& selection : selections_) coco.AddCategory(selection.name);
    for (const NamedView& view : views) {
      control_.ThrowIfStopped();
      const SurfaceView seen = SeenBy(run_, map_, view, control_.stop);
      const std::string file = view.index >= 0 ? run_.capture->views[view.index].name : view.name;
      const int image = coco.AddImage(file, view.camera.width, view.camera.height);
      for (size_t s = 0; s < selections_.size(); ++s) {
        const ImageU8 mask = MaskOf(selections_[s], seen, view.camera.width, view.camera.height);
        WritePng(folder / fmt::format("{}_{}.png", selections_[s].name, view.name), mask);
        coco.AddMask(image, static_cast<int>(s) + 1, mask);
        ++result_.masks;
      }
      control_.Report({.stage = "masks",
                       .done = static_cast<double>(image),
                       .total = static_cast<double>(views.size()),
                       .detail = view.name});
    }
    WriteJsonFile(folder / "coco.json", coco.json());
    result_.files.push_back((folder / "coco.json").string());
  }

  static constexpr double kNarrow = 12;  // voxels: holes up to that are filled where they are

  const ExtractJobOptions& job_;
  const OpenedRun& run_;
  const JobControl& control_;
  const SurfaceMap map_;
  const SelectionStore store_;
  const Vec3 up_;  // in the capture's axes
  std::vector<Selection> selections_;
  std::vector<std::vector<float>> weights_;  // [selections][vertices of mesh_]
  Mesh mesh_;                                // the run's, in the world
  double voxel_ = 0;
  std::vector<std::string> asked_;        // names, where edits say what they are
  EditedScene scene_;                     // of job_.edited
  std::vector<const EditedPart*> parts_;  // that are written
  std::unique_ptr<RunPhotos> photos_;     // for textures; nullptr: there are none
  std::unique_ptr<MeshRays> occluders_;   // all of mesh_
  ExtractJobResult result_;
};

}  // namespace

void ExtractJobOptions::Describe(OptionList& list) {
  list.Group("What");
  list.Text("run", &run, "Run folder.");
  source.Describe(list);
  list.TextList("selection", &selection, "Selections to take; each becomes a named part of its own.",
                {.metavar = "NAME"});
  list.Flag("all", &all, "All selections of the run.");
  list.Flag("rest", &rest, "Also what belongs to none of them, named rest.");
  list.Flag(
      "edited", &edited,
      "Things as the run's edits leave them (semfield edit), also those that edits put in; meshes alone.");
  list.Group("Meshes");
  list.TextList(
      "out", &out,
      "Files to write; .glb, .ply, .obj or .stl says which kind; empty: exports/NAME.glb in the run.",
      {.metavar = "FILE"});
  list.Int("faces", &faces, "Faces of each thing at most; 0: all that the run's mesh has of it.",
           {.min = 0, .max = 1e9});
  list.Int("texture", &texture,
           "Pixels a side of each thing's texture in .glb and .obj files; 0: the colors of vertices alone.",
           {.min = 0, .max = 16384});
  list.Flag("close", &close,
            "Close the things underneath and where they lean against something; small holes are filled.");
  list.Flag("at-origin", &at_origin,
            "Put the middle of each thing's base at the origin, not where it stands.");
  list.Text("up", &up, "What is up in the capture's axes; auto: by the cameras.",
            {.choices = {"auto", "x", "y", "z", "-x", "-y", "-z"}});
  list.Group("Points and masks");
  list.Text("points", &points,
            "PLY file for the mesh's vertices with the number of the selection that each is of.");
  list.Text("masks", &masks, "Folder for masks of the views as PNG, and all of them as coco.json.");
  list.Text("views", &views, "Views of the masks: all, train, test, or names separated by commas.");
}

std::vector<std::string> ExtractJobResult::Text() const {
  std::vector<std::string> text;
  for (const Thing& thing : things) {
    text.push_back(fmt::format("{}: {} faces, {:.3f} x {:.3f} x {:.3f} units, base at {:.3f}, {:.3f}, {:.3f}",
                               thing.name, thing.faces, thing.size.x(), thing.size.y(), thing.size.z(),
                               thing.pivot.x(), thing.pivot.y(), thing.pivot.z()));
  }
  if (masks > 0) text.push_back(fmt::format("{} masks", masks));
  text.insert(text.end(), files.begin(), files.end());
  return text;
}

Json ExtractJobResult::ToJson() const {
  Json json = {
      {"run", run}, {"things", Json::array()}, {"files", files}, {"masks", masks}, {"seconds", seconds}};
  const auto vector = [](const Vec3& v) { return Json({v.x(), v.y(), v.z()}); };
  for (const Thing& thing : things) {
    json["things"].push_back({{"name", thing.name},
                              {"faces", thing.faces},
                              {"vertices", thing.vertices},
                              {"size", vector(thing.size)},
                              {"pivot", vector(thing.pivot)},
                              {"area", thing.area}});
  }
  return json;
}

ExtractJobResult RunExtract(const ExtractJobOptions& job, const MethodList& methods,
                            const JobControl& control) {
  for (const std::string& file : job.out) CheckMeshFile(file);
  if (job.selection.empty() && !job.all)
    throw InputError("--selection is missing: which thing? e.g. --selection sofa, or --all");
  if (!job.points.empty() && std::filesystem::path(job.points).extension() != ".ply")
    throw InputError("--points {}: expected a name that ends in .ply", job.points);
  if (job.edited && (job.rest || !job.points.empty() || !job.masks.empty())) {
    throw InputError(
        "--edited writes meshes of things: --rest, --points and --masks are of the scene as it was trained; "
        "semfield mesh --edited writes the whole scene");
  }
  const Stopwatch stopwatch;
  const OpenedRun run = OpenRun(job.run, methods, job.source);
  if (!job.masks.empty()) FindNamedViews(*run.capture, job.views);  // said before anything is done
  const RunLock lock(run.folder);
  ExtractJobResult result = ExtractJob(job, run, control).Run();
  result.seconds = stopwatch.Seconds();
  return result;
}

}  // namespace semfield
