#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/process.h"
#include "semfield/capture/photos.h"

namespace semfield {

// What is asked of COLMAP.
struct ColmapSettings {
  std::string matching =
      "exhaustive";  // every photo with every other; "sequential": with near ones in name order
  std::string camera_model = "auto";  // COLMAP's name; auto: OPENCV for cameras of 10 photos or more, else
                                      // SIMPLE_RADIAL, which has fewer numbers to find
  int max_size = 1600;                // longer side in pixels at which features are looked for
  int max_features = 2500;            // of a photo; the time of matching grows with their square
};

// Where COLMAP works.
struct ColmapFolders {
  std::filesystem::path images;    // photos
  std::filesystem::path masks;     // "photo.jpg.png", black: no features; empty: none
  std::filesystem::path database;  // file
  std::filesystem::path models;    // sparse models, one folder each
  std::filesystem::path log;       // file; what COLMAP prints is added
};

// The installed COLMAP, run as a program of its own on the processor. Everything between releases 3.8 and
// those that renamed the options of features (3.13) is meant: its help says which names it knows. Failures
// are Errors that say what failed, why if the output tells, what to change, and where the whole output is; a
// stop ends the program.
class ColmapProgram {
 public:
  // Looks for `colmap` in PATH. None: ResourceError that says how to get it and what to do without.
  explicit ColmapProgram(const JobControl& control);

  const std::string& version() const { return version_; }  // "3.8"; empty when it does not say

  // SIFT features of all photos into a new database; a camera of its own for each entry of `cameras`, whose
  // known focal length is where COLMAP starts from. Progress: stage "features", in photos.
  void ExtractFeatures(const ColmapFolders& folders, const std::vector<PhotoCamera>& cameras,
                       const ColmapSettings& settings) const;
  // Matches between photos, verified by geometry. What the database has already is kept, so that an
  // interrupted matching goes on. Progress: stage "matching".
  void Match(const ColmapFolders& folders, int num_photos, const ColmapSettings& settings) const;
  // Poses: writes models/0, models/1, ... Nothing written: Error with advice. Progress: stage "poses", in
  // photos.
  void Map(const ColmapFolders& folders, int num_photos) const;

 private:
  using LineCallback = std::function<void(std::string_view)>;
  void Run(const std::string& command, std::vector<std::string> arguments, const std::filesystem::path& log,
           const LineCallback& on_line) const;
  // The spelling that `command` knows of an option: the first of `names` in its help, or the last.
  std::string Option(const std::string& command, const std::vector<std::string>& names) const;

  const JobControl& control_;
  std::string version_;
  mutable std::map<std::string, std::string> help_;  // by command
};

// What to change, told from what COLMAP printed before it failed; empty when nothing known is in it.
std::string ColmapAdvice(const std::string& output);

}  // namespace semfield
