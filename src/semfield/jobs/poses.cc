#include "semfield/jobs/poses.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "semfield/base/error.h"
#include "semfield/base/folder_lock.h"
#include "semfield/base/hash.h"
#include "semfield/base/log.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/text.h"
#include "semfield/base/version.h"
#include "semfield/base/write_guard.h"
#include "semfield/capture/photos.h"
#include "semfield/capture/reader.h"
#include "semfield/capture/readers/colmap_model.h"
#include "semfield/image/codecs.h"
#include "semfield/poses/colmap_program.h"
#include "semfield/poses/video_frames.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMinPhotos = 3;
constexpr size_t kExhaustiveUpTo = 150;  // photos; more are matched with near ones only
constexpr double kGoodShare = 0.9;       // of the photos, below which advice is given

// What is done, in this order.
enum Stage { kNothing, kTaken, kHasFeatures, kMatched, kDone };
constexpr const char* kStageNames[] = {"nothing", "photos", "features", "matching", "done"};

// Absent, or empty but for the lock of a process that was killed early.
bool IsVacant(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return true;
  if (!fs::is_directory(folder, error)) return false;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename() != ".lock") return false;
  }
  return !error;
}

bool HasReader(const fs::path& path) {
  return std::any_of(Readers().begin(), Readers().end(),
                     [&](const auto& reader) { return reader->Sniff(path); });
}

PhotoSource CheckedSource(const std::string& path) {
  if (path.empty())
    throw InputError("name a folder of photos or a video: semfield poses PHOTOS --out CAPTURE");
  std::error_code error;
  if (!fs::exists(path, error)) throw InputError("{}: no such file or folder", path);
  if (HasReader(path)) {
    throw InputError(
        "{}: has poses already; use it as it is: semfield scene {} --out RUN. To find others, give the "
        "folder of its images",
        path, path);
  }
  PhotoSource source = FindPhotos(path);
  if (source.kind == PhotoSource::Kind::kNone) {
    throw InputError("{}: neither a folder of JPEG or PNG photos without pose files, nor a video", path);
  }
  if (source.kind == PhotoSource::Kind::kPhotos) {
    if (source.names.size() < kMinPhotos) {
      throw InputError("{}: {} photos; at least {} are needed, 30 or more are good", path,
                       source.names.size(), kMinPhotos);
    }
  } else if (source.kind != PhotoSource::Kind::kVideo) {
    throw InputError("{}", DescribeUnposed(source, path));
  }
  return source;
}

// Changes when photos come, go or are replaced; not when the folder moves.
std::string Signature(const PhotoSource& source) {
  std::string text;
  const auto add = [&](const fs::path& file, const std::string& name) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    text += fmt::format("{}\n{}\n", name, error ? 0 : size);
  };
  if (source.kind == PhotoSource::Kind::kVideo) add(source.path, source.path.filename().string());
  for (const std::string& name : source.names) add(source.path / name, name);
  text += source.masks.empty() ? "" : "masks\n";
  return Sha256(std::as_bytes(std::span(text)));
}

class Recovery {
 public:
  Recovery(const PosesJobOptions& job, PhotoSource source, const JobControl& control)
      : job_(job), source_(std::move(source)), control_(control), out_(job.out) {
    work_ = out_ / "work";
    folders_ = {.images = fs::absolute(out_ / "images"),
                .masks = {},
                .database = fs::absolute(work_ / "database.db"),
                .models = fs::absolute(work_ / "models"),
                .log = fs::absolute(work_ / "colmap.log")};
    const bool video = source_.kind == PhotoSource::Kind::kVideo;
    settings_ = {{"matching", job.matching},
                 {"camera_model", job.camera_model},
                 {"max_size", job.max_size},
                 {"max_features", job.max_features}};
    if (video) settings_["frames"] = job.frames;
  }

  // Whether a finished capture of these photos is there; one of others, or a foreign folder: Error.
  bool IsDone(bool any_settings) {
    std::error_code error;
    if (!fs::exists(out_ / kPosesFile, error)) {
      if (!IsVacant(out_)) {
        throw InputError("{}: not empty, and not made by \"semfield poses\"; name a new folder with --out",
                         job_.out);
      }
      return false;
    }
    if (job_.restart) return false;
    ReadState();
    const bool same_photos = state_.value("signature", "") == Signature(source_);
    const bool same = same_photos && (any_settings || state_.value("settings", Json()) == settings_);
    if (stage_ == kDone && !fs::exists(out_ / "sparse" / "0", error)) stage_ = kNothing;
    if (stage_ != kDone && !same) stage_ = kNothing;
    if (stage_ >= kHasFeatures && stage_ != kDone && !fs::exists(folders_.database, error)) stage_ = kTaken;
    if (stage_ == kDone && !same) {
      throw InputError(
          "{}: its poses were recovered {}. Name another --out, or recover them anew with: semfield "
          "poses {} --out {} --restart",
          job_.out, same_photos ? "with other settings" : "from other photos", job_.photos, job_.out);
    }
    return stage_ == kDone;
  }

