#include "semfield/evaluation/semantics3d_protocol.h"

#include <fmt/format.h>

#include <Eigen/LU>
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "semfield/base/error.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/evaluation/class_scores.h"
#include "semfield/evaluation/semantics_protocol.h"
#include "semfield/evaluation/surface_protocol.h"
#include "semfield/evaluation/surface_score.h"
#include "semfield/surface/mesh_files.h"
#include "semfield/surface/mesh_rays.h"
#include "semfield/surface/run_mesh.h"
#include "semfield/views/run_classes.h"

namespace semfield {
namespace {

// How far a vertex of the run's mesh is looked for that answers for a place of the truth: within the first
// alone, or one after another.
constexpr double kReachMeters[] = {0.1, 0.5, 2.5, 12.5};
constexpr int kPoints = 100000;
constexpr uint64_t kSeed = 1;

struct Semantics3dChoices {
  std::string model = "rooms-fast";
  void Describe(OptionList& list) {
    list.Group("Protocol semantics3d");
    list.Text(
        "semantics3d-model", &model,
        "Who says what class the places of a photo are: a model of kind dense, or labels, the capture's "
        "own label maps.");
  }
};

// Places of the true mesh with their class in the capture.
struct LabelledPlaces {
  std::vector<Vec3> places;
  std::vector<int> classes;
  void Add(const Vec3& place, int id) {
    places.push_back(place);
    classes.push_back(id);
  }
};

std::vector<int> FaceClasses(const LabelledMesh& truth, const Capture& capture) {
  std::vector<int> classes(truth.mesh.faces.size(), -1);
  for (size_t f = 0; f < classes.size() && f < truth.instances.size(); ++f) {
    const auto label = capture.instances.find(truth.instances[f]);
    if (label != capture.instances.end()) classes[f] = label->second.class_id;
  }
  return classes;
}

LabelledPlaces VerticesOf(const Mesh& mesh, const std::vector<int>& face_classes) {
  std::vector<int> classes(mesh.vertices.size(), -1);
  for (size_t f = 0; f < mesh.faces.size(); ++f) {
    for (const int32_t v : mesh.faces[f]) classes[v] = face_classes[f];
  }
  LabelledPlaces places;
  for (size_t v = 0; v < classes.size(); ++v) {
    if (classes[v] >= 0) places.Add(mesh.vertices[v].cast<double>(), classes[v]);
  }
  return places;
}

// About kPoints, evenly over the area: of each face as many as its share, the rest by chance.
LabelledPlaces PointsOn(const Mesh& mesh, const std::vector<int>& face_classes) {
  LabelledPlaces places;
  Random random(kSeed);
  const double all = std::max(AreaOf(mesh), 1e-30);
  for (int f = 0; f < mesh.num_faces(); ++f) {
    const double share = 0.5 * mesh.Cross(f).norm() / all * kPoints;
    const int count = static_cast<int>(share + random.Uniform());
    const auto& [a, b, c] = mesh.faces[f];
    for (int i = 0; i < count; ++i) {
      float u = random.Uniform(), v = random.Uniform();
      if (u + v > 1) u = 1 - u, v = 1 - v;
      const Vec3f place = (1 - u - v) * mesh.vertices[a] + u * mesh.vertices[b] + v * mesh.vertices[c];
      if (face_classes[f] >= 0) places.Add(place.cast<double>(), face_classes[f]);
    }
  }
  return places;
}

class MeshScorer {
 public:
  MeshScorer(const ProtocolInputs& inputs, const Semantics3dChoices& choices, const JobControl& control)
      : run_(inputs.run),
        control_(control),
        classes_(run_, {.geometry = "run", .model = choices.model, .onnxruntime = inputs.onnxruntime},
                 control),
        to_capture_(ClassesOfCapture(classes_.classes(), *run_.capture)),
        world_from_capture_(run_.capture->capture_from_world.inverse()) {}

  ProtocolResult Score() {
    const std::filesystem::path path = TrueMeshOf(*run_.capture);
    if (!std::filesystem::exists(path)) throw InputError("{}: there is no true mesh", path.string());
    LabelledMesh truth = ReadPly(path);
    if (truth.instances.empty()) throw InputError("{}: its faces have no instances", path.string());
    truth.mesh = Transformed(truth.mesh, world_from_capture_);
    const std::vector<int> face_classes = FaceClasses(truth, *run_.capture);
    const std::vector<DepthView> views = TrueViews(truth.mesh);
    LabelRunMesh();
    ProtocolResult result{.protocol = "semantics3d", .facts = {{"model", classes_.options().model}}};
    ScorePlaces("vertices", Seen(VerticesOf(truth.mesh, face_classes), views), &result);
    ScorePlaces("points", Seen(PointsOn(truth.mesh, face_classes), views), &result);
    AddDefinitions(&result.definitions);
    return result;
  }

