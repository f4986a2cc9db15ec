#include "tests/source_text.h"

#include <algorithm>
#include <cctype>
#include <regex>

namespace {

bool StartsAt(const std::string& text, size_t at, const char* what) {
  return text.compare(at, std::string(what).size(), what) == 0;
}

size_t EndOfLine(const std::string& text, size_t at) {
  return std::min(text.find('\n', at), text.size());
}

// Past the closing quote of a literal whose opening quote is at `at`.
size_t EndOfLiteral(const std::string& text, size_t at) {
  const char quote = text[at];
  size_t end = at + 1;
  while (end < text.size() && text[end] != quote) end += text[end] == '\\' ? 2 : 1;
  return std::min(end + 1, text.size());
}

size_t EndOfRawLiteral(const std::string& text, size_t at) {
  const size_t open = text.find('(', at);
  const std::string close = ")" + text.substr(at + 2, open - at - 2) + "\"";
  return std::min(text.find(close, open) + close.size(), text.size());
}

// Past the last line of a directive, which may go on behind a backslash.
size_t EndOfDirective(const std::string& text, size_t at) {
  size_t end = EndOfLine(text, at);
  while (end < text.size() && text[end - 1] == '\\') end = EndOfLine(text, end + 1);
  return end;
}

// Past whatever begins at `at` and is no code; `at` itself if code does.
size_t EndOfNoCode(const std::string& text, size_t at) {
  const bool in_word =
      at > 0 && (std::isalnum(static_cast<unsigned char>(text[at - 1])) || text[at - 1] == '_');
  const bool line_start = text.find_last_not_of(" \t", at == 0 ? 0 : at - 1) == std::string::npos ||
                          at == 0 || text[text.find_last_not_of(" \t", at - 1)] == '\n';
  if (StartsAt(text, at, "//")) return EndOfLine(text, at);
  if (StartsAt(text, at, "/*")) return std::min(text.find("*/", at) + 2, text.size());
  if (StartsAt(text, at, "R\"") && !in_word) return EndOfRawLiteral(text, at);
  if (text[at] == '"' || (text[at] == '\'' && !in_word)) return EndOfLiteral(text, at);
  if (text[at] == '#' && line_start) return EndOfDirective(text, at);
  return at;
}

// Of a head such as "void F(int a, std::pair<int, int> b)": parameters of its first list.
int NumParameters(const std::string& head) {
  std::smatch open;
  if (!std::regex_search(head, open, std::regex(R"([\w>~\]=+*/-]\s*\()"))) return 0;
  int depth = 0, angles = 0, commas = 0;
  bool any = false;
  for (size_t i = open.position() + open.length() - 1; i < head.size(); ++i) {
    const char c = head[i];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if ((c == ')' || c == ']' || c == '}') && --depth == 0) break;
    if (c == '<') ++angles;
    if (c == '>') angles = std::max(0, angles - 1);
    if (c == ',' && depth == 1 && angles == 0) ++commas;
    if (c != '(' && !std::isspace(static_cast<unsigned char>(c))) any = true;
  }
  return any ? commas + 1 : 0;
}

enum class Scope {
  kOpen,
  kFunction,
  kOther
};  // of a brace: declarations stand within, a body, anything else

Scope ScopeOf(const std::string& head) {
  static const std::regex kOpening(R"(\b(namespace|class|struct|enum|union)\b|^\s*extern\b)");
  static const std::regex kAfterList(R"(\)\s*(const|noexcept|override|\s)*$)");
  if (std::regex_search(head, kOpening) && !std::regex_search(head, kAfterList)) return Scope::kOpen;
  return head.find('(') == std::string::npos ? Scope::kOther : Scope::kFunction;
}

int LinesIn(const std::string& text, size_t begin, size_t end) {
  return static_cast<int>(std::count(text.begin() + begin, text.begin() + end, '\n'));
}

}  // namespace

std::string WithoutCommentsAndLiterals(const std::string& source) {
  std::string code;
  for (size_t at = 0; at < source.size();) {
    const size_t end = EndOfNoCode(source, at);
    if (end == at) {
      code += source[at++];
      continue;
    }
    if (source[at] == '"' || source[at] == '\'' || source[at] == 'R') code += "\"\"";
    code.append(LinesIn(source, at, end), '\n');
    at = end;
  }
  return code;
}

std::vector<SourceFunction> FunctionsOf(const std::string& code) {
  std::vector<SourceFunction> functions;
  std::vector<Scope> scopes;
  size_t head_begin = 0;
  int function_depth = 0;
  const auto add = [&](size_t head_end) {
    const size_t first = std::min(code.find_first_not_of(" \t\n", head_begin), head_end);
    const std::string head = code.substr(first, head_end - first);
    functions.push_back({head, LinesIn(code, 0, first) + 1, 0, NumParameters(head)});
  };
  for (size_t at = 0; at < code.size(); ++at) {
    const char c = code[at];
    if (c == ';' && function_depth == 0) {
      if (code.substr(head_begin, at - head_begin).find('(') != std::string::npos) add(at);
      head_begin = at + 1;
    }
    if (c == '{') {
      const Scope scope =
          function_depth > 0 ? Scope::kFunction : ScopeOf(code.substr(head_begin, at - head_begin));
      if (scope == Scope::kFunction && function_depth++ == 0) add(at);
      scopes.push_back(scope);
      if (scope == Scope::kOpen) head_begin = at + 1;
    }
    if (c == '}' && !scopes.empty()) {
      const Scope scope = scopes.back();
      scopes.pop_back();
      if (scope == Scope::kFunction && --function_depth == 0) {
        functions.back().lines = LinesIn(code, 0, at) + 2 - functions.back().line;
      }
      if (function_depth == 0) head_begin = at + 1;
    }
  }
  return functions;
}
