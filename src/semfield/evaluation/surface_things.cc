#include "semfield/evaluation/surface_things.h"

#include <map>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/evaluation/surface_score.h"
#include "semfield/objects/selection_store.h"
#include "semfield/objects/thing_mesh.h"
#include "semfield/surface/run_surface.h"

namespace semfield {
namespace {

constexpr int kSamples = 30000;

std::map<int, Mesh> Instances(const LabelledMesh& truth) {
  std::map<int, std::vector<char>> keep;
  for (size_t f = 0; f < truth.instances.size(); ++f) {
    auto [at, is_new] = keep.try_emplace(truth.instances[f]);
    if (is_new) at->second.assign(truth.instances.size(), 0);
    at->second[f] = 1;
  }
  std::map<int, Mesh> instances;
  for (const auto& [id, faces] : keep) instances[id] = Submesh(truth.mesh, faces);
  return instances;
}

bool Overlap(const Box3& a, const Box3& b) {
  return (a.min.array() <= b.max.array()).all() && (b.min.array() <= a.max.array()).all();
}

ThingSurface BestFit(const std::string& name, const Mesh& thing, const std::map<int, Mesh>& instances,
                     std::span<const DepthView> views, double centimeter) {
  ThingSurface best{.selection = name};
  for (const auto& [id, mesh] : instances) {
    if (!Overlap(BoundsOf(thing), BoundsOf(mesh))) continue;
    const SurfaceScore score = ScoreSurface(thing, mesh, views, {5 * centimeter}, centimeter, kSamples);
    if (score.f[0] <= best.f) continue;
    best.instance = id;
    best.precision = score.precision[0];
    best.recall = score.recall[0];
    best.f = score.f[0];
  }
  return best;
}

}  // namespace

std::vector<ThingSurface> ScoreThings(const OpenedRun& run, const RunMesh& fine, const LabelledMesh& truth,
                                      std::span<const DepthView> views, double centimeter,
                                      const JobControl& control) {
  const SurfaceMap map = SurfaceOfRun(run, control);
  const SelectionStore store(run.folder.selections_dir(), SurfaceName(run, map));
  std::vector<std::string> names;
  std::vector<std::vector<float>> weights;
  for (const SelectionStore::Entry& entry : store.List()) {
    try {
      weights.push_back(VertexWeights(fine.mesh, map, store.Load(entry.name)));
      names.push_back(entry.name);
    } catch (const Error& error) {
      LogWarning("{}: it is not scored", error.what());
    }
  }
  const std::vector<int> owners = OwnersOfFaces(fine.mesh, weights);
  const std::map<int, Mesh> instances = Instances(truth);
  std::vector<ThingSurface> things;
  for (size_t s = 0; s < names.size(); ++s) {
    control.ThrowIfStopped();
    const Mesh thing = ThingMesh(fine.mesh, owners, static_cast<int>(s));
    if (thing.faces.empty()) continue;
    things.push_back(BestFit(names[s], thing, instances, views, centimeter));
    const auto label = run.capture->instances.find(things.back().instance);
    if (label != run.capture->instances.end()) things.back().label = label->second.name;
    control.Report({.stage = "score things",
                    .done = static_cast<double>(s + 1),
                    .total = static_cast<double>(names.size()),
                    .detail = names[s]});
  }
  return things;
}

}  // namespace semfield
