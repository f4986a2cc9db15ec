#pragma once

#include <filesystem>
#include <string>

#include "semfield/base/json.h"
#include "semfield/geometry/pose.h"
#include "semfield/image/codecs.h"

namespace semfield {

constexpr int kBoxSide = 4, kBoxViews = 2;

// A corpus of one category. Both objects fill a picture of 4 x 4 pixels. The left half of the first one is
// part 1 and its right half part 2; of the second one the columns 0 to 2 are part 1. Red says which part it
// is.
class BoxObjects {
 public:
  explicit BoxObjects(const std::filesystem::path& folder) : folder_(folder) {
    for (int object = 0; object < 2; ++object) WriteObject(object);
    WriteJsonFile(folder_ / "category.json",
                  {{"category", "box"},
                   {"parts", {"background", "left", "right"}},
                   {"keypoints", {"corner"}},
                   {"objects", Json::array({{{"id", "box_0"}}, {{"id", "box_1"}}})}});
    WriteJsonFile(folder_ / "pairs.json", {{"objects", {"box_0", "box_1"}},
                                           {"cross_instance", Json::array({Json::array({0, 1, 0})})},
                                           {"novel_view", Json::array({Json::array({0, 0, 1})})}});
  }

 private:
  void WriteObject(int object) {
    const std::filesystem::path path = folder_ / ("box_" + std::to_string(object));
    ImageU8 rgba(kBoxViews * kBoxSide, kBoxSide, 4, 255), parts(kBoxViews * kBoxSide, kBoxSide, 1);
    for (int y = 0; y < kBoxSide; ++y) {
      for (int x = 0; x < kBoxViews * kBoxSide; ++x) {
        const int part = x % kBoxSide < (object == 0 ? 2 : 3) ? 1 : 2;
        parts.At(x, y) = static_cast<uint8_t>(part);
        rgba.At(x, y, 0) = static_cast<uint8_t>(part * 100);
      }
    }
    WritePng(path / "rgba_sheet.png", rgba);
    WritePng(path / "parts_sheet.png", parts);
    Json frames = Json::array();
    for (int view = 0; view < kBoxViews; ++view) {
      const Pose pose = LookAt(Vec3(view, -2, 0), Vec3::Zero(), Vec3::UnitZ());
      const Mat4 m = FlipOpenGlOpenCv(pose).Matrix();
      Json rows = Json::array();
      for (int r = 0; r < 4; ++r) rows.push_back(Json::array({m(r, 0), m(r, 1), m(r, 2), m(r, 3)}));
      frames.push_back({{"tile", view}, {"transform_matrix", rows}});
    }
    WriteJsonFile(path / "transforms.json", {{"w", kBoxSide},
                                             {"h", kBoxSide},
                                             {"fl_x", 4},
                                             {"fl_y", 4},
                                             {"cx", 2},
                                             {"cy", 2},
                                             {"sheet_columns", kBoxViews},
                                             {"rgba_sheet", "rgba_sheet.png"},
                                             {"parts_sheet", "parts_sheet.png"},
                                             {"frames", frames}});
    // View 0 sees x = 0.25 half a pixel right of the middle, and the other object's keypoint 1 pixel further.
    const double x = object == 0 ? 0.25 : 0.75;
    WriteJsonFile(
        path / "keypoints.json",
        {{"keypoints", Json::array({{{"name", "corner"}, {"xyz", {x, 0, 0.25}}, {"visible", {1, 1}}}})}});
  }

  const std::filesystem::path folder_;
};

}  // namespace semfield
