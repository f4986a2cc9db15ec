#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/capture/reader.h"

namespace semfield {

struct PosesJobOptions {
  std::string photos;  // folder of photos, or a video
  std::string out;     // folder of the new capture; new, empty or an earlier one of this job
  int frames = 120;    // taken from a video
  std::string matching = "auto";
  std::string camera_model = "auto";
  int max_size = 1600;
  int max_features = 2500;
  bool restart = false;
  bool allow_outside = false;  // may photos be links that lead out of their folder?
  void Describe(OptionList& list);
};

struct PosesResult {
  std::string capture;
  bool is_video = false;
  size_t photos = 0;                      // or frames
  size_t registered = 0;                  // those with a pose
  double share = 0;                       // of them
  std::vector<std::string> unregistered;  // names
  int models = 0;                         // that COLMAP made; the largest is the capture's
  size_t points = 0;
  double reprojection_error = 0;  // pixels, mean over the points
  std::string colmap_version;
  std::vector<std::pair<std::string, double>> seconds;  // of each stage, in their order
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Recovers the poses of plain photos or of a video's sharp frames with COLMAP, an optional program, and makes
// a capture of them:
//
//   images/     the photos as they are meant to be shown (capture/photos.h), or the frames
//   masks/      where the photos have some
//   sparse/0/   COLMAP's largest model; there only when it is whole
//   poses.json  what is done: source, settings, stage, and in the end how many photos have a pose
//   colmap.log  what COLMAP printed
//
// The originals are only read. Stopped or killed, it goes on with the stage it was in when called again
// (matching where it was); when all is done, it answers at once. Photos or settings other than those of a
// finished capture: Error, unless `restart`.
PosesResult RunPoses(const PosesJobOptions& options, const JobControl& control);

// The capture to read for `path`: itself, unless it holds plain photos or a video. Then their poses are
// recovered into `run`/capture with default settings, now or earlier, and that folder is the answer. A
// `format` given says that it is a capture.
std::string CaptureWithPoses(const std::string& path, const ReadOptions& options,
                             const std::filesystem::path& run, const JobControl& control);

}  // namespace semfield
