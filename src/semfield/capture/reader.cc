#include "semfield/capture/reader.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/options.h"
#include "semfield/base/text.h"
#include "semfield/capture/advice.h"
#include "semfield/capture/bounds.h"
#include "semfield/capture/photos.h"
#include "semfield/capture/readers/bundler.h"
#include "semfield/capture/readers/colmap.h"
#include "semfield/capture/readers/labelled_scenes.h"
#include "semfield/capture/readers/llff.h"
#include "semfield/capture/readers/opensfm.h"
#include "semfield/capture/readers/phone_scans.h"
#include "semfield/capture/readers/transforms.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"
#include "semfield/image/rgba.h"

namespace semfield {
namespace {

constexpr int kHoldOutEvery = 8;
constexpr size_t kMinViews = 3;

const Reader& ChooseReader(const std::filesystem::path& path, const std::string& format) {
  std::vector<std::string> known;
  std::string list;
  for (const auto& reader : Readers()) {
    if (format.empty() ? reader->Sniff(path) : reader->name() == format) return *reader;
    known.push_back(reader->name());
    list += (list.empty() ? "" : ", ") + reader->name();
  }
  if (!format.empty()) {
    const std::string nearest = NearestName(format, known);
    throw InputError("format '{}': unknown.{} Known: {}.", format,
                     nearest.empty() ? "" : fmt::format(" Did you mean '{}'?", nearest), list);
  }
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw InputError("{}: no such file or folder", path.string());
  if (const std::string unposed = DescribeUnposed(FindPhotos(path), path); !unposed.empty()) {
    throw InputError("{}. See docs/your-own-photos.md.", unposed);
  }
  throw InputError(
      "{}: not a capture in any known format ({}). Give a transforms.json, a poses_bounds.npy, a COLMAP "
      "model (sparse/0) or the folder that holds one.",
      path.string(), list);
}

// Of the picture's longer side: views of 178 and of 0.06 degrees.
constexpr double kShortestFocal = 0.01;
constexpr double kLongestFocal = 1000;

double LongerSide(const Camera& camera) {
  return std::max(camera.width, camera.height);
}

bool IsFocalLength(double pixels, const Camera& camera) {
  return pixels >= kShortestFocal * LongerSide(camera) && pixels <= kLongestFocal * LongerSide(camera);
}

void CheckViews(const Capture& capture) {
  if (capture.views.size() < kMinViews) {
    throw InputError("{}: {} views, at least {} are needed", capture.path.string(), capture.views.size(),
                     kMinViews);
  }
  std::set<std::string> names;
  for (const View& view : capture.views) {
    // JSON, reports and file names of results all take names as UTF-8.
    if (!IsUtf8(view.name)) {
      throw InputError("{}: the file name '{}' is not UTF-8. Rename the image.", capture.path.string(),
                       PrintableText(view.name));
    }
    if (!names.insert(view.name).second) {
      throw InputError("{}: view '{}' occurs twice", capture.path.string(), view.name);
    }
    if (!IsRigid(view.world_from_camera)) {
      throw InputError("{}: view '{}': its pose is no finite rigid transform", capture.path.string(),
                       view.name);
    }
    const Camera& c = view.camera;
    if (c.width < 1 || c.height < 1 || !IsFocalLength(c.fx, c) || !IsFocalLength(c.fy, c)) {
      throw InputError(
          "{}: view '{}': camera of {}x{} pixels with focal lengths {:.6g} and {:.6g}; expected {:.4g} to "
          "{:.6g} "
          "pixels, {} to {} times the longer side",
          capture.path.string(), view.name, c.width, c.height, c.fx, c.fy, kShortestFocal * LongerSide(c),
          kLongestFocal * LongerSide(c), kShortestFocal, kLongestFocal);
    }
  }
}

// Label maps must be the picture at some resolution; found out now rather than after training.
void CheckMaps(const Capture& capture) {
  std::vector<std::filesystem::path> files;
  std::vector<const View*> owners;
  for (const View& view : capture.views) {
    for (const auto* map : {&view.mask, &view.depth, &view.semantic, &view.instance}) {
      if (map->empty()) continue;
      files.push_back(*map);
      owners.push_back(&view);
    }
  }
  const std::vector<ImageInfo> infos = ReadImageInfos(files);
  for (size_t i = 0; i < files.size(); ++i) {
    const Camera& c = owners[i]->camera;
    if (!SameAspect(c.width, c.height, infos[i].width, infos[i].height)) {
      throw InputError("{}: {}x{} pixels are no scaling of the image '{}' ({}x{})", files[i].string(),
                       infos[i].width, infos[i].height, owners[i]->name, c.width, c.height);
    }
  }
}

// An alpha channel that is opaque everywhere (screenshots, some converters) says nothing about the scene.
void DropUnusedAlpha(Capture* capture) {
  constexpr int kOpaque = 250;
  std::vector<const View*> with_alpha;
  for (const View& view : capture->views) {
    if (view.has_alpha) with_alpha.push_back(&view);
  }
  if (with_alpha.empty()) return;
  for (const size_t k : {size_t{0}, with_alpha.size() / 2, with_alpha.size() - 1}) {
    if (HasTransparency(with_alpha[k]->image, kOpaque)) return;
  }
  for (View& view : capture->views) view.has_alpha = false;
}

void ApplySplit(Capture* capture) {
  if (capture->split_rule.empty()) {
    for (int i = 0; i < static_cast<int>(capture->views.size()); ++i) {
      (i % kHoldOutEvery == 0 ? capture->held_out : capture->train).push_back(i);
    }
    capture->split_rule =
        fmt::format("every {}th view in name order, from the first, is held out", kHoldOutEvery);
  }
  if (capture->train.empty()) {
    throw InputError("{}: no view is left to train on ({})", capture->path.string(), capture->split_rule);
  }
}

void LogWarnings(const Capture& capture, WarningLog how) {
  const std::string path = capture.path.string();
  const size_t count = capture.warnings.size();
  if (how == WarningLog::kEach || (how == WarningLog::kCount && count == 1)) {
    for (const std::string& warning : capture.warnings) LogWarning("{}: {}", path, warning);
  } else if (how == WarningLog::kCount && count > 1) {
    LogWarning("{}: {} warnings about this capture, see: semfield check {}", path, count, ShellQuoted(path));
  }
}

}  // namespace

const std::vector<std::unique_ptr<Reader>>& Readers() {
  static const auto* readers = [] {
    auto* list = new std::vector<std::unique_ptr<Reader>>;
    list->push_back(MakeTransformsReader());
    list->push_back(MakeLlffReader());
    list->push_back(MakeColmapReader());
    list->push_back(MakeOpenSfmReader());
    list->push_back(MakeBundlerReader());
    list->push_back(MakePolycamReader());
    list->push_back(MakeRecord3dReader());
    list->push_back(MakeScanNetReader());
    list->push_back(MakeReplicaReader());
    return list;
  }();
  return *readers;
}

Capture ReadCapture(const std::filesystem::path& path, const ReadOptions& options) {
  const Reader& reader = ChooseReader(path, options.format);
  Capture capture = reader.Read(path, options);
  capture.path = path;
  capture.format = reader.name();
  CheckViews(capture);
  CheckMaps(capture);
  DropUnusedAlpha(&capture);
  ApplySplit(&capture);
  if (capture.bounds_rule.empty()) DecideBounds(&capture);
  for (std::string& advice : AdviseOn(capture)) capture.warnings.push_back(std::move(advice));
  LogWarnings(capture, options.warnings);
  return capture;
}

}  // namespace semfield
