#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/readers/json_fields.h"
#include "semfield/capture/readers/labelled_scenes.h"
#include "semfield/capture/readers/listed_views.h"
#include "semfield/capture/readers/number_rows.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFrames = 1'000'000;
constexpr size_t kMaxInfoBytes = size_t{64} << 20;
constexpr size_t kTrainEvery = 5, kHeldOutAfter = 2;  // Semantic-NeRF's frames
constexpr double kRigidTolerance = 5e-3;
constexpr uint16_t kNoLabel = 65535;
constexpr int kMostClasses = 1000, kReplicaClasses = 102;

class ReplicaReader : public Reader {
 public:
  std::string name() const override { return "replica"; }
  std::string description() const override {
    return "a scene of Replica as Semantic-NeRF publishes it: rgb/ and traj_w_c.txt";
  }
  bool Sniff(const fs::path& path) const override {
    const fs::path folder = Sequence(path);
    std::error_code error;
    return IsFile(folder / "traj_w_c.txt") && fs::is_directory(folder / "rgb", error);
  }

  Capture Read(const fs::path& path, const ReadOptions& options) const override {
    const fs::path folder = fs::absolute(path).lexically_normal(), sequence = Sequence(folder);
    const CaptureFiles disk(path, folder, options.allow_outside);
    const fs::path file = disk.Checked(sequence / "traj_w_c.txt");
    const std::vector<double> rows = ReadNumberRows(file, 0, 16, /*allow_not_finite=*/false);
    const size_t frames = rows.size() / 16;
    if (frames > kMaxFrames) throw InputError("{}: more than {} frames", file.string(), kMaxFrames);
    Capture capture;
    capture.format = name();
    capture.hash = Sha256File(file);
    size_t listed = 0;
    std::vector<std::string> held_out;
    for (size_t i = 0; i < frames; ++i) {
      if (i % kTrainEvery != 0 && i % kTrainEvery != kHeldOutAfter) continue;
      ++listed;
      View view;
      view.image = disk.FindImage(sequence / "rgb", fmt::format("rgb_{}", i), file.string());
      if (view.image.empty()) continue;
      view.name = ViewName(folder, view.image);
      view.world_from_camera =
          PoseOf(std::span(rows).subspan(16 * i, 16), fmt::format("{}: line {}", file.string(), i + 1));
      view.camera = CameraFor(view.image);
      AddMaps(disk, sequence, i, &view);
      if (i % kTrainEvery == kHeldOutAfter) held_out.push_back(view.name);
      capture.views.push_back(std::move(view));
    }
    FinishListedViews(listed, file.string(), &capture);
    Split(held_out, &capture);
    ReadClasses(disk, sequence, &capture);
    return capture;
  }

 private:
  static fs::path Sequence(const fs::path& path) {
    return IsFile(path / "traj_w_c.txt") ? path : path / "Sequence_1";
  }

  static Pose PoseOf(std::span<const double> m, const std::string& where) {
    Pose pose;
    for (int r = 0; r < 3; ++r) {
      for (int c = 0; c < 3; ++c) pose.rotation(r, c) = m[4 * r + c];
      pose.translation[r] = m[4 * r + 3];
    }
    if (!IsRigid(pose, kRigidTolerance)) throw InputError("{}: is no rotation and position", where);
    pose.rotation = NearestRotation(pose.rotation);
    return pose;
  }

  // 90 degrees across, square pixels, the middle of the picture.
  static Camera CameraFor(const fs::path& image) {
    const ImageInfo info = ReadImageInfo(image);
    return {.width = info.width,
            .height = info.height,
            .fx = 0.5 * info.width,
            .fy = 0.5 * info.width,
            .cx = 0.5 * info.width,
            .cy = 0.5 * info.height};
  }

  static void AddMaps(const CaptureFiles& disk, const fs::path& sequence, size_t frame, View* view) {
    const auto find = [&](const char* kind, fs::path* map) {
      const fs::path file = sequence / kind / fmt::format("{}_{}.png", kind, frame);
      if (disk.Has(file)) *map = file;
    };
    find("depth", &view->depth);
    find("semantic_class", &view->semantic);
    find("semantic_instance", &view->instance);
  }

  static void Split(const std::vector<std::string>& held_out, Capture* capture) {
    for (int i = 0; i < static_cast<int>(capture->views.size()); ++i) {
      const bool is_held_out =
          std::find(held_out.begin(), held_out.end(), capture->views[i].name) != held_out.end();
      (is_held_out ? capture->held_out : capture->train).push_back(i);
    }
    capture->split_rule = fmt::format("every {}th frame is trained on, the one {} after it is held out",
                                      kTrainEvery, kHeldOutAfter);
  }

  static void ReadClasses(const CaptureFiles& disk, const fs::path& sequence, Capture* capture) {
    const bool any = std::any_of(capture->views.begin(), capture->views.end(),
                                 [](const View& view) { return !view.semantic.empty(); });
    if (!any) return;
    for (int id = 0; id < kReplicaClasses; ++id) capture->class_names.push_back(fmt::format("class {}", id));
    for (const fs::path& folder : {sequence, disk.folder()}) {
      const fs::path file = folder / "info_semantic.json";
      if (!disk.Has(file)) continue;
      ReadClassNames(file, capture);
      break;
    }
    // 0 is "undefined".
    capture->class_of_label.resize(capture->class_names.size());
    for (size_t id = 0; id < capture->class_of_label.size(); ++id)
      capture->class_of_label[id] = id == 0 ? kNoLabel : static_cast<uint16_t>(id);
  }

  // {"classes": [{"id": 3, "name": "backpack"}, ...]}; further keys are ignored.
  static void ReadClassNames(const fs::path& file, Capture* capture) {
    const Json json = ReadJsonFile(file, kMaxInfoBytes);
    const JsonFields fields(json, file.string() + ": ");
    const Json& classes = fields.Need("classes");
    if (!classes.is_array()) throw InputError("{}: expected a list", fields.Where("classes"));
    for (size_t i = 0; i < classes.size(); ++i) {
      const std::string where = fields.Where(fmt::format("classes[{}].", i));
      const JsonFields one(classes[i], where);
      const auto id = static_cast<size_t>(JsonNumber(one.Need("id"), one.Where("id"), 0, kMostClasses));
      while (capture->class_names.size() <= id)
        capture->class_names.push_back(fmt::format("class {}", capture->class_names.size()));
      capture->class_names[id] = JsonText(one.Need("name"), one.Where("name"));
    }
  }
};

}  // namespace

std::unique_ptr<Reader> MakeReplicaReader() {
  return std::make_unique<ReplicaReader>();
}

}  // namespace semfield
