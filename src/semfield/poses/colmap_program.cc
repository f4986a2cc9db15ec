#include "semfield/poses/colmap_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/parallel.h"
#include "semfield/base/rate_meter.h"
#include "semfield/base/stopwatch.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr size_t kManyPhotosOfACamera = 10;
constexpr size_t kKeptOutput = 64 << 10;

const std::map<std::string, std::string> kHeadless = {{"QT_QPA_PLATFORM", "offscreen"}};

// "... label 3/50 ..." -> {3, 50}; the second is 0 when there is none. False when the label is not there.
bool NumbersAfter(std::string_view line, std::string_view label, int* first, int* second) {
  const size_t at = line.find(label);
  if (at == std::string_view::npos) return false;
  const char* end = line.data() + line.size();
  const auto one = std::from_chars(line.data() + at + label.size(), end, *first);
  if (one.ec != std::errc()) return false;
  *second = 0;
  if (one.ptr != end && *one.ptr == '/') std::from_chars(one.ptr + 1, end, *second);
  return true;
}

// Progress of one stage with the time left.
class StageProgress {
 public:
  StageProgress(const JobControl& control, std::string stage, double total)
      : control_(control), stage_(std::move(stage)), total_(total) {
    Report(0, {});
  }
  void Report(double done, const std::string& detail) {
    rate_.Update(done, stopwatch_.Seconds());
    control_.Report({.stage = stage_,
                     .done = done,
                     .total = total_,
                     .seconds_left = rate_.SecondsLeft(total_),
                     .detail = detail});
  }

 private:
  const JobControl& control_;
  std::string stage_;
  double total_;
  RateMeter rate_;
  Stopwatch stopwatch_;
};

std::string CameraModelOf(const PhotoCamera& camera, const ColmapSettings& settings) {
  if (settings.camera_model != "auto") return settings.camera_model;
  return camera.names.size() >= kManyPhotosOfACamera ? "OPENCV" : "SIMPLE_RADIAL";
}

// COLMAP's list of a camera's numbers with no distortion and the principal point in the middle.
std::string CameraParameters(const std::string& model, const PhotoCamera& camera) {
  const bool two_focal_lengths = model.rfind("OPENCV", 0) == 0 || model == "PINHOLE";
  std::string list = fmt::format("{:.3f}", camera.focal_pixels);
  if (two_focal_lengths) list += "," + list;
  list += fmt::format(",{},{}", camera.width / 2.0, camera.height / 2.0);
  const int distortion = model == "SIMPLE_RADIAL"                  ? 1
                         : model == "RADIAL"                       ? 2
                         : two_focal_lengths && model != "PINHOLE" ? 4
                                                                   : 0;
  for (int i = 0; i < distortion; ++i) list += ",0";
  return list;
}

bool HasModels(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder, error) && !fs::is_empty(folder, error);
}

// What a failing command prints, in small letters, and what to do then. The first that is found counts.
struct Sign {
  const char* text;
  const char* advice;
};

constexpr Sign kSigns[] = {
    {"no space left", "The disk is full: make room, or give an --out on another disk."},
    {"disk is full", "The disk is full: make room, or give an --out on another disk."},
    {"disk i/o error", "The disk is full or fails: make room, or give an --out on another disk."},
    {"bad_alloc", "Memory ran out: lower --max-size (say 1000), or use fewer photos."},
    {"cannot allocate memory", "Memory ran out: lower --max-size (say 1000), or use fewer photos."},
    {"database is locked", "Another program has the database open: end it and try again."},
    {"unrecognised option",
     "This version of COLMAP has other options than those known here (3.8 and its successors to 3.13 are "
     "meant): install one of these."},
    {"could not connect to display",
     "COLMAP found no display to draw on: set QT_QPA_PLATFORM=offscreen, or install a build without a "
     "window."},
    {"no images with matches",
     "No images with matches: no two photos have enough in common. Neighbouring photos must share at "
     "least half of what they show: take them with small steps to the side, sharp, and of a scene with "
     "texture (not of bare walls, glass or water)."},
    {"no good initial image pair",
     "No good initial image pair: no two photos were good enough to begin with. Usual causes and what "
     "to change: too little overlap (take more photos with smaller steps; neighbours share at least 60 "
     "% of what they show); the camera only turned on the spot (walk: each photo from another place); "
     "little texture, mirrors, glass (put patterned things into the scene, e.g. a newspaper); blurred "
     "photos (more light, or leave them out). A turntable in front of a still background needs masks "
     "(folder masks/ beside the photos). Raise --max-features (8192) and --max-size. With few photos "
     "of one camera, --camera-model SIMPLE_RADIAL has less to find."},
};

