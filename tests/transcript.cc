#include "transcript.h"

#include <regex>
#include <sstream>
#include <stdexcept>

namespace semfield::testing {
namespace {

bool StartsWith(const std::string& text, const std::string& prefix) {
  return text.rfind(prefix, 0) == 0;
}

[[noreturn]] void Fail(int line, const std::string& what) {
  throw std::runtime_error("line " + std::to_string(line) + ": " + what);
}

ExpectedLine ParseExpected(const std::string& line, int number) {
  if (line == "...") return {ExpectedLine::Kind::kAnyLines, ""};
  if (!StartsWith(line, "~ ")) return {ExpectedLine::Kind::kExact, line};
  const std::string pattern = line.substr(2);
  try {
    std::regex check(pattern);
  } catch (const std::regex_error& error) {
    Fail(number, std::string("not a regular expression: ") + error.what());
  }
  return {ExpectedLine::Kind::kRegex, pattern};
}

bool MatchesLine(const ExpectedLine& expected, const std::string& line) {
  if (expected.kind == ExpectedLine::Kind::kRegex) return std::regex_match(line, std::regex(expected.text));
  return expected.text == line;
}

}  // namespace

std::vector<std::string> SplitLines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Transcript ParseTranscript(const std::string& text) {
  Transcript transcript;
  int number = 0;
  bool closed = true;  // after "exit N" nothing but the next command may come
  for (const std::string& line : SplitLines(text)) {
    ++number;
    if (StartsWith(line, "$ ")) {
      transcript.steps.push_back({line.substr(2), number, {}, 0});
      closed = false;
    } else if (StartsWith(line, "# needs ")) {
      if (!transcript.steps.empty()) Fail(number, "'# needs' belongs before the first command");
      transcript.needs.push_back(line.substr(8));
    } else if (line.empty() || StartsWith(line, "# ")) {
      continue;
    } else if (closed) {
      Fail(number, "expected a command ('$ ...') or a comment ('# ...'), got '" + line + "'");
    } else if (std::smatch match; std::regex_match(line, match, std::regex(R"(exit (\d+))"))) {
      transcript.steps.back().exit_code = std::stoi(match[1]);
      closed = true;
    } else {
      transcript.steps.back().expected.push_back(ParseExpected(line, number));
    }
  }
  if (transcript.steps.empty()) Fail(number, "no command in the transcript");
  return transcript;
}

bool Matches(const std::vector<ExpectedLine>& expected, const std::vector<std::string>& lines) {
  // reachable[i]: the first i expected lines can account for the lines seen so far.
  std::vector<char> reachable(expected.size() + 1, 0);
  const auto close = [&](std::vector<char>& state) {
    for (size_t i = 0; i < expected.size(); ++i) {
      if (state[i] && expected[i].kind == ExpectedLine::Kind::kAnyLines) state[i + 1] = 1;
    }
  };
  reachable[0] = 1;
  close(reachable);
  for (const std::string& line : lines) {
    if (line.empty()) continue;  // blank lines are layout
    std::vector<char> next(expected.size() + 1, 0);
    for (size_t i = 0; i < expected.size(); ++i) {
      if (!reachable[i]) continue;
      if (expected[i].kind == ExpectedLine::Kind::kAnyLines) {
        next[i] = 1;
      } else if (MatchesLine(expected[i], line)) {
        next[i + 1] = 1;
      }
    }
    close(next);
    reachable = next;
  }
  return reachable.back() != 0;
}

}  // namespace semfield::testing