  void Recover(bool any_settings) {
    const ColmapProgram colmap(control_);
    std::error_code error;
    fs::create_directories(out_, error);
    if (error) throw ResourceError("{}: cannot be made: {}", job_.out, error.message());
    const FolderLock lock(out_);
    if (IsDone(any_settings)) return;  // another process was quicker
    if (stage_ == kNothing) StartAnew();
    if (stage_ > kNothing) LogInfo("{}: goes on after the stage \"{}\"", job_.out, kStageNames[stage_]);
    if (stage_ < kTaken) TakeIn();
    std::vector<PhotoCamera> cameras = PhotoCamerasFromJson(state_["cameras"], (out_ / kPosesFile).string());
    for (const PhotoCamera& camera : cameras) num_photos_ += camera.names.size();
    if (fs::is_directory(out_ / "masks", error)) folders_.masks = fs::absolute(out_ / "masks");
    const ColmapSettings settings{.matching = Matching(),
                                  .camera_model = job_.camera_model,
                                  .max_size = job_.max_size,
                                  .max_features = job_.max_features};
    if (stage_ < kHasFeatures) {
      fs::remove(folders_.database, error);
      Timed(kHasFeatures, [&] { colmap.ExtractFeatures(folders_, cameras, settings); });
    }
    if (stage_ < kMatched) {
      Timed(kMatched, [&] { colmap.Match(folders_, static_cast<int>(num_photos_), settings); });
    }
    const Stopwatch stopwatch;
    colmap.Map(folders_, static_cast<int>(num_photos_));
    state_["seconds"]["poses"] = stopwatch.Seconds();
    Finish(cameras, colmap.version());
  }

  // What the state holds of a finished recovery; a missing or wrong key: Json::exception.
  PosesResult Answer() const {
    const Json& kept = state_.at("result");
    PosesResult result{.capture = job_.out,
                       .is_video = source_.kind == PhotoSource::Kind::kVideo,
                       .photos = kept.at("photos").get<size_t>(),
                       .registered = kept.at("registered").get<size_t>(),
                       .share = kept.at("share").get<double>(),
                       .unregistered = kept.at("unregistered").get<std::vector<std::string>>(),
                       .models = kept.value("models", 1),
                       .points = kept.at("points").get<size_t>(),
                       .reprojection_error = kept.at("reprojection_error").get<double>(),
                       .colmap_version = kept.value("colmap_version", std::string()),
                       .seconds = {}};
    const Json seconds = state_.value("seconds", Json::object());
    for (const auto& [stage, value] : seconds.items())
      result.seconds.emplace_back(stage, value.get<double>());
    return result;
  }

 private:
  void ReadState() {
    const std::string where = (out_ / kPosesFile).string();
    state_ = ReadJsonFile(where);
    if (!state_.is_object() || !state_.contains("stage") || !state_["stage"].is_string() ||
        !state_.contains("signature") || !state_["signature"].is_string()) {
      throw InputError("{}: not written by \"semfield poses\", or damaged; name another --out", where);
    }
    const auto* end = std::end(kStageNames);
    const auto* found = std::find(std::begin(kStageNames), end, state_["stage"].get<std::string>());
    stage_ = found == end ? kNothing : static_cast<Stage>(found - std::begin(kStageNames));
    if (!state_.contains("seconds") || !state_["seconds"].is_object()) state_["seconds"] = Json::object();
    if (stage_ != kDone) return;
    try {
      Answer();
    } catch (const Json::exception&) {
      throw InputError("{}: damaged; add --restart to recover the poses anew", where);
    }
  }

  void WriteStage(Stage stage) {
    stage_ = stage;
    state_["stage"] = kStageNames[stage];
    WriteJsonFile(out_ / kPosesFile, state_);
  }

  template <class Work>
  void Timed(Stage stage, const Work& work) {
    const Stopwatch stopwatch;
    work();
    state_["seconds"][kStageNames[stage]] = stopwatch.Seconds();
    WriteStage(stage);
  }

  void StartAnew() {
    std::error_code error;
    const std::string source = fs::absolute(job_.photos).lexically_normal().string();
    state_ = {{"semfield_version", Version()},
              {"source", IsUtf8(source) ? source : PrintableText(source)},
              {"signature", Signature(source_)},
              {"settings", settings_},
              {"seconds", Json::object()}};
    WriteStage(kNothing);  // before anything is removed: what is there no longer counts
    for (const fs::path& old : {out_ / "sparse", work_}) fs::remove_all(old, error);
    fs::create_directories(work_, error);
    if (error) throw ResourceError("{}: cannot be made: {}", work_.string(), error.message());
  }