constexpr const char* kMissing =
    "colmap: not found in PATH; it recovers the poses of plain photos. Install it (Debian, Ubuntu: "
    "apt-get install colmap; macOS: brew install colmap; conda install -c conda-forge colmap), or "
    "bring photos with poses: a transforms.json of nerfstudio, an export of Polycam or Record3D, a "
    "model of COLMAP made elsewhere (docs/your-own-photos.md).";

}  // namespace

std::string ColmapAdvice(const std::string& output) {
  std::string lower = output;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Sign& sign : kSigns) {
    if (lower.find(sign.text) != std::string::npos) return sign.advice;
  }
  return {};
}

ColmapProgram::ColmapProgram(const JobControl& control) : control_(control) {
  if (FindProgram("colmap").empty()) throw Error(ErrorKind::kResource, kMissing);
  std::string help;
  const auto add = [&](std::string_view text) {
    if (help.size() < kKeptOutput) help += text;
  };
  const ProcessResult result = RunProcess({.words = {"colmap", "help"},
                                           .environment = kHeadless,
                                           .on_output = add,
                                           .on_error = add,
                                           .stop = control.stop});
  if (!result.Succeeded()) {
    throw ResourceError("colmap help: {}: the installed COLMAP does not run. It said: {}", result.Describe(),
                        help.substr(0, 500));
  }
  const size_t at = help.find("COLMAP ");
  if (at == std::string::npos) return;
  const size_t end = help.find_first_not_of("0123456789.", at + 7);
  version_ = help.substr(at + 7, std::min(end, help.size()) - at - 7);
}

std::string ColmapProgram::Option(const std::string& command, const std::vector<std::string>& names) const {
  if (help_.count(command) == 0) {
    std::string& help = help_[command];
    const auto add = [&](std::string_view text) {
      if (help.size() < kKeptOutput) help += text;
    };
    RunProcess({.words = {"colmap", command, "-h"},
                .environment = kHeadless,
                .on_output = add,
                .on_error = add,
                .stop = control_.stop});
  }
  for (const std::string& name : names) {
    if (help_[command].find("--" + name + " ") != std::string::npos) return "--" + name;
  }
  return "--" + names.back();
}

void ColmapProgram::Run(const std::string& command, std::vector<std::string> arguments, const fs::path& log,
                        const LineCallback& on_line) const {
  std::ofstream file(log, std::ios::app);
  std::string kept;  // the end of what was printed
  const auto take = [&](std::string_view line) {
    file << line << '\n';
    kept.append(line).append("\n");
    if (kept.size() > 2 * kKeptOutput) kept.erase(0, kept.size() - kKeptOutput);
    on_line(line);
  };
  LineSplitter out(take), err(take);
  arguments.insert(arguments.begin(), {"colmap", command});
  file << "$ " << fmt::format("{}", fmt::join(arguments, " ")) << '\n';
  const ProcessResult result = RunProcess({.words = arguments,
                                           .environment = kHeadless,
                                           .on_output = [&](std::string_view text) { out.Add(text); },
                                           .on_error = [&](std::string_view text) { err.Add(text); },
                                           .stop = control_.stop});
  out.Finish();
  err.Finish();
  file.flush();
  if (result.Succeeded()) return;
  std::string advice = ColmapAdvice(kept);
  if (result.signal == 9)
    advice = "Memory probably ran out: lower --max-size (say 1000), or use fewer photos.";
  const bool resource = result.signal != 0 || !result.started || advice.find("disk") != std::string::npos ||
                        advice.find("Memory") != std::string::npos;
  throw Error(resource ? ErrorKind::kResource : ErrorKind::kInput,
              fmt::format("colmap {}: {}. {}{}What it printed is in {}", command, result.Describe(), advice,
                          advice.empty() ? "" : " ", log.string()));
}

