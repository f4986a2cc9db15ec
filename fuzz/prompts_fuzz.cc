// Clicks and boxes as people type them: one a line, boxes after a line "---". Then texts of options.
#include "fuzz_support.h"
#include "semfield/base/options.h"
#include "semfield/jobs/prompt_text.h"

namespace {

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void CheckOptionText(const std::string& text) {
  using namespace semfield;
  bool flag = false;
  int number = 0;
  double real = 0;
  std::string word;
  std::vector<std::string> words;
  OptionList list;
  list.Flag("flag", &flag, "");
  list.Int("int", &number, "", {.min = 0, .max = 1000});
  list.Real("real", &real, "", {.min = -1, .max = 1});
  list.Text("text", &word, "", {.choices = {"auto", "white", "black"}});
  list.TextList("list", &words, "");
  for (const Option& option : list.options())
    fuzz::Check([&] { SetOptionFromText(option, text, "command line"); });
  fuzz::Require(number >= 0 && number <= 1000 && real >= -1 && real <= 1, "numbers in range");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield;
  const auto parts = fuzz::TextParts(fuzz::Text(data, size), 3);
  CheckOptionText(std::string(parts[2]));
  return fuzz::Check([&] {
    Camera camera;
    camera.width = 640;
    camera.height = 480;
    camera.fx = camera.fy = 500;
    const Prompt prompt = ParseWholePrompt(Lines(parts[0]), Lines(parts[1]), camera);
    fuzz::Require(!prompt.points.empty() || !prompt.boxes.empty(), "something is asked for");
    for (const PromptPoint& point : prompt.points)
      fuzz::Require(point.x >= 0 && point.x <= 640 && point.y >= 0 && point.y <= 480, "points in the image");
  });
}