 private:
  double Meter() const { return world_from_capture_.topLeftCorner<3, 1>().norm(); }

  static void AddDefinitions(Json* definitions) {
    (*definitions)["vertices"] = "Vertices of the true mesh that at least one training view sees.";
    (*definitions)["points"] =
        "About 100,000 points drawn evenly over the area of the true mesh, those that at least one training "
        "view sees.";
    (*definitions)["vote_at_truth"] =
        "The mean of the probabilities of all photos that see the true place, by "
        "the run's depths.";
    (*definitions)["learned_at_truth"] =
        "The method's own vote at the true place, of methods that render classes themselves.";
    (*definitions)["run_mesh"] =
        "The same vote at the vertices of the run's mesh; a true place has the class of the nearest vertex, "
        "however far (as Atlas).";
    (*definitions)["run_mesh_within_10_cm"] =
        "The same; a true place without a vertex within 0.1 m has no class, which is wrong.";
    (*definitions)["miou"] =
        "IoU of each class over one confusion matrix, mean over the classes that occur in the truth.";
    (*definitions)["confusion"] =
        "The confusion matrix: a row a true class, a column an answer, the last column none.";
    (*definitions)["total_accuracy"] = "Share of the places whose class is right.";
    (*definitions)["average_accuracy"] = "Mean over the classes of the share of their places that is right.";
  }

  // What the training views see of the true mesh.
  std::vector<DepthView> TrueViews(const Mesh& truth) const {
    const MeshRays rays(truth);
    std::vector<DepthView> views;
    for (const int index : run_.capture->train) {
      control_.ThrowIfStopped();
      const View& view = run_.capture->views[index];
      views.push_back({.view = index,
                       .camera = view.camera,
                       .world_from_camera = view.world_from_camera,
                       .depth = Picture(truth, rays, view.camera, view.world_from_camera).depth});
    }
    return views;
  }

  LabelledPlaces Seen(const LabelledPlaces& all, const std::vector<DepthView>& views) const {
    std::vector<char> seen(all.places.size());
    ParallelChunks(static_cast<int64_t>(seen.size()), 1024, [&](int64_t begin, int64_t end, int) {
      for (int64_t p = begin; p < end; ++p) {
        seen[p] = std::any_of(views.begin(), views.end(), [&](const DepthView& view) {
          const auto at = view.Project(all.places[p]);
          if (!at) return false;
          const double truth =
              view.depth.At(static_cast<int>(at->pixel.x()), static_cast<int>(at->pixel.y()));
          return truth > 0 && std::abs(at->depth - truth) < 0.02 * Meter() + 0.01 * truth;
        });
      }
    });
    LabelledPlaces kept;
    for (size_t p = 0; p < seen.size(); ++p) {
      if (seen[p]) kept.Add(all.places[p], all.classes[p]);
    }
    return kept;
  }

  // The vertices of the run's mesh by the class that is voted there.
  void LabelRunMesh() {
    const Mesh mesh = OpenRunMesh(run_).mesh;
    std::vector<Vec3> places(mesh.vertices.size());
    for (size_t v = 0; v < places.size(); ++v) places[v] = mesh.vertices[v].cast<double>();
    const VotedClasses voted = classes_.VoteAt(places, {}, control_);
    std::vector<std::vector<Vec3f>> of_class(classes_.classes().size());
    for (size_t v = 0; v < places.size(); ++v) {
      const int id = voted.ClassOf(static_cast<int64_t>(v));
      if (id >= 0) of_class[id].push_back(mesh.vertices[v]);
    }
    for (const double reach : kReachMeters) {
      std::vector<PointGrid>& grids = vertices_.emplace_back();
      for (const std::vector<Vec3f>& points : of_class) grids.emplace_back(points, reach * Meter());
    }
  }

