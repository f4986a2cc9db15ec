#include "semfield/evaluation/clicks.h"

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/image/pixels.h"

namespace semfield {

std::vector<Vec2> ClickGrid(int width, int height, int per_side) {
  SF_CHECK_GT(per_side, 0);
  std::vector<Vec2> clicks;
  for (int row = 0; row < per_side; ++row) {
    for (int column = 0; column < per_side; ++column) {
      clicks.emplace_back((column + 0.5) * width / per_side, (row + 0.5) * height / per_side);
    }
  }
  return clicks;
}

std::vector<Thing> FindThings(const ImageU16& instances, double min_share) {
  std::vector<int64_t> counts(65536);
  for (uint16_t id : instances.data) ++counts[id];
  const double pixels = static_cast<double>(instances.num_pixels());
  std::vector<Thing> things;
  for (int id = 1; id < 65536; ++id) {
    const double count = static_cast<double>(counts[id]);
    if (count == 0 || count < min_share * pixels) continue;
    Thing thing{.id = id, .share = count / pixels, .mask = ImageU8(instances.width, instances.height, 1)};
    std::transform(instances.data.begin(), instances.data.end(), thing.mask.data.begin(),
                   [id](uint16_t value) { return static_cast<uint8_t>(value == id ? 255 : 0); });
    const ImageF distance = DistanceToBorder(thing.mask);
    const auto farthest =
        std::max_element(distance.data.begin(), distance.data.end()) - distance.data.begin();
    thing.click = Vec2(static_cast<double>(farthest % instances.width) + 0.5,
                       static_cast<double>(farthest / instances.width) + 0.5);
    things.push_back(std::move(thing));
  }
  return things;
}

}  // namespace semfield
