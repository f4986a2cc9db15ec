#include "semfield/evaluation/surface_protocol.h"

#include <fmt/format.h>

#include <Eigen/LU>
#include <algorithm>
#include <vector>

#include "semfield/base/error.h"
#include "semfield/evaluation/metrics.h"
#include "semfield/evaluation/surface_score.h"
#include "semfield/evaluation/surface_things.h"
#include "semfield/surface/mesh_files.h"
#include "semfield/surface/mesh_rays.h"
#include "semfield/surface/mesh_texture.h"
#include "semfield/surface/run_mesh.h"

namespace semfield {
namespace {

constexpr int kCentimeters[] = {2, 5, 10};

struct SurfaceChoices {
  std::string true_mesh;
  int samples = 1000000;
  int faces = 0;
  int texture = 0;
  bool things = false;
  void Describe(OptionList& list) {
    list.Group("Protocol surface");
    list.Text("true-mesh", &true_mesh,
              "True mesh, a PLY in the capture's units (metres) and axes; empty: mesh.ply of the capture.");
    list.Int("samples", &samples, "Points drawn on each mesh.", {.min = 1000, .max = 20000000});
    list.Int("mesh-faces", &faces, "Faces that the run's mesh is simplified to before; 0: as it is kept.",
             {.min = 0, .max = 1e9});
    list.Flag(
        "things", &things,
        "Score every selection of the run as a mesh of its own, against the instance of the true mesh that "
        "it fits best.");
    list.Int("mesh-texture", &texture,
             "Pixels a side of a texture for the pictures of the mesh; 0: the colors of its vertices.",
             {.min = 0, .max = 16384});
  }
};

// What the training views see of the true mesh.
std::vector<DepthView> TrueViews(const OpenedRun& run, const Mesh& truth, const JobControl& control) {
  const MeshRays rays(truth);
  std::vector<DepthView> views;
  const std::vector<int>& train = run.capture->train;
  for (const int index : train) {
    control.ThrowIfStopped();
    const View& view = run.capture->views[index];
    views.push_back({.view = index,
                     .camera = view.camera,
                     .world_from_camera = view.world_from_camera,
                     .depth = Picture(truth, rays, view.camera, view.world_from_camera).depth});
    control.Report({.stage = "look at the true mesh",
                    .done = static_cast<double>(views.size()),
                    .total = static_cast<double>(train.size())});
  }
  return views;
}

struct Pictures {
  double mesh = 0, field = 0;  // mean PSNR
  double holes = 0;            // mean share of pixels without mesh
  Json per_view = Json::array();
};

// The mesh and the field beside each other, against held-out photos.
Pictures ScorePictures(const ProtocolInputs& inputs, const Mesh& mesh, const MeshSkin* skin,
                       const JobControl& control) {
  const MeshRays rays(mesh);
  Pictures pictures;
  for (const int index : inputs.views) {
    control.ThrowIfStopped();
    const Camera camera = inputs.run.store->CameraOf(index);
    const Pose& pose = inputs.run.capture->views[index].world_from_camera;
    const ImageF photo = PhotoOverBackground(inputs.scene, index);
    const std::shared_ptr<const ImageU8> mask = inputs.run.store->Mask(index);
    RenderRequest request;
    std::copy_n(inputs.scene.background.data(), 3, request.background);
    const auto psnr = [&](const ImageF& rgb) {
      return PsnrOfMse(PictureError(rgb, photo, mask.get()).mean());
    };
    const MeshPicture shown = Picture(mesh, rays, camera, pose, inputs.scene.background, skin);
    const double of_mesh = psnr(shown.rgb),
                 of_field = psnr(inputs.run.Field().Render(camera, pose, request, control.stop).rgb);
    const auto holes = std::count(shown.depth.data.begin(), shown.depth.data.end(), 0.0f);
    const double hole_share = static_cast<double>(holes) / static_cast<double>(shown.depth.data.size());
    pictures.holes += hole_share / static_cast<double>(inputs.views.size());
    pictures.mesh += of_mesh / static_cast<double>(inputs.views.size());
    pictures.field += of_field / static_cast<double>(inputs.views.size());
    pictures.per_view.push_back({{"view", inputs.run.capture->views[index].name},
                                 {"psnr_mesh", FiniteOrNull(of_mesh)},
                                 {"psnr_field", FiniteOrNull(of_field)},
                                 {"holes", hole_share}});
    control.Report({.stage = "evaluate surface",
                    .done = static_cast<double>(pictures.per_view.size()),
                    .total = static_cast<double>(inputs.views.size())});
  }
  return pictures;
}

Json Definitions() {
  Json definitions = {
      {"faces", "Faces of the mesh that is scored."},
      {"judged_share",
       "Share of the mesh's area that at least two training views can judge; the rest is left out of "
       "precision."},
      {"psnr_mesh",
       "Mean over held-out views of the PSNR of the mesh with its texture or the colours of its vertices."},
      {"psnr_field", "The same of the field's rendering, in the same views."},
      {"holes", "Mean over held-out views of the share of pixels in which the mesh shows nothing."}};
  for (const int cm : kCentimeters) {
    definitions[fmt::format("precision_{}", cm)] =
        fmt::format("Share of the judged mesh that has a point of the true mesh within {} cm.", cm);
    definitions[fmt::format("recall_{}", cm)] = fmt::format(
        "Share of what at least two training views see of the true mesh that has a point of ours within {} "
        "cm.",
        cm);
    definitions[fmt::format("f_{}", cm)] = fmt::format("Harmonic mean of precision and recall at {} cm.", cm);
  }
  return definitions;
}

class SurfaceProtocol : public Protocol {
 public:
  std::string name() const override { return "surface"; }
  std::string sentence() const override { return "the run's mesh against the true one"; }
  ProtocolNeeds needs() const override { return {.mesh = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(SurfaceChoices()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions& options,
                     const JobControl& control) const override {
    const auto& choices = options.As<SurfaceChoices>();
    const Capture& capture = *inputs.run.capture;
    const std::filesystem::path path =
        choices.true_mesh.empty() ? TrueMeshOf(capture) : std::filesystem::path(choices.true_mesh);
    if (!std::filesystem::exists(path)) {
      throw InputError("{}: there is no true mesh; name one with --true-mesh", path.string());
    }
    const Mat4 world_from_capture = capture.capture_from_world.inverse();
    LabelledMesh truth = ReadPly(path);
    truth.mesh = Transformed(truth.mesh, world_from_capture);
    const RunMesh fine = OpenRunMesh(inputs.run);
    const Mesh mesh = choices.faces > 0 ? Simplified(fine.mesh, choices.faces) : fine.mesh;
    const double centimeter = 0.01 * world_from_capture.topLeftCorner<3, 1>().norm();
    std::vector<double> distances;
    for (const int cm : kCentimeters) distances.push_back(cm * centimeter);
    const std::vector<DepthView> views = TrueViews(inputs.run, truth.mesh, control);
    const SurfaceScore score = ScoreSurface(mesh, truth.mesh, views, distances, centimeter, choices.samples);
    ProtocolResult result = Told(score, mesh, PicturesOf(inputs, choices, fine, mesh, control));
    if (choices.things) {
      if (truth.instances.empty())
        throw InputError("{}: its faces have no instances for --things", path.string());
      TellThings(ScoreThings(inputs.run, fine, truth, views, centimeter, control), &result);
    }
    return result;
  }

 private:
  static Pictures PicturesOf(const ProtocolInputs& inputs, const SurfaceChoices& choices, const RunMesh& fine,
                             const Mesh& mesh, const JobControl& control) {
    if (choices.texture == 0) return ScorePictures(inputs, mesh, nullptr, control);
    const RunPhotos photos(inputs.run, control);
    const MeshRays occluders(fine.mesh);
    const TexturedMesh textured =
        TextureMesh(mesh, choices.texture, photos.views(), occluders, 2 * fine.voxel, control);
    const MeshSkin skin{.uv = textured.uv, .texture = textured.texture};
    return ScorePictures(inputs, textured.mesh, &skin, control);
  }

  static void TellThings(const std::vector<ThingSurface>& things, ProtocolResult* result) {
    Json list = Json::array();
    double sum = 0;
    for (const ThingSurface& thing : things) {
      sum += thing.f;
      list.push_back({{"selection", thing.selection},
                      {"instance", thing.instance},
                      {"label", thing.label},
                      {"precision", thing.precision},
                      {"recall", thing.recall},
                      {"f", thing.f}});
      result->text.push_back(
          fmt::format("  {}: F {:.3f} at 5 cm (precision {:.3f}, recall {:.3f}) against {}", thing.selection,
                      thing.f, thing.precision, thing.recall, thing.instance < 0 ? "nothing" : thing.label));
    }
    result->facts["things"] = list;
    result->metrics["things"] = things.size();
    result->metrics["things_f_5"] = things.empty() ? 0 : sum / static_cast<double>(things.size());
    result->definitions["things"] = "Selections of the run that have faces.";
    result->definitions["things_f_5"] =
        "Mean over these of F at 5 cm against the faces of the instance that each fits best, over what two "
        "training "
        "views see.";
  }

  ProtocolResult Told(const SurfaceScore& score, const Mesh& mesh, const Pictures& pictures) const {
    Json metrics = {{"faces", mesh.num_faces()}, {"judged_share", score.judged_share}};
    std::string line = "surface:";
    for (size_t i = 0; i < std::size(kCentimeters); ++i) {
      metrics[fmt::format("precision_{}", kCentimeters[i])] = score.precision[i];
      metrics[fmt::format("recall_{}", kCentimeters[i])] = score.recall[i];
      metrics[fmt::format("f_{}", kCentimeters[i])] = score.f[i];
      line += fmt::format("{} F {:.3f} at {} cm (precision {:.3f}, recall {:.3f})", i == 0 ? "" : ",",
                          score.f[i], kCentimeters[i], score.precision[i], score.recall[i]);
    }
    ProtocolResult result{
        .protocol = name(), .text = {line}, .metrics = metrics, .definitions = Definitions()};
    if (!pictures.per_view.empty()) {
      result.metrics["psnr_mesh"] = pictures.mesh;
      result.metrics["psnr_field"] = pictures.field;
      result.metrics["holes"] = pictures.holes;
      result.per_view = pictures.per_view;
      result.text.push_back(fmt::format(
          "  pictures of the mesh {:.2f} dB with {:.1f} % holes, of the field {:.2f} dB on {} held-out views",
          pictures.mesh, 100 * pictures.holes, pictures.field, pictures.per_view.size()));
    }
    return result;
  }
};

}  // namespace

std::filesystem::path TrueMeshOf(const Capture& capture) {
  const std::filesystem::path folder =
      std::filesystem::is_directory(capture.path) ? capture.path : capture.path.parent_path();
  return folder / "mesh.ply";
}

std::shared_ptr<const Protocol> MakeSurfaceProtocol() {
  return std::make_shared<SurfaceProtocol>();
}

}  // namespace semfield
