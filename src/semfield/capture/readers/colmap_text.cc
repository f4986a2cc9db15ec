#include <charconv>
#include <optional>
#include <string_view>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/text.h"
#include "semfield/capture/readers/colmap_model.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFileBytes = size_t{8} << 30;
constexpr std::string_view kBlank = " \t\r";

// The lines of a file, with their numbers for messages.
class Lines {
 public:
  explicit Lines(const fs::path& path) : where_(path.string()), text_(ReadTextFile(path, kMaxFileBytes)) {}

  // Next line as it stands, without its end.
  std::optional<std::string_view> Next() {
    if (at_ >= text_.size()) return std::nullopt;
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view line(text_.data() + at_, end - at_);
    at_ = end + 1;
    ++number_;
    return line;
  }
  // Next line that is neither blank nor a comment.
  std::optional<std::string_view> NextRecord() {
    while (const auto line = Next()) {
      const size_t first = line->find_first_not_of(kBlank);
      if (first != std::string_view::npos && (*line)[first] != '#') return line;
    }
    return std::nullopt;
  }
  std::string Where() const { return fmt::format("{}: line {}", where_, number_); }

 private:
  std::string where_;
  std::string text_;
  size_t at_ = 0;
  size_t number_ = 0;
};

// Words of one line.
class Words {
 public:
  Words(std::string_view line, const Lines& lines) : rest_(line), lines_(lines) {}

  bool Done() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlank), rest_.size()));
    return rest_.empty();
  }
  std::string_view Word(const char* what) {
    if (Done()) throw InputError("{}: ends before its {}", lines_.Where(), what);
    const size_t end = std::min(rest_.find_first_of(kBlank), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word;
  }
  template <class T>
  T Number(const char* what) {
    const std::string_view word = Word(what);
    T value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) {
      throw InputError("{}: '{}' is no valid {}", lines_.Where(),
                       PrintableText(std::string(word.substr(0, 40))), what);
    }
    return value;
  }
  // Steps over the next word when it is `expected`.
  bool NextIs(std::string_view expected) {
    if (Done() || rest_.substr(0, rest_.find_first_of(kBlank)) != expected) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  // What is left, without blanks at the ends: names may hold spaces.
  std::string Rest(const char* what) {
    if (Done()) throw InputError("{}: ends before its {}", lines_.Where(), what);
    return std::string(rest_.substr(0, rest_.find_last_not_of(kBlank) + 1));
  }

 private:
  std::string_view rest_;
  const Lines& lines_;
};

void ReadCameras(const fs::path& path, ColmapModel* model) {
  Lines lines(path);
  while (const auto line = lines.NextRecord()) {
    Words words(*line, lines);
    const uint32_t id = words.Number<uint32_t>("camera id");
    ColmapCamera camera;
    camera.model = words.Word("camera model");
    const ColmapModelKind* kind = nullptr;
    for (const ColmapModelKind& known : ColmapModelKinds()) {
      if (camera.model == known.name) kind = &known;
    }
    if (kind == nullptr) {
      throw InputError(
          "{}: camera model '{}' is unknown. Run colmap image_undistorter, which turns every camera into "
          "PINHOLE.",
          lines.Where(), PrintableText(camera.model.substr(0, 60)));
    }
    camera.width = words.Number<uint64_t>("width");
    camera.height = words.Number<uint64_t>("height");
    while (!words.Done() && camera.parameters.size() <= kind->num_parameters) {
      camera.parameters.push_back(words.Number<double>("camera parameter"));
    }
    if (camera.parameters.size() != kind->num_parameters) {
      throw InputError("{}: {} has {} parameters, got {}", lines.Where(), kind->name, kind->num_parameters,
                       words.Done() ? std::to_string(camera.parameters.size()) : "more");
    }
    if (!model->cameras.emplace(id, std::move(camera)).second) {
      throw InputError("{}: camera {} occurs twice", lines.Where(), id);
    }
  }
}

void ReadImages(const fs::path& path, ColmapModel* model) {
  Lines lines(path);
  while (const auto line = lines.NextRecord()) {
    Words words(*line, lines);
    ColmapImage image;
    image.id = words.Number<uint32_t>("image id");
    double q[4], t[3];
    for (double& value : q) value = words.Number<double>("quaternion");
    for (double& value : t) value = words.Number<double>("translation");
    image.camera_from_world = ColmapPose(q, t, lines.Where());
    image.camera_id = words.Number<uint32_t>("camera id");
    image.name = words.Rest("name");
    // The second line of an image may be empty, but it is there.
    Words keypoints(lines.Next().value_or(""), lines);
    while (!keypoints.Done()) {
      const double x = keypoints.Number<double>("keypoint"), y = keypoints.Number<double>("keypoint");
      if (keypoints.NextIs("-1")) continue;
      const uint64_t point = keypoints.Number<uint64_t>("point id of a keypoint");
      if (point != kNoColmapPoint) image.keypoints.push_back({x, y, point});
    }
    model->images.push_back(std::move(image));
  }
}

void ReadPoints(const fs::path& path, ColmapModel* model) {
  Lines lines(path);
  while (const auto line = lines.NextRecord()) {
    Words words(*line, lines);
    const uint64_t id = words.Number<uint64_t>("point id");
    ColmapPoint point;
    for (int axis = 0; axis < 3; ++axis) point.position[axis] = words.Number<double>("position");
    for (uint8_t& channel : point.color) channel = words.Number<uint8_t>("colour");
    point.error = words.Number<double>("error");
    if (!model->points.emplace(id, point).second) {
      throw InputError("{}: point {} occurs twice", lines.Where(), id);
    }
  }
}

}  // namespace

void ReadColmapText(const fs::path& folder, ColmapModel* model) {
  ReadCameras(folder / "cameras.txt", model);
  ReadImages(folder / "images.txt", model);
  std::error_code error;
  if (fs::is_regular_file(folder / "points3D.txt", error)) ReadPoints(folder / "points3D.txt", model);
}

}  // namespace semfield
