#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <sstream>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/readers/labelled_scenes.h"
#include "semfield/capture/readers/listed_views.h"
#include "semfield/capture/readers/number_rows.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFrames = 1'000'000;
constexpr size_t kMaxTableBytes = size_t{16} << 20;
constexpr double kRigidTolerance = 5e-3;
constexpr char kTable[] = "scannetv2-labels.combined.tsv";
constexpr uint16_t kNoLabel = 65535;
constexpr int kMaxRawId = 65535;

// The benchmark's classes with their numbers in NYU40.
struct BenchmarkClass {
  const char* name;
  int nyu40;
};
constexpr BenchmarkClass kClasses[] = {
    {"wall", 1},    {"floor", 2},      {"cabinet", 3},       {"bed", 4},
    {"chair", 5},   {"sofa", 6},       {"table", 7},         {"door", 8},
    {"window", 9},  {"bookshelf", 10}, {"picture", 11},      {"counter", 12},
    {"desk", 14},   {"curtain", 16},   {"refrigerator", 24}, {"shower curtain", 28},
    {"toilet", 33}, {"sink", 34},      {"bathtub", 36},      {"otherfurniture", 39}};

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::string cell;
  std::istringstream words(line);
  while (std::getline(words, cell, '\t')) cells.push_back(cell);
  if (!cells.empty() && !cells.back().empty() && cells.back().back() == '\r') cells.back().pop_back();
  return cells;
}

int WholeNumber(const std::string& text, const std::string& where) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > kMaxRawId)
    throw InputError("{}: expected a whole number from 0 to {}, got '{}'", where, kMaxRawId,
                     text.substr(0, 40));
  return value;
}

size_t ColumnOf(const std::vector<std::string>& header, const char* name, const fs::path& path) {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) throw InputError("{}: no column '{}'", path.string(), name);
  return static_cast<size_t>(found - header.begin());
}

// [raw id] which of kClasses it is, kNoLabel: none of them.
std::vector<uint16_t> ReadTable(const fs::path& path) {
  std::istringstream lines(ReadTextFile(path, kMaxTableBytes));
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> header = Cells(line);
  const size_t id_column = ColumnOf(header, "id", path), nyu_column = ColumnOf(header, "nyu40id", path);
  std::vector<uint16_t> class_of(1, kNoLabel);
  for (int row = 2; std::getline(lines, line); ++row) {
    const std::vector<std::string> cells = Cells(line);
    if (cells.empty()) continue;
    const std::string where = fmt::format("{}: line {}", path.string(), row);
    if (cells.size() <= std::max(id_column, nyu_column))
      throw InputError("{}: {} columns, expected {}", where, cells.size(), header.size());
    const int id = WholeNumber(cells[id_column], where + ", column id");
    if (cells[nyu_column].empty()) continue;
    const int nyu40 = WholeNumber(cells[nyu_column], where + ", column nyu40id");
    if (id >= static_cast<int>(class_of.size())) class_of.resize(id + 1, kNoLabel);
    for (size_t c = 0; c < std::size(kClasses); ++c) {
      if (kClasses[c].nyu40 == nyu40) class_of[id] = static_cast<uint16_t>(c);
    }
  }
  class_of[0] = kNoLabel;
  return class_of;
}

// What the frames that have a pose file are called ("17", or "000017" as some exporters write it), by number.
std::vector<std::string> FrameNumbers(const fs::path& poses) {
  std::vector<std::string> numbers;
  std::error_code error;
  for (fs::directory_iterator it(poses, error), end; !error && it != end; it.increment(error)) {
    const std::string stem = it->path().stem().string();
    if (it->path().extension() != ".txt" || stem.empty() || stem.size() > 7 ||
        stem.find_first_not_of("0123456789") != std::string::npos)
      continue;
    numbers.push_back(stem);
    if (numbers.size() > kMaxFrames)
      throw InputError("{}: holds more than {} frames", poses.string(), kMaxFrames);
  }
  std::sort(numbers.begin(), numbers.end(), &NaturalLess);
  return numbers;
}

class ScanNetReader : public Reader {
 public:
  std::string name() const override { return "scannet"; }
  std::string description() const override {
    return "a scene of ScanNet as its exporter writes it: color/, pose/ and intrinsic/";
  }
  bool Sniff(const fs::path& path) const override {
    std::error_code error;
    return fs::is_directory(path / "pose", error) && fs::is_directory(path / "color", error) &&
           IsFile(path / "intrinsic" / "intrinsic_color.txt");
  }

