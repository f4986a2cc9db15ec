#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "semfield/capture/capture.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/readers/json_fields.h"

namespace semfield {

enum class FrameSplit { kTrain, kVal, kTest };

// One entry of a "frames" list whose image exists.
struct TransformsFrame {
  View view;  // camera and has_alpha are not set yet
  JsonFields fields;
  JsonFields file;
  FrameSplit split = FrameSplit::kTrain;
  double sharpness = -1;  // < 0: not given
};

// Collects the frames of one or more transforms files: finds the images, checks the poses, refuses
// duplicates.
class FrameCollector {
 public:
  // `disk` must outlive the collector.
  explicit FrameCollector(const CaptureFiles& disk) : disk_(disk) {}

  // `file` (and the JSON behind it) must outlive the collector.
  void Add(const JsonFields& file, FrameSplit split);
  // Undoes a scale that all poses share, converts the axes, sorts by name and says what was missing. Error
  // when fewer than 3 images exist. Call once, after the last Add.
  std::vector<TransformsFrame> Finish(std::vector<std::string>* warnings);

 private:
  void AddFrame(const Json& value, const JsonFields& file, const std::string& label, FrameSplit split);
  std::filesystem::path FindExtra(const JsonFields& frame, const std::string& key);
  void NormalizeScale(std::vector<std::string>* warnings);

  const CaptureFiles& disk_;
  std::vector<TransformsFrame> frames_;
  int listed_ = 0;
  std::vector<std::string> missing_;
  std::vector<std::string> missing_extras_;
};

}  // namespace semfield