void ColmapProgram::ExtractFeatures(const ColmapFolders& folders, const std::vector<PhotoCamera>& cameras,
                                    const ColmapSettings& settings) const {
  const std::string command = "feature_extractor";
  const auto option = [&](const char* name) {
    return Option(command, {std::string("FeatureExtraction.") + name, std::string("SiftExtraction.") + name});
  };
  size_t total = 0;
  for (const PhotoCamera& camera : cameras) total += camera.names.size();
  StageProgress progress(control_, "features", static_cast<double>(total));
  const fs::path list = folders.database.parent_path() / "photos.txt";
  size_t before = 0;
  for (const PhotoCamera& camera : cameras) {
    WriteFileAtomically(list, fmt::format("{}\n", fmt::join(camera.names, "\n")));
    const std::string model = CameraModelOf(camera, settings);
    std::vector<std::string> arguments = {"--database_path",
                                          folders.database,
                                          "--image_path",
                                          folders.images,
                                          "--image_list_path",
                                          list,
                                          "--ImageReader.single_camera",
                                          "1",
                                          "--ImageReader.camera_model",
                                          model,
                                          option("use_gpu"),
                                          "0",
                                          option("num_threads"),
                                          std::to_string(NumThreads()),
                                          option("max_image_size"),
                                          std::to_string(settings.max_size)};
    const auto add = [&](const std::string& name, const std::string& value) {
      arguments.insert(arguments.end(), {name, value});
    };
    add("--SiftExtraction.max_num_features", std::to_string(settings.max_features));
    if (camera.focal_pixels > 0) add("--ImageReader.camera_params", CameraParameters(model, camera));
    if (!folders.masks.empty()) add("--ImageReader.mask_path", folders.masks);
    Run(command, arguments, folders.log, [&](std::string_view line) {
      int done = 0, of = 0;
      if (!NumbersAfter(line, "Processed file [", &done, &of)) return;
      progress.Report(static_cast<double>(before) + done,
                      fmt::format("photo {} of {}", before + done, total));
    });
    before += camera.names.size();
  }
}

void ColmapProgram::Match(const ColmapFolders& folders, int num_photos,
                          const ColmapSettings& settings) const {
  const bool exhaustive = settings.matching == "exhaustive";
  const std::string command = exhaustive ? "exhaustive_matcher" : "sequential_matcher";
  const auto option = [&](const char* name) {
    return Option(command, {std::string("FeatureMatching.") + name, std::string("SiftMatching.") + name});
  };
  std::vector<std::string> arguments = {"--database_path",     folders.database,
                                        option("use_gpu"),     "0",
                                        option("num_threads"), std::to_string(NumThreads())};
  if (exhaustive) {
    // Blocks only bound the memory; small ones make progress seen.
    arguments.insert(arguments.end(), {"--ExhaustiveMatching.block_size", num_photos > 200 ? "25" : "10"});
  } else {
    // Near photos, and others at distances that double: these close loops.
    arguments.insert(arguments.end(),
                     {"--SequentialMatching.overlap", "10", "--SequentialMatching.quadratic_overlap", "1"});
  }
  StageProgress progress(control_, "matching", 1);
  Run(command, arguments, folders.log, [&](std::string_view line) {
    int row = 0, rows = 0, column = 0, columns = 0;
    if (NumbersAfter(line, "Matching block [", &row, &rows) && rows > 0) {
      const size_t comma = line.find(", ");
      if (comma == std::string_view::npos || !NumbersAfter(line.substr(comma), ", ", &column, &columns))
        return;
      const double done = (row - 1.0) / rows + (column - 1.0) / (static_cast<double>(rows) * rows);
      progress.Report(done, fmt::format("{} pairs", num_photos * (num_photos - 1LL) / 2));
    } else if (NumbersAfter(line, "Matching image [", &row, &rows) && rows > 0) {
      progress.Report((row - 1.0) / rows, fmt::format("photo {} of {}", row, rows));
    }
  });
}

void ColmapProgram::Map(const ColmapFolders& folders, int num_photos) const {
  std::error_code error;
  fs::remove_all(folders.models, error);
  if (!error) fs::create_directories(folders.models, error);
  if (error) throw ResourceError("{}: cannot be made: {}", folders.models.string(), error.message());
  StageProgress progress(control_, "poses", num_photos);
  int most = 0;
  bool no_pair = false;
  const auto watch = [&](std::string_view line) {
    no_pair = no_pair || line.find("No good initial image pair") != std::string_view::npos;
    int image = 0, registered = 0, unused = 0;
    if (!NumbersAfter(line, "Registering image #", &image, &unused)) return;
    const size_t bracket = line.find('(');
    if (bracket == std::string_view::npos) return;
    const std::string_view rest = line.substr(bracket);
    if (!NumbersAfter(rest, "(num_reg_frames=", &registered, &unused) &&
        !NumbersAfter(rest, "(", &registered, &unused)) {
      return;
    }
    most = std::min(std::max(most, registered), num_photos);
    progress.Report(most, fmt::format("{} of {} photos have a pose", most, num_photos));
  };
  Run("mapper",
      {"--database_path", folders.database, "--image_path", folders.images, "--output_path", folders.models,
       "--Mapper.num_threads", std::to_string(NumThreads())},
      folders.log, watch);
  if (!HasModels(folders.models)) {
    throw InputError("colmap mapper: {} What it printed is in {}",
                     ColmapAdvice(no_pair ? "no good initial image pair" : "no images with matches"),
                     folders.log.string());
  }
}

}  // namespace semfield
