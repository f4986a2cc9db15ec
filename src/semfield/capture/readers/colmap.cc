#include "semfield/capture/readers/colmap.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/text.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/readers/colmap_camera.h"
#include "semfield/capture/readers/colmap_model.h"
#include "semfield/capture/readers/image_folder.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr int kMaxModels = 1000;
constexpr size_t kPointsForRange = 10;

bool IsFolder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) && !error;
}

std::vector<fs::path> FoldersIn(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (IsFolder(it->path()) && found.size() < kMaxModels) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

struct ModelPlace {
  fs::path model;    // folder of cameras and images
  fs::path capture;  // the outermost folder that images are looked for in
  int siblings = 0;  // further models beside it
};

// Empty when there is no model.
ModelPlace FindModel(const fs::path& path) {
  std::error_code error;
  fs::path start = fs::absolute(path).lexically_normal();
  if (!start.has_filename()) start = start.parent_path();
  if (!IsFolder(start)) {
    const std::string stem = start.stem().string(), extension = start.extension().string();
    if ((stem != "cameras" && stem != "images") || (extension != ".bin" && extension != ".txt")) return {};
    start = start.parent_path();
  }
  // A model's own folder: the capture is what holds sparse/0 or sparse/.
  if (IsColmapModel(start)) {
    fs::path capture = start;
    if (capture.parent_path().filename() == "sparse") capture = capture.parent_path();
    if (capture.filename() == "sparse") capture = capture.parent_path();
    if (capture.filename() == "colmap") capture = capture.parent_path();
    return {start, capture, 0};
  }
  for (const char* below : {"sparse", "colmap/sparse", "colmap", "distorted/sparse", "."}) {
    const fs::path folder = (start / below).lexically_normal();
    ModelPlace place{{}, start, -1};
    std::vector<fs::path> candidates{folder};
    for (const fs::path& inner : FoldersIn(folder)) candidates.push_back(inner);
    uint64_t most = 0;
    for (const fs::path& candidate : candidates) {
      if (!IsColmapModel(candidate)) continue;
      ++place.siblings;
      const bool outside =  // not looked into: refused if it is to be read
          LeadsOutside(start, candidate / "images.bin") || LeadsOutside(start, candidate / "images.txt");
      const uint64_t images = outside ? 0 : CountColmapImages(candidate);
      if (place.model.empty() || images > most) {
        place.model = candidate;
        most = images;
      }
    }
    if (place.model.empty()) continue;
    if (start.filename() == "sparse") place.capture = start.parent_path();
    return place;
  }
  return {};
}

fs::path FindImage(const CaptureFiles& disk, const fs::path& root, const ColmapImage& image,
                   const fs::path& model) {
  return disk.FindImage(root, image.name, fmt::format("{}: image {}", model.string(), image.id));
}

size_t CountFound(const CaptureFiles& disk, const fs::path& root, const ColmapModel& model,
                  const fs::path& folder) {
  size_t found = 0;
  for (const ColmapImage& image : model.images) found += !FindImage(disk, root, image, folder).empty();
  return found;
}

fs::path FindImageRoot(const CaptureFiles& disk, const ModelPlace& place, const ColmapModel& model) {
  std::vector<fs::path> roots{place.capture / "images", place.capture / "input", place.capture / "rgb"};
  for (const fs::path& folder : FoldersIn(place.capture)) {
    if (folder.filename().string().rfind("images_", 0) == 0) roots.push_back(folder);
  }
  for (const fs::path& folder : {place.capture, place.model / "images", place.model}) roots.push_back(folder);
  fs::path best = roots.front();
  size_t most = 0;
  for (const fs::path& root : roots) {
    if (!IsFolder(root)) continue;
    const size_t found = CountFound(disk, root, model, place.model);
    if (found > most) {
      most = found;
      best = root;
    }
    if (found == model.images.size()) break;
  }
  return best.lexically_normal();
}

std::string ModelHash(const fs::path& folder) {
  std::string hashes;
  for (const char* name : {"cameras.bin", "images.bin", "cameras.txt", "images.txt"}) {
    std::error_code error;
    if (fs::is_regular_file(folder / name, error)) hashes += Sha256File(folder / name);
  }
  return Sha256(std::as_bytes(std::span(hashes)));
}

// One view an image that exists, and what its observations need.
struct ViewSource {
  const ColmapImage* image = nullptr;
  double scale_x = 1, scale_y = 1;  // image on disk over the model's
};

class Assembler {
 public:
  Assembler(const CaptureFiles& disk, const ModelPlace& place, ColmapModel model)
      : disk_(disk), place_(place), model_(std::move(model)), root_(FindImageRoot(disk, place, model_)) {}

  Capture Assemble() {
    FindImages();
    AddViews();
    SortViews();
    AddPoints();
    AddDepthRanges();
    capture_.hash = ModelHash(place_.model);
    AttachSiblingMasks(disk_, place_.capture, root_, &capture_);
    return std::move(capture_);
  }

 private:
  void FindImages() {
    std::string first_missing;
    size_t missing = 0;
    for (const ColmapImage& image : model_.images) {
      const fs::path file = FindImage(disk_, root_, image, place_.model);
      if (file.empty()) {
        if (missing++ == 0) first_missing = PrintableText(image.name);
        continue;
      }
      sources_.push_back({&image});
      files_.push_back(file);
    }
    if (files_.size() < 3) {
      throw InputError(
          "{}: {} of the model's {} images exist under {}, at least 3 are needed{}. Names in the model are "
          "relative to "
          "images/.",
          place_.model.string(), files_.size(), model_.images.size(), root_.string(),
          missing > 0 ? fmt::format(" (not found: {})", first_missing) : "");
    }
    if (missing > 0) {
      capture_.warnings.push_back(
          fmt::format("{} of {} images of the model are missing and were skipped ({}{})", missing,
                      model_.images.size(), first_missing, missing > 1 ? ", ..." : ""));
    }
  }

  void AddViews() {
    const std::vector<ImageInfo> infos = ReadImageInfos(files_);
    std::map<uint32_t, Camera> cameras;
    for (const auto& [id, camera] : model_.cameras) {
      const std::string where = fmt::format("{}: camera {}", place_.model.string(), id);
      std::string note;
      cameras[id] = CameraFromColmap(camera, where, &note);
      if (!note.empty()) capture_.warnings.push_back(fmt::format("camera {}: {}", id, note));
    }
    size_t resized_views = 0;
    std::string example;
    for (size_t i = 0; i < files_.size(); ++i) {
      const Camera& camera = cameras.at(sources_[i].image->camera_id);
      View view;
      view.name = ViewName(place_.capture, files_[i]);
      view.image = files_[i];
      view.world_from_camera = sources_[i].image->camera_from_world.Inverse();
      bool resized = false;
      view.camera = FitCameraToImage(camera, infos[i].width, infos[i].height, files_[i].string(), &resized);
      if (resized && resized_views++ == 0) {
        example = fmt::format("{}x{} -> {}x{}", camera.width, camera.height, infos[i].width, infos[i].height);
      }
      sources_[i].scale_x = static_cast<double>(infos[i].width) / camera.width;
      sources_[i].scale_y = static_cast<double>(infos[i].height) / camera.height;
      view.has_alpha = infos[i].channels == 4 || infos[i].channels == 2;
      capture_.views.push_back(std::move(view));
    }
    if (resized_views > 0) {
      capture_.warnings.push_back(fmt::format(
          "{} of {} views: the image's size differs from the camera's ({}); intrinsics were scaled to it",
          resized_views, files_.size(), example));
    }
  }

  void SortViews() {
    std::vector<size_t> order(files_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return NaturalLess(capture_.views[a].name, capture_.views[b].name);
    });
    std::vector<View> views;
    std::vector<ViewSource> sources;
    for (const size_t i : order) {
      views.push_back(std::move(capture_.views[i]));
      sources.push_back(sources_[i]);
    }
    capture_.views = std::move(views);
    sources_ = std::move(sources);
  }

  void AddPoints() {
    std::unordered_map<uint64_t, uint32_t> index;
    for (const auto& [id, point] : model_.points) {
      index[id] = static_cast<uint32_t>(capture_.points.size());
      capture_.points.push_back({point.position, point.color, static_cast<float>(point.error)});
    }
    for (size_t v = 0; v < sources_.size(); ++v) {
      for (const ColmapKeypoint& keypoint : sources_[v].image->keypoints) {
        const auto found = index.find(keypoint.point_id);
        if (found == index.end()) continue;
        if (!std::isfinite(keypoint.x) || !std::isfinite(keypoint.y)) continue;
        capture_.observations.push_back({static_cast<uint32_t>(v), found->second,
                                         static_cast<float>(keypoint.x * sources_[v].scale_x),
                                         static_cast<float>(keypoint.y * sources_[v].scale_y)});
      }
    }
  }

  // The depths between which 98 % of a view's own points lie.
  void AddDepthRanges() {
    std::vector<std::vector<double>> depths(capture_.views.size());
    for (const Observation& seen : capture_.observations) {
      const Pose& pose = capture_.views[seen.view].world_from_camera;
      const double depth =
          (capture_.points[seen.point].position - pose.translation).dot(pose.rotation.col(2));
      if (depth > 0) depths[seen.view].push_back(depth);
    }
    for (size_t v = 0; v < depths.size(); ++v) {
      std::vector<double>& of_view = depths[v];
      if (of_view.size() < kPointsForRange) continue;
      std::sort(of_view.begin(), of_view.end());
      capture_.views[v].near_depth = of_view[of_view.size() / 100];
      capture_.views[v].far_depth = of_view[of_view.size() - 1 - of_view.size() / 100];
    }
  }

  const CaptureFiles& disk_;
  const ModelPlace& place_;
  ColmapModel model_;
  fs::path root_;
  std::vector<ViewSource> sources_;
  std::vector<fs::path> files_;
  Capture capture_;
};