  void TakeIn() {
    Timed(kTaken, [&] {
      if (source_.kind == PhotoSource::Kind::kVideo) {
        TakeInVideo();
        return;
      }
      const PhotoIntake intake = TakeInPhotos(source_, out_, job_.allow_outside, control_);
      CheckEnough(intake);
      for (const std::string& warning : intake.warnings) LogWarning("{}", warning);
      if (intake.num_turned > 0)
        LogInfo("{} photos lie or are mirrored: upright copies are used", intake.num_turned);
      state_["cameras"] = ToJson(intake.cameras);
      state_["masks"] = intake.num_masks;
    });
  }

  // COLMAP would be run on nothing, and say so in its own way.
  void CheckEnough(const PhotoIntake& intake) const {
    size_t usable = 0;
    for (const PhotoCamera& camera : intake.cameras) usable += camera.names.size();
    if (usable >= kMinPhotos) return;
    throw InputError("{}: {} photos, of which {} can be read; at least {} are needed. {}", job_.photos,
                     source_.names.size(), usable == 0 ? "none" : fmt::format("{}", usable), kMinPhotos,
                     intake.warnings.empty() ? "Take more photos." : intake.warnings.front());
  }

  void TakeInVideo() {
    const std::vector<std::string> names = TakeFrames(source_.path, folders_.images, job_.frames, control_);
    if (names.size() < kMinPhotos) {
      throw InputError("{}: {} frames; at least {} are needed", job_.photos, names.size(), kMinPhotos);
    }
    const ImageInfo info = ReadImageInfo(folders_.images / names[0]);
    state_["cameras"] = ToJson({{.width = info.width, .height = info.height, .names = names}});
  }

  std::string Matching() const {
    if (job_.matching != "auto") return job_.matching;
    const bool near_suffices = source_.kind == PhotoSource::Kind::kVideo || num_photos_ > kExhaustiveUpTo;
    return near_suffices ? "sequential" : "exhaustive";
  }

  // The largest model becomes the capture's, by one rename.
  void Finish(const std::vector<PhotoCamera>& cameras, const std::string& colmap_version) {
    fs::path best;
    uint64_t most = 0;
    int models = 0;
    std::set<fs::path> sorted;
    for (const auto& entry : fs::directory_iterator(folders_.models)) sorted.insert(entry.path());
    for (const fs::path& model : sorted) {
      if (!IsColmapModel(model)) continue;
      ++models;
      if (const uint64_t images = CountColmapImages(model); images > most) {
        most = images;
        best = model;
      }
    }
    if (most < kMinPhotos) {
      throw InputError("{}: COLMAP found poses for {} photos only. {} What it printed is in {}", job_.photos,
                       most, ColmapAdvice("no good initial image pair"), folders_.log.string());
    }
    const ColmapModel model = ReadColmapModel(best);
    std::set<std::string> registered;
    for (const ColmapImage& image : model.images) registered.insert(image.name);
    Json unregistered = Json::array();
    for (const PhotoCamera& camera : cameras) {
      for (const std::string& name : camera.names) {
        if (registered.count(name) == 0) unregistered.push_back(name);
      }
    }
    std::sort(unregistered.begin(), unregistered.end());
    double error_sum = 0;
    for (const auto& [id, point] : model.points) error_sum += std::max(0.0, point.error);
    state_["result"] = {
        {"photos", num_photos_},
        {"registered", model.images.size()},
        {"share", static_cast<double>(model.images.size()) / static_cast<double>(num_photos_)},
        {"unregistered", unregistered},
        {"models", models},
        {"points", model.points.size()},
        {"reprojection_error", error_sum / std::max<size_t>(1, model.points.size())},
        {"colmap_version", colmap_version}};
    PutInPlace(best);
    Advise();
  }

  void PutInPlace(const fs::path& model) {
    std::error_code error;
    fs::remove_all(out_ / "sparse", error);
    fs::create_directories(out_ / "sparse", error);
    if (!error) fs::rename(model, out_ / "sparse" / "0", error);
    if (error) throw ResourceError("{}: cannot be written: {}", (out_ / "sparse").string(), error.message());
    WriteStage(kDone);
    fs::rename(folders_.log, out_ / "colmap.log", error);
    fs::remove_all(work_, error);
  }

