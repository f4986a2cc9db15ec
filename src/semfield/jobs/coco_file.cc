#include "semfield/jobs/coco_file.h"

#include <algorithm>

#include "semfield/base/version.h"

namespace semfield {

std::vector<int64_t> RunLengths(const ImageU8& mask) {
  std::vector<int64_t> counts = {0};
  bool is_inside = false;
  for (int x = 0; x < mask.width; ++x) {
    for (int y = 0; y < mask.height; ++y) {
      if ((mask.At(x, y) != 0) != is_inside) {
        counts.push_back(0);
        is_inside = !is_inside;
      }
      ++counts.back();
    }
  }
  return counts;
}

CocoFile::CocoFile()
    : json_({{"info", {{"description", "masks by semfield"}, {"version", Version()}}},
             {"images", Json::array()},
             {"categories", Json::array()},
             {"annotations", Json::array()}}) {}

int CocoFile::AddCategory(const std::string& name) {
  const int id = static_cast<int>(json_["categories"].size()) + 1;
  json_["categories"].push_back({{"id", id}, {"name", name}});
  return id;
}

int CocoFile::AddImage(const std::string& file_name, int width, int height) {
  const int id = static_cast<int>(json_["images"].size()) + 1;
  json_["images"].push_back({{"id", id}, {"file_name", file_name}, {"width", width}, {"height", height}});
  return id;
}

void CocoFile::AddMask(int image, int category, const ImageU8& mask) {
  int left = mask.width, top = mask.height, right = 0, bottom = 0;
  int64_t area = 0;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (mask.At(x, y) == 0) continue;
      ++area;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = std::max(bottom, y + 1);
    }
  }
  if (area == 0) return;
  json_["annotations"].push_back(
      {{"id", json_["annotations"].size() + 1},
       {"image_id", image},
       {"category_id", category},
       {"iscrowd", 0},
       {"area", area},
       {"bbox", {left, top, right - left, bottom - top}},
       {"segmentation", {{"size", {mask.height, mask.width}}, {"counts", RunLengths(mask)}}}});
}

}  // namespace semfield
