#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "semfield/objects/view_answers.h"
#include "semfield/surface/surface_test_util.h"

namespace semfield {

// Answers with the truth about the clicked pixel: the thing, its left half, the thing with all that is below
// its middle. Views listed as `wrong` answer with a disc that means nothing.
class TrueAnswers : public ViewAnswers {
 public:
  TrueAnswers(const std::vector<Image<int>>& instances, std::vector<int> wrong = {})
      : instances_(instances), wrong_(std::move(wrong)) {}

  std::vector<Mask> Answer(const SurfaceView& view, const Prompt& prompt, const StopToken*) override {
    asked.push_back(view.view);
    const Image<int>& ids = instances_[view.view];
    const PromptPoint& point = prompt.points.front();
    const int id = ids.At(static_cast<int>(point.x), static_cast<int>(point.y));
    std::vector<Mask> masks(3);
    for (Mask& mask : masks) mask.binary = ImageU8(ids.width, ids.height, 1);
    const bool is_wrong = std::find(wrong_.begin(), wrong_.end(), view.view) != wrong_.end();
    for (int y = 0; y < ids.height; ++y) {
      for (int x = 0; x < ids.width; ++x) {
        const bool in_disc = std::hypot(x + 0.5 - point.x, y + 0.5 - point.y) < 0.2 * ids.width;
        const bool in = is_wrong ? in_disc : ids.At(x, y) == id;
        masks[0].binary.At(x, y) = in ? 255 : 0;
        masks[1].binary.At(x, y) = in && x < point.x ? 255 : 0;
        masks[2].binary.At(x, y) = in || y > ids.height / 2 ? 255 : 0;
      }
    }
    return masks;
  }

  std::vector<int> asked;  // views, in order

 private:
  const std::vector<Image<int>>& instances_;
  const std::vector<int> wrong_;
};

}  // namespace semfield