  void Advise() const {
    const Json& result = state_["result"];
    if (result["models"].get<int>() > 1) {
      LogWarning(
          "{}: COLMAP made {} models that do not hang together; the largest is taken. Photos that join "
          "them (of the places between, from half-way) bring the others in",
          job_.out, result["models"].get<int>());
    }
    if (result["share"].get<double>() < kGoodShare) {
      LogWarning(
          "{}: {} of {} photos have no pose and are not used. What helps: more photos with smaller "
          "steps, sharp ones, no bare walls; {}--max-features {}",
          job_.out, result["unregistered"].size(), result["photos"].get<size_t>(),
          Matching() == "sequential" ? "--matching exhaustive; " : "", 2 * job_.max_features);
    }
  }

  const PosesJobOptions& job_;
  PhotoSource source_;
  const JobControl& control_;
  fs::path out_, work_;
  ColmapFolders folders_;
  Json settings_, state_;
  Stage stage_ = kNothing;
  size_t num_photos_ = 0;
};

}  // namespace

void PosesJobOptions::Describe(OptionList& list) {
  list.Text("photos", &photos, "Folder of JPEG or PNG photos, or a video.");
  list.Text("out", &out, "Folder of the new capture.");
  list.Group("How");
  list.Int("frames", &frames, "Sharp frames to take from a video.", {.min = 3, .max = 10000});
  list.Text(
      "matching", &matching,
      "Which photos are compared: all with all, or near ones in name order; auto: all up to 150 photos, "
      "near ones of more and of videos.",
      {.choices = {"auto", "exhaustive", "sequential"}});
  list.Text("camera-model", &camera_model,
            "Lens that is fitted; auto: OPENCV for 10 photos of a camera or more, else SIMPLE_RADIAL.",
            {.choices = {"auto", "SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV",
                         "OPENCV_FISHEYE"}});
  list.Int("max-size", &max_size, "Longer side in pixels at which features are looked for.",
           {.min = 100, .max = 20000});
  list.Int("max-features", &max_features,
           "Features of a photo at most. More features find more poses, and time grows with their square.",
           {.min = 100, .max = 100000});
  list.Flag("allow-outside", &allow_outside, "Use photos that are links to files outside their folder.");
  list.Flag("restart", &restart, "Recover anew over what is there.");
}

std::vector<std::string> PosesResult::Text() const {
  constexpr size_t kShown = 5;
  std::vector<std::string> text = {fmt::format(
      "{}: {} of {} {} have a pose ({:.0f} %), {} points, {:.2f} px off on average", capture, registered,
      photos, is_video ? "frames" : "photos", 100 * share, points, reprojection_error)};
  std::string names;
  for (size_t i = 0; i < std::min(unregistered.size(), kShown); ++i)
    names += (i > 0 ? ", " : "") + PrintableText(unregistered[i]);
  if (!unregistered.empty())
    text.push_back(fmt::format("without: {}{}", names, unregistered.size() > kShown ? ", ..." : ""));
  text.push_back(fmt::format("next: semfield scene {} --out RUN", ShellQuoted(capture)));
  return text;
}

Json PosesResult::ToJson() const {
  Json json = {{"photos", photos},
               {"registered", registered},
               {"share", share},
               {"unregistered", unregistered},
               {"models", models},
               {"points", points},
               {"reprojection_error", reprojection_error},
               {"colmap_version", colmap_version},
               {"capture", capture},
               {"seconds", Json::object()}};
  for (const auto& [stage, value] : seconds) json["seconds"][stage] = value;
  return json;
}

PosesResult RunPoses(const PosesJobOptions& job, const JobControl& control) {
  if (job.out.empty())
    throw InputError("--out is missing: name the capture to make, e.g. --out captures/room");
  Recovery recovery(job, CheckedSource(job.photos), control);
  if (!recovery.IsDone(/*any_settings=*/false)) recovery.Recover(/*any_settings=*/false);
  return recovery.Answer();
}

std::string CaptureWithPoses(const std::string& path, const ReadOptions& options, const fs::path& run,
                             const JobControl& control) {
  if (!options.format.empty() || path.empty() || HasReader(path)) return path;
  const PhotoSource::Kind kind = FindPhotos(path).kind;
  if (kind != PhotoSource::Kind::kPhotos && kind != PhotoSource::Kind::kVideo) return path;
  PosesJobOptions job;
  job.photos = path;
  job.allow_outside = options.allow_outside;
  job.out = (run / "capture").string();
  KeepWritesInside(run);
  CheckWriteStaysInside(run / "capture" / kPosesFile);
  Recovery recovery(job, CheckedSource(path), control);
  if (!recovery.IsDone(/*any_settings=*/true)) {
    LogInfo("{}: no poses; they are recovered once into {}", path, job.out);
    recovery.Recover(/*any_settings=*/true);
  }
  LogInfo("{}", recovery.Answer().Text().front());
  return job.out;
}

}  // namespace semfield
