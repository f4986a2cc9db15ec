#include "semfield/capture/readers/object_sheets.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "semfield/base/error.h"
#include "semfield/base/text.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/readers/json_fields.h"
#include "semfield/capture/readers/npz.h"
#include "semfield/capture/readers/shapenet_renders.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxObjects = 100'000, kMaxViews = 10'000, kMaxNames = 255, kMaxPairs = 1'000'000;
constexpr size_t kMaxJsonBytes = size_t{64} << 20;
constexpr double kMaxPixels = 8192;
constexpr double kFar = 1e6;
constexpr double kRigidTolerance = 1e-3;
constexpr char kCategory[] = "category.json";

const Json& NeedList(const JsonFields& fields, const std::string& key, size_t max_size) {
  const Json& list = fields.Need(key);
  if (!list.is_array() || list.size() > max_size)
    throw InputError("{}: expected a list of at most {}, got {}", fields.Where(key), max_size,
                     list.is_array() ? fmt::format("{} entries", list.size()) : JsonExcerpt(list));
  return list;
}

int NeedInt(const JsonFields& fields, const std::string& key, double low, double high) {
  const double number = JsonNumber(fields.Need(key), fields.Where(key), low, high);
  if (number != std::floor(number))
    throw InputError("{}: expected a whole number, got {}", fields.Where(key), number);
  return static_cast<int>(number);
}

std::vector<std::string> ReadNames(const JsonFields& fields, const std::string& key) {
  std::vector<std::string> names;
  const Json& list = NeedList(fields, key, kMaxNames);
  for (size_t i = 0; i < list.size(); ++i) {
    names.push_back(JsonText(list[i], fmt::format("{}[{}]", fields.Where(key), i)));
    if (names.back().empty() || std::count(names.begin(), names.end(), names.back()) > 1)
      throw InputError("{}[{}]: '{}' is empty or named twice", fields.Where(key), i, names.back());
  }
  return names;
}

int IndexOf(const std::vector<std::string>& names, const std::string& name, const std::string& where) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw InputError("{}: '{}' is not among the category's", where, PrintableText(name));
  return static_cast<int>(found - names.begin());
}

// Sheets of tiles: view k is at column k % columns, row k / columns.
struct SheetLayout {
  int views = 0, columns = 1;
  int rows() const { return (views + columns - 1) / columns; }
};

template <class T>
std::vector<Image<T>> CutSheet(const Image<T>& sheet, const SheetLayout& layout, const fs::path& path) {
  const int width = sheet.width / layout.columns, height = sheet.height / layout.rows();
  if (width * layout.columns != sheet.width || height * layout.rows() != sheet.height)
    throw InputError("{}: {}x{} pixels are not {} x {} tiles of one size", path.string(), sheet.width,
                     sheet.height, layout.columns, layout.rows());
  std::vector<Image<T>> tiles;
  for (int view = 0; view < layout.views; ++view) {
    const int left = view % layout.columns * width, top = view / layout.columns * height;
    Image<T> tile(width, height, sheet.channels);
    for (int y = 0; y < height; ++y)
      std::copy_n(&sheet.At(left, top + y), static_cast<size_t>(width) * sheet.channels, &tile.At(0, y));
    tiles.push_back(std::move(tile));
  }
  return tiles;
}

class SheetViews final : public ObjectViews {
 public:
  SheetViews(const fs::path& folder, const ObjectCategory& category, const std::string& id_in)
      : disk_(folder, folder, /*allow_outside=*/false), num_parts_(category.parts.size()) {
    id = id_in;
    ReadTransforms(category);
    ReadKeypoints(category);
    const fs::path points = folder / "points.npz";
    if (disk_.Has(points)) points_ = points;
  }

  std::vector<ImageU8> Pictures() const override {
    const ImageU8 sheet = ReadSheet(rgba_, 4);
    return CutSheet(sheet, layout_, rgba_);
  }

  std::vector<ImageU8> PartMaps() const override {
    if (parts_.empty()) return {};
    const ImageU8 sheet = ReadSheet(parts_, 1);
    if (*std::max_element(sheet.data.begin(), sheet.data.end()) >= num_parts_)
      throw InputError("{}: holds a part that the category does not name ({} are named)", parts_.string(),
                       num_parts_);
    return CutSheet(sheet, layout_, parts_);
  }

