#include "semfield/edits/edited_scene.h"

#include <fmt/format.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/image/srgb.h"
#include "semfield/objects/selection_store.h"
#include "semfield/objects/thing_mesh.h"
#include "semfield/surface/mesh_rays.h"
#include "semfield/surface/run_surface.h"
#include "semfield/surface/upright.h"

namespace semfield {
namespace {

constexpr double kCrumbShare = 0.05;  // of a thing's area
constexpr int kBrightnessWidth = 96;  // pixels of the pictures in which brightness is looked up
constexpr int kAngles = 36;           // of boxes that are tried, over a quarter turn

Mat4 Affine(const Mat3& linear, const Vec3& shift) {
  Mat4 matrix = Mat4::Identity();
  matrix.topLeftCorner<3, 3>() = linear;
  matrix.topRightCorner<3, 1>() = shift;
  return matrix;
}

// The box around points with z along `up` whose ground is the smallest; rows: its axes.
Mat3 BoxAxes(const std::vector<MeshNode>& nodes, const Vec3& up) {
  const Mat3 y_up = YUpFrom(up);
  // From (x, y up, z towards the viewer) to (x, y away, z up).
  Mat3 z_up;
  z_up << 1, 0, 0, 0, 0, -1, 0, 1, 0;
  Mat3 best = Mat3::Identity();
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kAngles; ++i) {
    const double angle = std::numbers::pi / 2 * i / kAngles;
    const Mat3 axes = Eigen::AngleAxisd(angle, Vec3::UnitZ()).toRotationMatrix() * z_up * y_up;
    Vec3 low = Vec3::Constant(1e300), high = -low;
    for (const MeshNode& node : nodes) {
      for (const Vec3f& vertex : node.mesh.vertices) {
        const Vec3 at = axes * vertex.cast<double>();
        low = low.cwiseMin(at);
        high = high.cwiseMax(at);
      }
    }
    const double ground = (high.x() - low.x()) * (high.y() - low.y());
    if (ground < 0.999 * least) {
      least = ground;
      best = axes;
    }
  }
  return best;
}

class SceneOpener {
 public:
  SceneOpener(const OpenedRun& run, const JobControl& control) : run_(run), control_(control) {}

  EditedScene Open(RunMesh surface, const std::vector<Edit>& edits) {
    const std::vector<EditedThing> things = ThingsOf(edits);
    for (const EditedThing& thing : things) {
      if (!thing.selection.empty() && thing.field != run_.radiance_checksum) {
        throw InputError(
            "'{}' was edited on another state of the field, whose surface is gone: take the edit back with "
            "--undo, or all with --clear",
            thing.name);
      }
    }
    scene_.surface = std::move(surface);
    FindFaces(things);
    for (const EditedThing& thing : things) AddPart(thing);
    return std::move(scene_);
  }

 private:
  // Faces of each selection that is named.
  void FindFaces(const std::vector<EditedThing>& things) {
    FaceOwners& faces = scene_.faces;
    for (const EditedThing& thing : things) {
      const std::string& name = thing.selection;
      if (!name.empty() &&
          std::find(faces.selections.begin(), faces.selections.end(), name) == faces.selections.end())
        faces.selections.push_back(name);
    }
    faces.owner.assign(scene_.surface.mesh.faces.size(), -1);
    if (faces.selections.empty()) return;
    const SurfaceMap map = SurfaceOfRun(run_, control_);
    const SelectionStore store(run_.folder.selections_dir(), SurfaceName(run_, map));
    std::vector<std::vector<float>> weights;
    for (const std::string& name : faces.selections) {
      control_.ThrowIfStopped();
      if (!store.Has(name)) {
        throw InputError(
            "'{}' was edited, and there is no such selection any more: take the edit back with --undo, or "
            "select it again under this name",
            name);
      }
      const Selection selection = store.Load(name);
      if (selection.NumCells() == 0)
        throw InputError("selection '{}' is empty: nothing of the scene belongs to it", name);
      weights.push_back(VertexWeights(scene_.surface.mesh, map, selection));
    }
    faces.owner = OwnersOfFaces(scene_.surface.mesh, weights);
    DropStrayFaces(scene_.surface.mesh, kCrumbShare, &faces.owner);
    GiveCrumbs(scene_.surface.mesh, kCrumbShare, &faces.owner);
    scene_.taken.assign(faces.selections.size(), 0);
  }

