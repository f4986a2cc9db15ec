#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/random.h"
#include "semfield/methods/many_scenes.h"
#include "semfield/scenes/scene_views.h"
#include "semfield/scenes/training/read_ahead.h"

namespace semfield {

struct SceneReaderOptions {
  std::string words_model;  // who says the classes of source views; empty: nobody
  // That the model knows, where nobody says them; empty: those of the first scene.
  std::vector<std::string> classes = {};
  int sources = 8;  // of a target
  int rays = 384;   // of a target
  int seed = 1;
  int rank = 0;  // of several processes, each of which draws its own targets
  // Pixels a side of the cells of a target, in each of which lies at most one ray; with what else a network
  // needs that reads whole maps. 0: rays through any pixels.
  int cell = 0;
  bool instances = false;  // labels are the numbers of things, not of classes
};

// A target view of one scene, source views around it, and what some of its rays are to show.
struct SceneBatch {
  const SceneViews* scene = nullptr;
  nn::ViewCameras cameras;                   // of the sources
  torch::Tensor rgb, classes;                // of the sources: [V, 3, H, W], [V, C, h, w]
  SceneViews::Rays rays;                     // through the target, in units
  torch::Tensor true_rgb;                    // [R, 3]
  torch::Tensor true_class;                  // [R] int64 of the model's classes (or of things), -1: none
  torch::Tensor true_distance;               // [R] along the ray in units, 0: unknown
  torch::Tensor coarse_jitter, fine_jitter;  // [R, 1] in [0, 1)

  // With cells, [h, w] of them over a picture:
  torch::Tensor target_rgb;     // [1, 3, H, W]
  torch::Tensor cells;          // [R] int64 of each ray, row by row
  torch::Tensor at;             // [R, 2] of each ray over the target's picture, 0 to 1
  torch::Tensor target_labels;  // [1, h, w] int64 as true_class, at the middle of the cells
  torch::Tensor source_labels;  // [V, h, w]
};

// Batches of many scenes, each a function of seed, step and rank alone; the next one is read while the last
// is worked on. A frame that cannot be read is skipped, counted and named in a warning.
class SceneReader {
 public:
  // No scene with labels, or classes that the model does not know: InputError.
  SceneReader(ManyScenesInputs inputs, const SceneReaderOptions& options);
  ~SceneReader();

  SceneBatch Next(int step);  // steps that follow each other are read ahead
  int skipped() const { return skipped_; }
  const std::vector<std::string>& classes() const { return classes_; }

 private:
  SceneBatch Make(int step);
  SceneBatch Draw(Random* random);
  void DrawRays(size_t scene, int view, Random* random, SceneBatch* batch) const;
  // At the original size by the ids of the model; none: 65535. Nothing: the view has no labels.
  ImageU16 LabelsOf(size_t scene, int view) const;
  torch::Tensor LabelMap(size_t scene, int view, int64_t height, int64_t width) const;
  void AddMaps(size_t scene, int target, const std::vector<int>& sources, SceneBatch* batch) const;

  const ManyScenesInputs inputs_;
  const SceneReaderOptions options_;
  std::vector<std::unique_ptr<SceneViews>> scenes_;
  std::vector<std::vector<int>> class_of_;  // [scenes][classes of the capture] of the model's, -1: none
  std::vector<std::string> classes_;
  std::atomic<int> skipped_{0};

  ReadAhead<SceneBatch> ahead_;  // last: it reads through all of the above
};

}  // namespace semfield