  std::vector<ImageF> Depths() const override {
    if (depth_.empty()) return {};
    std::vector<ImageF> depths;
    for (const ImageU16& steps : CutSheet(ReadImage16(depth_), layout_, depth_)) {
      if (steps.width == 0 || camera.width % steps.width != 0 || camera.height % steps.height != 0)
        throw InputError("{}: tiles of {}x{} pixels do not divide pictures of {}x{}", depth_.string(),
                         steps.width, steps.height, camera.width, camera.height);
      ImageF depth(steps.width, steps.height, 1);
      for (size_t i = 0; i < depth.data.size(); ++i)
        depth.data[i] = static_cast<float>(steps.data[i] * depth_unit_);
      depths.push_back(std::move(depth));
    }
    return depths;
  }

  bool HasPoints() const override { return !points_.empty(); }

  SurfacePoints Points() const override {
    SurfacePoints points;
    if (points_.empty()) return points;
    const std::map<std::string, NpyMatrix> arrays = ReadNpz(points_);
    const auto xyz = arrays.find("xyz"), part = arrays.find("part");
    if (xyz == arrays.end() || part == arrays.end() || xyz->second.cols != 3 || part->second.cols != 1 ||
        part->second.rows != xyz->second.rows)
      throw InputError("{}: expected arrays xyz [N, 3] and part [N]", points_.string());
    for (size_t i = 0; i < xyz->second.rows; ++i) {
      const Vec3 position(xyz->second.At(i, 0), xyz->second.At(i, 1), xyz->second.At(i, 2));
      const double id = part->second.At(i, 0);
      if (!position.allFinite() || !(id >= 0) || id >= static_cast<double>(num_parts_))
        throw InputError("{}: point {} is not finite or of no known part", points_.string(), i);
      points.positions.push_back(position);
      points.parts.push_back(static_cast<uint8_t>(id));
    }
    return points;
  }

 private:
  void ReadTransforms(const ObjectCategory& category) {
    const fs::path file = disk_.Checked(disk_.folder() / "transforms.json");
    const Json json = ReadJsonFile(file, kMaxJsonBytes);
    const JsonFields fields(json, file.string() + ": ");
    camera.width = NeedInt(fields, "w", 1, kMaxPixels);
    camera.height = NeedInt(fields, "h", 1, kMaxPixels);
    camera.fx = JsonNumber(fields.Need("fl_x"), fields.Where("fl_x"), 1e-3, 1e6);
    camera.fy = JsonNumber(fields.Need("fl_y"), fields.Where("fl_y"), 1e-3, 1e6);
    camera.cx = JsonNumber(fields.Need("cx"), fields.Where("cx"), -1e6, 1e6);
    camera.cy = JsonNumber(fields.Need("cy"), fields.Where("cy"), -1e6, 1e6);
    const Json& frames = NeedList(fields, "frames", kMaxViews);
    layout_.views = static_cast<int>(frames.size());
    if (layout_.views == 0) throw InputError("{}: empty", fields.Where("frames"));
    layout_.columns = NeedInt(fields, "sheet_columns", 1, kMaxViews);
    depth_unit_ = fields.Number("depth_unit", 1e-9, 1e6).value_or(0.001);
    for (size_t i = 0; i < frames.size(); ++i) ReadFrame(frames[i], fields, i);
    rgba_ = FindSheet(fields, "rgba_sheet");
    parts_ = category.parts.empty() ? fs::path() : FindSheet(fields, "parts_sheet");
    depth_ = FindSheet(fields, "depth_sheet");
    if (rgba_.empty()) throw InputError("{}: missing", fields.Where("rgba_sheet"));
    if (const Json* object = fields.Find("object")) ReadPartsPresent(*object, fields.Where("object."));
  }

  void ReadFrame(const Json& frame, const JsonFields& file, size_t index) {
    const JsonFields fields(frame, file.Where(fmt::format("frames[{}].", index)));
    if (NeedInt(fields, "tile", 0, kMaxViews) != static_cast<int>(index))
      throw InputError("{}: expected {}, the place of the frame in the list", fields.Where("tile"), index);
    const std::string where = fields.Where("transform_matrix");
    const Mat4 matrix = JsonMatrix(fields.Need("transform_matrix"), where, false);
    Pose pose{matrix.topLeftCorner<3, 3>(), matrix.topRightCorner<3, 1>()};
    if (!IsRigid(pose, kRigidTolerance)) throw InputError("{}: is no rotation and position", where);
    pose.rotation = NearestRotation(pose.rotation);
    world_from_camera.push_back(FlipOpenGlOpenCv(pose));
  }