  void AddPart(const EditedThing& thing) {
    EditedPart part{.name = thing.name, .nodes = {}, .is_there = thing.is_there};
    part.stands_as_found = !thing.is_copy && thing.file.empty() && thing.placed.empty();
    if (thing.file.empty()) {
      const auto& names = scene_.faces.selections;
      part.owner = static_cast<int>(std::find(names.begin(), names.end(), thing.selection) - names.begin());
      if (!thing.is_copy && !thing.StandsAsFound()) scene_.taken[part.owner] = 1;
      part.nodes.push_back(
          {.name = thing.name, .mesh = ThingMesh(scene_.surface.mesh, scene_.faces.owner, part.owner)});
      if (part.nodes[0].mesh.faces.empty()) {
        throw InputError(
            "selection '{}': no face of the run's mesh belongs to it, or another thing of the edits has them "
            "all",
            thing.selection);
      }
    } else {
      part.nodes = NodesOfFile(thing);
    }
    const Mat4& capture_from_world = run_.capture->capture_from_world;
    for (const Edit& edit : thing.placed) {
      const Mat4 moved = PlacementOf(edit, BaseInCapture(run_, part, edit.up));
      part.place = capture_from_world.inverse() * moved * capture_from_world * part.place;
    }
    if (!thing.painted.empty()) part.paint = PaintOf(thing.painted.back(), part);
    scene_.parts.push_back(std::move(part));
  }

  // A file's frame has y up and the capture's units.
  std::vector<MeshNode> NodesOfFile(const EditedThing& thing) const {
    const std::filesystem::path path = EditFiles(run_) / thing.file;
    if (!std::filesystem::exists(path)) {
      throw InputError("{}: it is gone, and '{}' was made of it: take the edit back with --undo",
                       path.string(), thing.name);
    }
    std::vector<MeshNode> nodes = ReadGlb(path);
    const Mat4 turn = Affine(YUpFrom(thing.placed.front().up).transpose(), Vec3::Zero());
    for (MeshNode& node : nodes)
      node.mesh = Transformed(node.mesh, run_.capture->capture_from_world.inverse() * turn);
    return nodes;
  }

  // How bright the training views see each selection, the mean of their pixels; nothing where none shows it.
  // Its vertices say less: the back and the underside that no photo looks at are dark.
  const std::vector<std::optional<double>>& SeenBrightness() {
    if (!seen_.empty()) return seen_;
    const Mesh& mesh = scene_.surface.mesh;
    const MeshRays rays(mesh);
    std::vector<double> sum(scene_.faces.selections.size(), 0), count = sum;
    for (const int index : run_.capture->train) {
      control_.ThrowIfStopped();
      const View& view = run_.capture->views[index];
      const int height = std::max(1, kBrightnessWidth * view.camera.height / view.camera.width);
      const std::vector<Ray> looks =
          MakeRays(view.camera.Resized(kBrightnessWidth, height), view.world_from_camera);
      std::vector<MeshRays::Hit> hits(looks.size());
      rays.CastAll(looks, hits);
      for (const MeshRays::Hit& hit : hits) {
        const int owner = hit.face < 0 ? -1 : scene_.faces.owner[hit.face];
        if (owner < 0) continue;
        sum[owner] += LuminanceOf(ColorAt(mesh, hit).data());
        ++count[owner];
      }
    }
    for (size_t i = 0; i < sum.size(); ++i) {
      seen_.emplace_back();
      if (count[i] > 0) seen_[i] = std::max(kLeastBrightness, sum[i] / count[i]);
    }
    return seen_;
  }

  double BrightnessOfPart(const EditedPart& part) {
    if (part.owner >= 0 && !scene_.surface.mesh.colors.empty()) {
      if (const auto& seen = SeenBrightness()[part.owner]) return *seen;
    }
    double brightness = 0;
    for (const MeshNode& node : part.nodes)
      brightness += BrightnessOf(node.mesh) / static_cast<double>(part.nodes.size());
    return brightness;
  }