class ColmapReader : public Reader {
 public:
  std::string name() const override { return "colmap"; }
  std::string description() const override {
    return "COLMAP sparse model, binary or text, in sparse/0, sparse/ or the folder itself, with images/";
  }
  bool Sniff(const fs::path& path) const override {
    try {
      return !FindModel(path).model.empty();
    } catch (...) {
      return false;
    }
  }

  Capture Read(const fs::path& path, const ReadOptions& options) const override {
    const ModelPlace place = FindModel(path);
    if (place.model.empty()) {
      throw InputError("{}: holds no COLMAP model (cameras and images, .bin or .txt, there or in sparse/0)",
                       path.string());
    }
    const CaptureFiles disk(path, place.capture, options.allow_outside);
    for (const char* name : {"cameras", "images", "points3D"}) {
      for (const char* extension : {".bin", ".txt"})
        disk.Checked(place.model / (std::string(name) + extension));
    }
    Capture capture = Assembler(disk, place, ReadColmapModel(place.model)).Assemble();
    capture.format = name();
    if (place.siblings > 0) {
      capture.warnings.insert(
          capture.warnings.begin(),
          fmt::format(
              "{} models; the one with the most images is used ({}, {} images). Photos of the others are not "
              "joined to it: take more overlapping ones.",
              place.siblings + 1, ViewName(place.capture, place.model), capture.views.size()));
    }
    return capture;
  }
};

}  // namespace

std::unique_ptr<Reader> MakeColmapReader() {
  return std::make_unique<ColmapReader>();
}

}  // namespace semfield
