#include "semfield/capture/readers/transforms.h"

#include <Eigen/LU>
#include <algorithm>
#include <list>
#include <set>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/capture/bounds.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/readers/labels.h"
#include "semfield/capture/readers/transforms_camera.h"
#include "semfield/capture/readers/transforms_frames.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFileBytes = size_t{512} << 20;

struct PoseFile {
  fs::path path;
  FrameSplit split;
};

// Empty when the path holds none.
std::vector<PoseFile> FindPoseFiles(const fs::path& path) {
  fs::path folder = path;
  if (IsFile(path)) {
    if (path.filename() != "transforms_train.json") return {{path, FrameSplit::kTrain}};
    folder = path.parent_path();
  } else if (IsFile(folder / "transforms.json")) {
    return {{folder / "transforms.json", FrameSplit::kTrain}};
  }
  if (!IsFile(folder / "transforms_train.json")) return {};
  std::vector<PoseFile> files{{folder / "transforms_train.json", FrameSplit::kTrain}};
  if (IsFile(folder / "transforms_val.json"))
    files.push_back({folder / "transforms_val.json", FrameSplit::kVal});
  if (IsFile(folder / "transforms_test.json"))
    files.push_back({folder / "transforms_test.json", FrameSplit::kTest});
  return files;
}

void AddCameras(const std::vector<TransformsFrame>& frames, Capture* capture) {
  std::vector<fs::path> images;
  for (const TransformsFrame& frame : frames) images.push_back(frame.view.image);
  const std::vector<ImageInfo> infos = ReadImageInfos(images);
  CameraNotes notes;
  for (size_t i = 0; i < frames.size(); ++i) {
    View view = frames[i].view;
    view.camera = ReadTransformsCamera(frames[i].file, frames[i].fields, infos[i], &notes);
    view.has_alpha = infos[i].channels == 4 || infos[i].channels == 2;
    capture->views.push_back(std::move(view));
  }
  const auto warn = [&](int count, const std::string& text) {
    if (count > 0) capture->warnings.push_back(fmt::format("{} of {} views: {}", count, frames.size(), text));
  };
  warn(notes.resized,
       fmt::format("the image's size differs from the camera's ({}); intrinsics were scaled to it",
                   notes.resized_example));
  warn(notes.negative_angle, "negative field of view, its absolute value was used; are the images mirrored?");
  warn(notes.dropped_tangential, "p1 and p2 do not exist for fisheye cameras and were ignored");
  warn(notes.pinhole_distorted,
       "camera_model says PINHOLE but distortion is given, and is used; are the images undistorted already?");
}

// {"train_filenames": [...], "test_filenames": [...], "val_filenames": [...]} of nerfstudio.
std::set<std::string> ListedNames(const JsonFields& file, const std::string& key, const CaptureFiles& disk) {
  std::set<std::string> names;
  const Json* list = file.Find(key);
  if (list == nullptr) return names;
  if (!list->is_array()) throw InputError("{}: expected a list, got {}", file.Where(key), JsonExcerpt(*list));
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string where = file.Where(fmt::format("{}[{}]", key, i));
    const fs::path image = disk.FindImage(disk.folder(), JsonText((*list)[i], where), where);
    if (!image.empty()) names.insert(ViewName(disk.folder(), image));
  }
  return names;
}

void SplitByLists(const JsonFields& file, const CaptureFiles& disk, std::vector<TransformsFrame>* frames) {
  const std::set<std::string> test = ListedNames(file, "test_filenames", disk);
  const std::set<std::string> val = ListedNames(file, "val_filenames", disk);
  for (TransformsFrame& frame : *frames) {
    if (val.count(frame.view.name)) frame.split = FrameSplit::kVal;
    if (test.count(frame.view.name)) frame.split = FrameSplit::kTest;
  }
}

// The capture's own split, if it has one: test frames are held out, val frames are unless there are test
// frames; in that case they belong to neither.
void ApplyOwnSplit(const std::vector<TransformsFrame>& frames, const std::string& source, Capture* capture) {
  const auto has = [&](FrameSplit split) {
    return std::any_of(frames.begin(), frames.end(),
                       [&](const TransformsFrame& f) { return f.split == split; });
  };
  const bool has_test = has(FrameSplit::kTest), has_val = has(FrameSplit::kVal);
  if (!has_test && !has_val) return;
  const FrameSplit held_out = has_test ? FrameSplit::kTest : FrameSplit::kVal;
  for (size_t i = 0; i < frames.size(); ++i) {
    if (frames[i].split == FrameSplit::kTrain) capture->train.push_back(static_cast<int>(i));
    if (frames[i].split == held_out) capture->held_out.push_back(static_cast<int>(i));
  }
  capture->split_rule = fmt::format("the capture's own {} views ({})", has_test ? "test" : "val", source);
  if (has_test && has_val) capture->split_rule += "; its val views are neither trained on nor held out";
}

// p_file = applied_scale * (applied_transform * p_original): nerfstudio keeps both so that it can be undone.
void ReadAppliedTransform(const JsonFields& file, Capture* capture) {
  Mat4 file_from_original = Mat4::Identity();
  if (const Json* value = file.Find("applied_transform")) {
    file_from_original = JsonMatrix(*value, file.Where("applied_transform"), true);
    if (!(std::abs(file_from_original.topLeftCorner<3, 3>().determinant()) > 1e-18)) {
      throw InputError("{}: is singular, so it cannot be undone for exports",
                       file.Where("applied_transform"));
    }
  }
  if (const auto scale = file.Number("applied_scale", 1e-9, 1e9)) file_from_original.topRows<3>() *= *scale;
  if (!file_from_original.isIdentity(0)) capture->capture_from_world = file_from_original.inverse();
}