  fs::path FindSheet(const JsonFields& fields, const std::string& key) const {
    const std::optional<std::string> name = fields.Text(key);
    if (!name) return {};
    fs::path sheet = disk_.FindImage(disk_.folder(), *name, fields.Where(key));
    if (sheet.empty())
      throw InputError("{}: {}: no such file", fields.Where(key), (disk_.folder() / *name).string());
    return sheet;
  }

  void ReadPartsPresent(const Json& object, const std::string& prefix) {
    const JsonFields fields(object, prefix);
    if (fields.Find("parts_present") == nullptr) return;
    for (const Json& part : NeedList(fields, "parts_present", kMaxNames)) {
      const double id =
          JsonNumber(part, fields.Where("parts_present"), 1, static_cast<double>(num_parts_) - 1);
      parts_present.push_back(static_cast<int>(id));
    }
    std::sort(parts_present.begin(), parts_present.end());
  }

  void ReadKeypoints(const ObjectCategory& category) {
    const fs::path file = disk_.folder() / "keypoints.json";
    if (category.keypoints.empty() || !disk_.Has(file)) return;
    const Json json = ReadJsonFile(file, kMaxJsonBytes);
    const JsonFields fields(json, file.string() + ": ");
    keypoints.resize(category.keypoints.size());
    for (ObjectKeypoint& keypoint : keypoints) keypoint.visible.assign(world_from_camera.size(), 0);
    const Json& list = NeedList(fields, "keypoints", kMaxNames);
    for (size_t i = 0; i < list.size(); ++i) {
      const JsonFields one(list[i], fields.Where(fmt::format("keypoints[{}].", i)));
      const std::string name = JsonText(one.Need("name"), one.Where("name"));
      ObjectKeypoint& keypoint = keypoints[IndexOf(category.keypoints, name, one.Where("name"))];
      const Json* xyz = one.Find("xyz");
      if (xyz == nullptr) continue;
      if (!xyz->is_array() || xyz->size() != 3)
        throw InputError("{}: expected 3 numbers or null, got {}", one.Where("xyz"), JsonExcerpt(*xyz));
      keypoint.position.emplace();
      for (int c = 0; c < 3; ++c)
        (*keypoint.position)[c] = JsonNumber((*xyz)[c], one.Where("xyz"), -kFar, kFar);
      const Json& visible = NeedList(one, "visible", kMaxViews);
      if (visible.size() != world_from_camera.size())
        throw InputError("{}: {} entries, expected one of each of {} views", one.Where("visible"),
                         visible.size(), world_from_camera.size());
      for (size_t view = 0; view < visible.size(); ++view)
        keypoint.visible[view] = JsonNumber(visible[view], one.Where("visible"), 0, 1) > 0.5;
    }
  }

  ImageU8 ReadSheet(const fs::path& path, int channels) const {
    ImageU8 sheet = ReadImage(path);
    if (sheet.channels != channels || sheet.width != camera.width * layout_.columns ||
        sheet.height != camera.height * layout_.rows())
      throw InputError("{}: {}x{} pixels of {} channels, expected {} x {} tiles of {}x{} of {} channels",
                       path.string(), sheet.width, sheet.height, sheet.channels, layout_.columns,
                       layout_.rows(), camera.width, camera.height, channels);
    return sheet;
  }

  const CaptureFiles disk_;
  const size_t num_parts_;
  SheetLayout layout_;
  double depth_unit_ = 0.001;
  fs::path rgba_, parts_, depth_, points_;
};

void ReadMirrored(const JsonFields& fields, ObjectCategory* category) {
  for (size_t i = 0; i < category->keypoints.size(); ++i) category->mirrored.push_back(static_cast<int>(i));
  if (fields.Find("mirrored_keypoints") == nullptr) return;
  for (const Json& pair : NeedList(fields, "mirrored_keypoints", kMaxNames)) {
    const std::string where = fields.Where("mirrored_keypoints");
    if (!pair.is_array() || pair.size() != 2)
      throw InputError("{}: expected pairs of names, got {}", where, JsonExcerpt(pair));
    const int a = IndexOf(category->keypoints, JsonText(pair[0], where), where);
    const int b = IndexOf(category->keypoints, JsonText(pair[1], where), where);
    category->mirrored[a] = b;
    category->mirrored[b] = a;
  }
}

