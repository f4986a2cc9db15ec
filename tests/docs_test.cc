// Pages of docs/ keep their promises: messages that troubleshooting.md explains are messages that the program
// says, and links between pages lead somewhere.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
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

TEST(Docs, LinksLeadToFiles) {
  std::vector<fs::path> pages = {SourceFolder() / "README.md", SourceFolder() / "CONTRIBUTING.md"};
  for (const auto& entry : fs::recursive_directory_iterator(SourceFolder() / "docs")) {
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  }
  for (const fs::path& page : pages) {
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