void ReadAabb(const JsonFields& file, Capture* capture) {
  const Json* value = file.Find("aabb");
  if (value == nullptr) return;
  const std::string where = file.Where("aabb");
  Vec3 corners[2];
  if (!value->is_array() || value->size() != 2) {
    throw InputError("{}: expected [[min x, y, z], [max x, y, z]], got {}", where, JsonExcerpt(*value));
  }
  for (int k = 0; k < 2; ++k) {
    const Json& corner = (*value)[k];
    if (!corner.is_array() || corner.size() != 3) {
      throw InputError("{}[{}]: expected 3 numbers, got {}", where, k, JsonExcerpt(corner));
    }
    for (int axis = 0; axis < 3; ++axis) {
      corners[k][axis] = JsonNumber(corner[axis], fmt::format("{}[{}][{}]", where, k, axis), -1e9, 1e9);
    }
  }
  if (!((corners[1] - corners[0]).minCoeff() > 0)) {
    throw InputError("{}: min must be below max on every axis, got {}", where, JsonExcerpt(*value));
  }
  capture->extent = SceneExtent::kBounded;
  capture->bounds = {corners[0], corners[1]};
  capture->bounds_rule = "aabb of the pose file";
}

void WarnOfBlur(const std::vector<TransformsFrame>& frames, Capture* capture) {
  std::vector<double> sharpness;
  for (const TransformsFrame& frame : frames) {
    if (frame.sharpness >= 0) sharpness.push_back(frame.sharpness);
  }
  if (sharpness.size() < 8) return;
  std::nth_element(sharpness.begin(), sharpness.begin() + sharpness.size() / 2, sharpness.end());
  const double median = sharpness[sharpness.size() / 2];
  std::vector<std::string> blurred;
  for (const TransformsFrame& frame : frames) {
    if (frame.sharpness >= 0 && frame.sharpness < 0.35 * median) blurred.push_back(frame.view.name);
  }
  if (blurred.empty()) return;
  capture->warnings.push_back(
      fmt::format("{} views are much less sharp than the others ({}{}); blurred photos cost detail, "
                  "remove them if the scene is covered without",
                  blurred.size(), blurred.front(), blurred.size() > 1 ? ", ..." : ""));
}

class TransformsReader : public Reader {
 public:
  std::string name() const override { return "transforms"; }
  std::string description() const override {
    return "transforms.json of instant-ngp, nerfstudio and Blender (transforms_train.json and its siblings)";
  }

  bool Sniff(const fs::path& path) const override {
    try {
      const std::vector<PoseFile> files = FindPoseFiles(path);
      if (files.empty()) return false;
      const std::string extension = files.front().path.extension().string();
      if (extension != ".json" && extension != ".JSON") return false;
      if (!IsFile(path) && LeadsOutside(path, files.front().path)) return true;  // refused when it is read
      const std::string text = ReadTextFile(files.front().path, kMaxFileBytes);
      const size_t first = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
      if (first == std::string::npos || text[first] != '{') return false;
      // A folder's file of that name is meant, however damaged; any other JSON must look like one.
      return !IsFile(path) || text.find("\"frames\"") != std::string::npos;
    } catch (...) {
      return false;
    }
  }

  Capture Read(const fs::path& path, const ReadOptions& options) const override {
    const std::vector<PoseFile> files = FindPoseFiles(path);
    if (files.empty()) {
      throw InputError("{}: holds neither transforms.json nor transforms_train.json", path.string());
    }
    const fs::path folder = fs::absolute(files.front().path).parent_path();
    Capture capture;
    capture.format = name();
    const CaptureFiles disk(path, folder, options.allow_outside);
    FrameCollector collector(disk);
    std::list<Json> documents;
    std::list<JsonFields> roots;
    std::string text;
    for (const PoseFile& file : files) {
      const std::string content = ReadTextFile(disk.Checked(file.path), kMaxFileBytes);
      text += content;
      documents.push_back(ParseJson(content, file.path.string()));
      roots.emplace_back(documents.back(), file.path.string() + ": ");
      collector.Add(roots.back(), file.split);
    }
    capture.hash = Sha256(std::as_bytes(std::span(text)));
    const JsonFields& root = roots.front();
    std::vector<TransformsFrame> frames = collector.Finish(&capture.warnings);
    if (files.size() == 1) SplitByLists(root, disk, &frames);
    AddCameras(frames, &capture);
    ApplyOwnSplit(frames,
                  files.size() > 1 ? files.back().path.filename().string() : "listed in the pose file",
                  &capture);
    ReadAppliedTransform(root, &capture);
    capture.depth_unit = root.Number("depth_unit_m", 1e-9, 1e6).value_or(capture.depth_unit);
    ReadAabb(root, &capture);
    if (disk.Has(folder / "labels.json")) ReadLabels(folder / "labels.json", &capture);
    WarnOfBlur(frames, &capture);
    // instant-ngp's aabb_scale says how far the background reaches, so there is one.
    const bool has_depth =
        std::any_of(frames.begin(), frames.end(), [](const auto& f) { return !f.view.depth.empty(); });
    if (capture.bounds_rule.empty() && root.Number("aabb_scale", 0, 1e6) && !has_depth &&
        !capture.HasAlpha()) {
      DecideUnboundedBounds(&capture);
    }
    return capture;
  }
};

}  // namespace

std::unique_ptr<Reader> MakeTransformsReader() {
  return std::make_unique<TransformsReader>();
}

}  // namespace semfield