  ThingPaint PaintOf(const Edit& edit, const EditedPart& part) {
    ThingPaint paint;
    paint.brightness = BrightnessOfPart(part);
    for (int k = 0; k < 3; ++k) paint.light[k] = LinearFromSrgb(edit.color[k] / 255.0);
    if (edit.kind != Edit::Kind::kRetexture) return paint;
    const std::filesystem::path path = EditFiles(run_) / edit.file;
    if (!std::filesystem::exists(path)) {
      throw InputError("{}: it is gone, and '{}' shows it: take the edit back with --undo", path.string(),
                       edit.thing);
    }
    paint.picture = ToRgb(ReadImage(path), {255, 255, 255});
    const Mat3 capture_axes = run_.capture->capture_from_world.topLeftCorner<3, 3>();
    const double scale = capture_axes.col(0).norm();
    paint.box_from_world = BoxAxes(part.nodes, (capture_axes.transpose() * edit.up).normalized());
    Vec3 high = Vec3::Constant(-1e300);
    paint.corner = -high;
    for (const MeshNode& node : part.nodes) {
      const Box3 box = BoundsOf(Transformed(node.mesh, Affine(paint.box_from_world, Vec3::Zero())));
      paint.corner = paint.corner.cwiseMin(box.min);
      high = high.cwiseMax(box.max);
    }
    paint.tile = edit.tile > 0 ? edit.tile / scale : std::max(1e-9, (high - paint.corner).maxCoeff());
    return paint;
  }

  const OpenedRun& run_;
  const JobControl& control_;
  EditedScene scene_;
  std::vector<std::optional<double>> seen_;  // [selections]; empty: not looked at yet
};

}  // namespace

EditedScene OpenEditedScene(const OpenedRun& run, RunMesh surface, const std::vector<Edit>& edits,
                            const JobControl& control) {
  return SceneOpener(run, control).Open(std::move(surface), edits);
}

EditedScene OpenEditedScene(const OpenedRun& run, RunMesh surface, const JobControl& control) {
  return OpenEditedScene(run, std::move(surface), EditList(EditListPath(run)).Now(), control);
}

std::filesystem::path EditListPath(const OpenedRun& run) {
  return run.folder.path() / "edits.json";
}

std::filesystem::path EditFiles(const OpenedRun& run) {
  return run.folder.path() / "edits";
}

std::vector<MeshNode> PlacedNodes(const EditedPart& part) {
  std::vector<MeshNode> nodes = part.nodes;
  for (MeshNode& node : nodes) {
    if (part.paint) PaintNode(*part.paint, &node);
    node.mesh = Transformed(node.mesh, part.place);
  }
  return nodes;
}

Mesh RestOf(const EditedScene& scene, bool keep_standing) {
  std::vector<char> leaves(scene.faces.selections.size(), 0);
  for (const EditedPart& part : scene.parts) {
    if (part.owner < 0) continue;
    leaves[part.owner] =
        leaves[part.owner] || scene.taken[part.owner] || (part.stands_as_found && !keep_standing);
  }
  std::vector<char> keep(scene.faces.owner.size());
  for (size_t f = 0; f < keep.size(); ++f) {
    const int owner = scene.faces.owner[f];
    keep[f] = owner < 0 || !leaves[owner];
  }
  return Cleaned(Submesh(scene.surface.mesh, keep));
}

Vec3 BaseInCapture(const OpenedRun& run, const EditedPart& part, const Vec3& up) {
  Mesh all;
  for (const MeshNode& node : part.nodes)
    all.vertices.insert(all.vertices.end(), node.mesh.vertices.begin(), node.mesh.vertices.end());
  return BaseOf(Transformed(all, run.capture->capture_from_world * part.place), up);
}

Mat4 PlacementOf(const Edit& edit, const Vec3& base) {
  const Mat3 turn =
      Eigen::AngleAxisd(edit.turn * std::numbers::pi / 180, edit.up).toRotationMatrix() * edit.scale;
  return Affine(turn, base + edit.move - turn * base);
}

}  // namespace semfield
