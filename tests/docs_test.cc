// Pages of docs/ keep their promises: messages that troubleshooting.md explains are messages that the program
// says, and links between pages lead somewhere.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

fs::path SourceFolder() {
  const char* folder = std::getenv("SEMFIELD_SOURCE_DIR");
  return folder == nullptr ? "." : folder;
}

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr char kAnything = '\1';  // stands for "{}" of a message and for an ellipsis of a heading

// The string literals of a C++ file, adjacent ones joined, with placeholders as kAnything.
std::string LiteralsOf(const std::string& text) {
  std::string literals;
  size_t last_end = std::string::npos;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "//") == 0) {
      i = std::min(text.find('\n', i), text.size());
    } else if (text[i] == '\'' && i + 2 < text.size() && (text[i + 1] == '\\' || text[i + 2] == '\'')) {
      i = std::min(text.find('\'', i + (text[i + 1] == '\\' ? 3 : 2)), text.size());
    } else if (text[i] == '"') {
      const bool adjacent = last_end != std::string::npos && text.find_first_not_of(" \n", last_end + 1) == i;
      if (!adjacent) literals += '\n';
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
        if (text[i] == '{' && text.find('}', i) - i < 12) {
          i = text.find('}', i);
          literals += kAnything;
        } else {
          literals += text[i];
        }
      }
      last_end = i;
    }
  }
  return literals;
}

std::string AllLiterals() {
  std::string all;
  for (const char* folder : {"src", "apps"}) {
    for (const auto& entry : fs::recursive_directory_iterator(SourceFolder() / folder)) {
      const std::string name = entry.path().filename().string();
      const bool is_test = name.size() > 8 && name.compare(name.size() - 8, 8, "_test.cc") == 0;
      if (entry.path().extension() == ".cc" && !is_test) all += LiteralsOf(Read(entry.path()));
    }
  }
  return all;
}

TEST(Docs, TroubleshootingExplainsMessagesThatExist) {
  const std::string all = AllLiterals();
  const std::string page = Read(SourceFolder() / "docs/troubleshooting.md");
  const std::string start = "\n### `", ellipsis = "…";
  int count = 0;
  for (size_t at = 0; (at = page.find(start, at)) != std::string::npos;) {
    at += start.size();
    std::string message = page.substr(at, page.find('`', at) - at);
    for (size_t dots = 0; (dots = message.find(ellipsis, dots)) != std::string::npos;) {
      message.replace(dots, ellipsis.size(), 1, kAnything);
    }
    EXPECT_NE(all.find(message), std::string::npos) << message;
    ++count;
  }
  EXPECT_GT(count, 40);
}

std::vector<fs::path> AllPages() {
  std::vector<fs::path> pages;
  for (const char* page : {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"})
    pages.push_back(SourceFolder() / page);
  for (const auto& entry : fs::recursive_directory_iterator(SourceFolder() / "docs")) {
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  }
  return pages;
}

// A line without code, targets of links and what stands in parentheses, which may hold points of their own.
std::string Bare(std::string line) {
  for (const char* part :
       {"^ *[0-9]+\\. ", "`[^`]*`", R"(\]\([^)]*\))", R"(\([^()]*\))", R"(\([^()]*\))", R"(\(.*$)"})
    line = std::regex_replace(line, std::regex(part), "");
  return line;
}

bool HoldsTwoSentences(const std::string& line) {
  static const std::regex boundary(R"(([A-Za-z.]+|[^A-Za-z. ])[.!?][*_"']* +[A-Z])");
  const std::string bare = Bare(line);
  for (std::sregex_iterator it(bare.begin(), bare.end(), boundary), end; it != end; ++it) {
    const std::string before = (*it)[1];
    const bool is_abbreviation = before == "al" || before == "e.g" || before == "i.e" || before == "Eq" ||
                                 before == "cf" || before.size() == 1;
    if (!is_abbreviation || std::isdigit(static_cast<unsigned char>(before[0]))) return true;
  }
  return false;
}

bool HoldsABarePoint(const std::string& line) {
  static const std::regex number(R"((^|[^0-9A-Za-z_./])\.[0-9])");
  return std::regex_search(std::regex_replace(line, std::regex("`[^`]*`"), ""), number);
}

TEST(Docs, LinesHoldOneSentenceAndNumbersADigitBeforeThePoint) {
  for (const fs::path& page : AllPages()) {
    std::istringstream lines(Read(page));
    std::string line;
    bool is_code = false;
    for (int number = 1; std::getline(lines, line); ++number) {
      if (line.find("```") != std::string::npos) is_code = !is_code;
      if (is_code || line.rfind("    ", 0) == 0) continue;
      EXPECT_FALSE(HoldsABarePoint(line)) << page << ":" << number << ": " << line;
      const size_t first = line.find_first_not_of(' ');
      if (first == std::string::npos || line[first] == '|' || line[0] == '#' || line[0] == '<') continue;
      EXPECT_FALSE(HoldsTwoSentences(line)) << page << ":" << number << ": " << line;
    }
  }
  EXPECT_TRUE(HoldsTwoSentences("One sentence. Another one."));
  EXPECT_TRUE(HoldsTwoSentences("It takes 0.5. Then it ends."));
  EXPECT_FALSE(HoldsTwoSentences("The file `a.b. C` of Chen et al. Names (as here. Or here) are one."));
  EXPECT_TRUE(HoldsABarePoint("It has .05 dB."));
  EXPECT_FALSE(HoldsABarePoint("It has 0.05 dB in `.05` and v1.2.3 of a.b."));
}

TEST(Docs, LinksLeadToFiles) {
  for (const fs::path& page : AllPages()) {
    const std::string text = Read(page);
    for (size_t at = 0; (at = text.find("](", at)) != std::string::npos;) {
      at += 2;
      std::string target = text.substr(at, text.find(')', at) - at);
      target = target.substr(0, target.find('#'));
      if (target.empty() || target.find("://") != std::string::npos) continue;
      EXPECT_TRUE(fs::exists(page.parent_path() / target)) << page << ": " << target;
    }
  }
}

}  // namespace
