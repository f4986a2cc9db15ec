#pragma once

#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/image/image.h"

namespace semfield {

// Runs of a mask as COCO counts them: down the columns from the left, first of pixels that are 0. 1 channel,
// nonzero inside.
std::vector<int64_t> RunLengths(const ImageU8& mask);

// Masks of many pictures as one file of COCO's object format, segmentations as run lengths.
class CocoFile {
 public:
  CocoFile();
  // Return what the others call them.
  int AddCategory(const std::string& name);
  int AddImage(const std::string& file_name, int width, int height);
  // A mask of the image's size; one that is empty is left out.
  void AddMask(int image, int category, const ImageU8& mask);
  const Json& json() const { return json_; }

 private:
  Json json_;
};

}  // namespace semfield
