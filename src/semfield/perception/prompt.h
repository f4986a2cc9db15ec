#pragma once

#include <vector>

namespace semfield {

// A click. Pixels of the image the decoder answers for: origin at the top left corner, pixel centres at +0.5.
struct PromptPoint {
  double x = 0;
  double y = 0;
  bool positive = true;  // false: "not this"
};

// An axis-aligned box in the same pixels, x0 < x1 and y0 < y1.
struct PromptBox {
  double x0 = 0;
  double y0 = 0;
  double x1 = 0;
  double y1 = 0;
};

struct Prompt {
  std::vector<PromptPoint> points;
  std::vector<PromptBox> boxes;
};

}  // namespace semfield
