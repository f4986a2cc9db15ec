#pragma once

#include <string>
#include <vector>

namespace semfield {

// What an image encoder says about one image: data[(c * height + y) * width + x].
struct FeatureMap {
  int channels = 0;
  int height = 0;
  int width = 0;
  std::vector<float> data;  // [channels, height, width]
  std::string encoder;      // name of the model card that made it
};

}  // namespace semfield
