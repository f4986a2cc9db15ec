#pragma once

#include <string>
#include <vector>

namespace semfield::testing {

// One expected line: exact text, "~ REGEX" that must match a whole line, or "..." for any number of lines.
struct ExpectedLine {
  enum class Kind { kExact, kRegex, kAnyLines };
  Kind kind = Kind::kExact;
  std::string text;
};

// "$ COMMAND", what it prints (both streams as they come), "exit N" (0 if there is none).
struct TranscriptStep {
  std::string command;
  int line = 0;  // of the file
  std::vector<ExpectedLine> expected;
  int exit_code = 0;
};

struct Transcript {
  std::vector<std::string> needs;  // "# needs WHAT"
  std::vector<TranscriptStep> steps;
};

// Throws std::runtime_error with the line for what it does not understand.
Transcript ParseTranscript(const std::string& text);

// Whether the printed lines are what was expected.
bool Matches(const std::vector<ExpectedLine>& expected, const std::vector<std::string>& lines);

std::vector<std::string> SplitLines(const std::string& text);

}  // namespace semfield::testing