  // Of the nearest vertex of the run's mesh; -1: none is within the first of kReachMeters or, with `far`, the
  // last.
  int ClassOnMesh(const Vec3& place, bool far) const {
    for (size_t tier = 0; tier < (far ? vertices_.size() : 1); ++tier) {
      int best = -1;
      double nearest = kReachMeters[tier] * Meter() * (1 - 1e-9);
      for (size_t c = 0; c < vertices_[tier].size(); ++c) {
        const double distance = vertices_[tier][c].NearestWithin(place.cast<float>());
        if (distance < nearest) nearest = distance, best = static_cast<int>(c);
      }
      if (best >= 0) return best;
    }
    return -1;
  }

  void ScorePlaces(const std::string& which, const LabelledPlaces& truth, ProtocolResult* result) {
    const auto count = static_cast<int64_t>(truth.places.size());
    const VotedClasses voted = classes_.VoteAt(truth.places, {}, control_);
    std::vector<int> on_mesh(truth.places.size()), near(truth.places.size());
    ParallelChunks(count, 256, [&](int64_t begin, int64_t end, int) {
      for (int64_t p = begin; p < end; ++p) {
        on_mesh[p] = ClassOnMesh(truth.places[p], true);
        near[p] = ClassOnMesh(truth.places[p], false);
      }
    });
    const std::vector<int> learned = LearnedAt(truth.places);
    ConfusionMatrix vote(static_cast<int>(run_.capture->class_names.size())), mesh = vote, near_mesh = vote,
                                                                              own = vote;
    for (int64_t p = 0; p < count; ++p) {
      vote.Add(truth.classes[p], OfCapture(voted.ClassOf(p)));
      mesh.Add(truth.classes[p], OfCapture(on_mesh[p]));
      near_mesh.Add(truth.classes[p], OfCapture(near[p]));
      if (!learned.empty()) own.Add(truth.classes[p], learned[p]);
    }
    result->metrics[which] = {{"places", count}};
    std::vector<std::pair<const char*, const ConfusionMatrix*>> rows = {
        {"vote_at_truth", &vote}, {"run_mesh", &mesh}, {"run_mesh_within_10_cm", &near_mesh}};
    if (!learned.empty()) rows.emplace_back("learned_at_truth", &own);
    for (const auto& [key, matrix] : rows) {
      result->metrics[which][key] = ScoresJson(*matrix);
      result->metrics[which][key]["confusion"] = matrix->ToJson();
      result->text.push_back(fmt::format(
          "semantics3d: {} {} of the true mesh, {}: mIoU {:.3f}, accuracy {:.3f}, "
          "average {:.3f}",
          count, which, key, matrix->MeanIou(), matrix->TotalAccuracy(), matrix->AverageAccuracy()));
    }
  }
  // Of the capture, what a method that renders classes itself says at places; none for other methods.
  std::vector<int> LearnedAt(const std::vector<Vec3>& places) const {
    if (run_.class_renderer == nullptr) return {};
    const std::vector<int> to_capture = ClassesOfCapture(run_.class_renderer->classes(), *run_.capture);
    const size_t width = to_capture.size();
    std::vector<float> probability(places.size() * width);
    run_.class_renderer->At(places, probability, control_.stop);
    std::vector<int> ids(places.size(), -1);
    for (size_t p = 0; p < places.size(); ++p) {
      const auto begin = probability.begin() + static_cast<std::ptrdiff_t>(p * width);
      const auto best = std::max_element(begin, begin + static_cast<std::ptrdiff_t>(width));
      if (*best > 0) ids[p] = to_capture[best - begin];
    }
    return ids;
  }
  int OfCapture(int id) const { return id < 0 ? -1 : to_capture_[id]; }

  const OpenedRun& run_;
  const JobControl& control_;
  RunClasses classes_;
  const std::vector<int> to_capture_;
  const Mat4 world_from_capture_;
  std::vector<std::vector<PointGrid>> vertices_;  // [kReachMeters, classes]
};

class Semantics3dProtocol : public Protocol {
 public:
  std::string name() const override { return "semantics3d"; }
  std::string sentence() const override {
    return "what photos vote at places of the true mesh, and the labelled mesh of the run, against its "
           "classes";
  }
  ProtocolNeeds needs() const override { return {.classes = true, .mesh = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(Semantics3dChoices()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions& options,
                     const JobControl& control) const override {
    return MeshScorer(inputs, options.As<Semantics3dChoices>(), control).Score();
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakeSemantics3dProtocol() {
  return std::make_shared<Semantics3dProtocol>();
}

}  // namespace semfield
