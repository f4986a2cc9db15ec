#pragma once

#include <string>
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

// What is asked for. A decoder answers what it can and refuses the rest (InputError); nothing is left out
// without a word.
struct Prompt {
  std::vector<PromptPoint> points;
  std::vector<PromptBox> boxes;
  std::vector<std::string> words;  // any of these phrases, UTF-8, in a person's own words
  std::vector<int> classes;        // any of these ids of the capture's class list
};

}  // namespace semfield
