#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/json.h"

namespace semfield {

// metrics.jsonl: one JSON object a line, {"stage": "train", "step": 500, "seconds": 12.5, ...}, in the order
// things happened. Written line by line, so that a crash loses at most the last.
class MetricsLog {
 public:
  // For appending. Cuts off a last line that a crash left unfinished.
  explicit MetricsLog(std::filesystem::path path);

  // `seconds` counts from the start of the stage, over all its resumes. `values` is an object of further
  // numbers.
  void Append(const std::string& stage, int64_t step, double seconds, const Json& values = Json::object());

  // Before resuming at `step`: removes the stage's entries beyond it, which will be made again.
  void TruncateAfter(const std::string& stage, int64_t step);

  // Seconds of the stage's last entry at or before `step`; 0 if there is none.
  double SecondsAt(const std::string& stage, int64_t step) const;

  // All entries; an unfinished last line is left out, an unreadable one elsewhere too (with a warning). A
  // missing file has none.
  static std::vector<Json> Read(const std::filesystem::path& path);

 private:
  std::filesystem::path path_;
};

}  // namespace semfield
