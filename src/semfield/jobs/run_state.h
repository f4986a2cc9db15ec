#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/json.h"

namespace semfield {

// How far a run is, told from its files alone: no photo, teacher or field is opened.
struct RunState {
  struct Stage {
    std::string name;         // "train", "imitate-sam"
    std::string method;       // empty: of an older program
    int step = 0, steps = 0;  // made, planned
    double seconds = 0;       // of all its calls
    std::optional<double> quality = {};
    std::string quality_name;  // "training PSNR", "feature error"
    uint64_t bytes = 0;        // of its checkpoint; 0: none yet
    std::string problem;       // why the checkpoint cannot be used; empty: it can
    bool first_features = false;
    bool finished() const { return bytes > 0 && problem.empty() && !first_features && step >= steps; }
  };
  struct Evaluation {
    std::string protocol;
    Json metrics = {};
    bool is_current = false;  // of the checkpoint that is there now
  };
  std::string run, version, capture;
  bool has_capture = false;  // something is where the capture was
  int train_views = 0, held_out_views = 0;
  std::vector<Stage> stages = {};
  std::vector<Evaluation> evaluations = {};
  int selections = 0, mask_files = 0;
  uint64_t bytes = 0;  // of all files
  std::string next;    // the command to go on with
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Whether a folder is a run rather than a capture.
bool IsRunFolder(const std::filesystem::path& path);
// Damaged files are told, not thrown, but for config.json.
RunState ReadRunState(const std::filesystem::path& path);

}  // namespace semfield