  Capture Read(const fs::path& path, const ReadOptions& options) const override {
    const fs::path folder = fs::absolute(path).lexically_normal();
    const CaptureFiles disk(path, folder, options.allow_outside);
    Capture capture;
    capture.format = name();
    const Camera camera = ReadCamera(disk);
    std::string hashes = Sha256File(folder / "intrinsic" / "intrinsic_color.txt");
    const std::vector<std::string> numbers = FrameNumbers(folder / "pose");
    int invalid = 0;
    for (const std::string& number : numbers) {
      const fs::path file = disk.Checked(folder / "pose" / fmt::format("{}.txt", number));
      hashes += Sha256File(file);
      const std::optional<Pose> pose = ReadPose(file);
      if (!pose) {
        ++invalid;
        continue;
      }
      View view{.camera = camera, .world_from_camera = *pose};
      view.image = disk.FindImage(folder / "color", number, file.string());
      if (view.image.empty()) continue;
      view.name = ViewName(folder, view.image);
      AddMaps(disk, number, &view);
      capture.views.push_back(std::move(view));
    }
    if (invalid > 0) {
      capture.warnings.push_back(
          fmt::format("{} of {} frames have no valid pose and were left out", invalid, numbers.size()));
    }
    capture.hash = Sha256(std::as_bytes(std::span(hashes)));
    FinishListedViews(numbers.size() - invalid, (folder / "pose").string(), &capture);
    ReadLabelTable(disk, options, &capture);
    return capture;
  }

 private:
  // For an image of the size that its principal point is the middle of; fitted to the file's later.
  static Camera ReadCamera(const CaptureFiles& disk) {
    const fs::path file = disk.Checked(disk.folder() / "intrinsic" / "intrinsic_color.txt");
    const std::vector<double> k = ReadNumberRows(file, 4, 4, /*allow_not_finite=*/false);
    const fs::path first = FirstImage(disk);
    const ImageInfo info = ReadImageInfo(first);
    Camera camera{.fx = k[0], .fy = k[5], .cx = k[2] + 0.5, .cy = k[6] + 0.5};
    // The exporter can write smaller pictures, and keeps the intrinsics of 1296 x 968.
    const bool is_full = camera.cx < info.width && camera.cy < info.height;
    camera.width = is_full ? info.width : 1296;
    camera.height = is_full ? info.height : 968;
    if (!(camera.fx > 0) || !(camera.fy > 0) || !(camera.cx > 0) || !(camera.cy > 0))
      throw InputError("{}: focal lengths {}, {} and principal point {}, {}: expected numbers above 0",
                       file.string(), k[0], k[5], k[2], k[6]);
    return camera;
  }

  static fs::path FirstImage(const CaptureFiles& disk) {
    for (const std::string& number : FrameNumbers(disk.folder() / "pose")) {
      const fs::path image = disk.FindImage(disk.folder() / "color", number, "pose/");
      if (!image.empty()) return image;
    }
    throw InputError("{}: no pose has its image in color/", (disk.folder() / "pose").string());
  }

  // Nothing: the tracker had lost it.
  static std::optional<Pose> ReadPose(const fs::path& file) {
    const std::vector<double> m = ReadNumberRows(file, 4, 4, /*allow_not_finite=*/true);
    if (!std::all_of(m.begin(), m.end(), [](double value) { return std::isfinite(value); })) return {};
    Pose pose;
    for (int r = 0; r < 3; ++r) {
      for (int c = 0; c < 3; ++c) pose.rotation(r, c) = m[4 * r + c];
      pose.translation[r] = m[4 * r + 3];
    }
    if (!IsRigid(pose, kRigidTolerance)) throw InputError("{}: is no rotation and position", file.string());
    pose.rotation = NearestRotation(pose.rotation);
    return pose;
  }

  static void AddMaps(const CaptureFiles& disk, const std::string& number, View* view) {
    const auto find = [&](const char* kind, fs::path* map) {
      const fs::path file = disk.folder() / kind / fmt::format("{}.png", number);
      if (disk.Has(file)) *map = file;
    };
    find("depth", &view->depth);
    find("label-filt", &view->semantic);
    find("instance-filt", &view->instance);
  }

  static void ReadLabelTable(const CaptureFiles& disk, const ReadOptions& options, Capture* capture) {
    const bool any = std::any_of(capture->views.begin(), capture->views.end(),
                                 [](const View& view) { return !view.semantic.empty(); });
    if (!any) return;
    std::vector<fs::path> places = {disk.folder() / kTable};
    if (options.allow_outside) {
      places.push_back(disk.folder().parent_path() / kTable);
      places.push_back(disk.folder().parent_path().parent_path() / kTable);
    }
    for (const fs::path& place : places) {
      if (!IsFile(place)) continue;
      capture->class_of_label = ReadTable(disk.Checked(place));
      for (const BenchmarkClass& one : kClasses) capture->class_names.emplace_back(one.name);
      return;
    }
    for (View& view : capture->views) view.semantic.clear();
    capture->warnings.push_back(fmt::format(
        "the labels are left out, because {} is not in the scene's folder: copy it there{}", kTable,
        options.allow_outside ? " or into one of the two folders above"
                              : ", or say --allow-outside if it lies "
                                "in one of the two folders above"));
  }
};

}  // namespace

std::unique_ptr<Reader> MakeScanNetReader() {
  return std::make_unique<ScanNetReader>();
}

}  // namespace semfield