ObjectCategory ReadSheetCategory(const fs::path& folder) {
  const fs::path file = folder / kCategory;
  const Json json = ReadJsonFile(file, kMaxJsonBytes);
  const JsonFields fields(json, file.string() + ": ");
  ObjectCategory category{.path = folder,
                          .name = JsonText(fields.Need("category"), fields.Where("category"))};
  if (fields.Find("parts") != nullptr) category.parts = ReadNames(fields, "parts");
  if (fields.Find("keypoints") != nullptr) category.keypoints = ReadNames(fields, "keypoints");
  ReadMirrored(fields, &category);
  category.near = fields.Number("near", 0, kFar).value_or(category.near);
  category.far = fields.Number("far", 0, kFar).value_or(category.far);
  if (!(category.far > category.near)) throw InputError("{}: not above near", fields.Where("far"));
  const Json& list = NeedList(fields, "objects", kMaxObjects);
  std::set<std::string> seen;
  for (size_t i = 0; i < list.size(); ++i) {
    const JsonFields one(list[i], fields.Where(fmt::format("objects[{}].", i)));
    const std::string id = JsonText(one.Need("id"), one.Where("id"));
    if (id.empty() || id == "." || id == ".." || id.find_first_of("/\\") != std::string::npos)
      throw InputError("{}: '{}' is no name of a folder", one.Where("id"), id);
    if (!seen.insert(id).second) throw InputError("{}: '{}' is listed twice", one.Where("id"), id);
    category.objects.push_back(std::make_unique<SheetViews>(folder / id, category, id));
  }
  if (category.objects.empty()) throw InputError("{}: empty", fields.Where("objects"));
  return category;
}

// One list of pairs.json: three numbers a pair.
std::vector<ObjectPair> ReadPairs(const JsonFields& fields, const std::string& key,
                                  const ObjectCategory& category, bool cross_instance) {
  std::vector<ObjectPair> pairs;
  const Json& list = NeedList(fields, key, kMaxPairs);
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = fmt::format("{}[{}]", fields.Where(key), i);
    if (!list[i].is_array() || list[i].size() != 3)
      throw InputError("{}: expected 3 numbers, got {}", where, JsonExcerpt(list[i]));
    int number[3];
    for (int c = 0; c < 3; ++c) number[c] = static_cast<int>(JsonNumber(list[i][c], where, 0, kMaxObjects));
    const ObjectPair pair = cross_instance ? ObjectPair{number[0], number[2], number[1], number[2]}
                                           : ObjectPair{number[0], number[1], number[0], number[2]};
    const int num_objects = static_cast<int>(category.objects.size());
    if (pair.source >= num_objects || pair.target >= num_objects ||
        pair.source_view >= category.objects[pair.source]->num_views() ||
        pair.target_view >= category.objects[pair.target]->num_views())
      throw InputError("{}: {} names an object or view that the category does not have", where,
                       JsonExcerpt(list[i]));
    pairs.push_back(pair);
  }
  return pairs;
}

}  // namespace

ObjectCategory ReadObjectCategory(const fs::path& named) {
  const fs::path folder = fs::absolute(named).lexically_normal();
  if (IsFile(folder / kCategory)) return ReadSheetCategory(folder);
  if (IsShapeNetRenders(folder)) return ReadShapeNetRenders(folder);
  throw InputError(
      "{}: is no category of objects: expected category.json, or one folder an object with rgb/, pose/ and "
      "intrinsics.txt",
      named.string());
}

std::vector<fs::path> FindObjectCategories(const fs::path& folder) {
  const auto is_category = [](const fs::path& path) {
    return IsFile(path / kCategory) || IsShapeNetRenders(path);
  };
  if (is_category(folder)) return {folder};
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_directory(error) && is_category(it->path())) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  if (found.empty())
    throw InputError("{}: holds no category of objects (folders with category.json, or of renders)",
                     folder.string());
  return found;
}

ObjectPairLists ReadObjectPairs(const ObjectCategory& category) {
  const fs::path file = category.path / "pairs.json";
  if (!IsFile(file)) return {};
  const Json json = ReadJsonFile(file, kMaxJsonBytes);
  const JsonFields fields(json, file.string() + ": ");
  const Json& ids = NeedList(fields, "objects", kMaxObjects);
  bool same = ids.size() == category.objects.size();
  for (size_t i = 0; same && i < ids.size(); ++i) same = ids[i] == category.objects[i]->id;
  if (!same)
    throw InputError("{}: are not the objects of {} in its order", fields.Where("objects"), kCategory);
  return {.cross_instance = ReadPairs(fields, "cross_instance", category, true),
          .novel_view = ReadPairs(fields, "novel_view", category, false)};
}

}  // namespace semfield
