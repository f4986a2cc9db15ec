// The house's rules about what a reader has before them: functions that fit a screen, few arguments, one
// spelling of names.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/source_text.h"

namespace {

namespace fs = std::filesystem;

constexpr int kMaxFunctionLines = 60;
constexpr int kMaxParameters = 6;

struct SourceFile {
  std::string path;
  std::string code;
};

std::vector<SourceFile> AllSources() {
  const char* dir = std::getenv("SEMFIELD_SOURCE_DIR");
  const fs::path root = dir == nullptr ? fs::current_path() : fs::path(dir);
  std::vector<SourceFile> files;
  for (const char* top : {"src", "apps", "bench", "tests", "fuzz", "examples"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cc") continue;
      std::ifstream in(entry.path());
      std::stringstream text;
      text << in.rdbuf();
      files.push_back(
          {fs::relative(entry.path(), root).generic_string(), WithoutCommentsAndLiterals(text.str())});
    }
  }
  return files;
}

TEST(Functions, AreShortAndTakeFewArguments) {
  int num_functions = 0;
  for (const SourceFile& file : AllSources()) {
    for (const SourceFunction& function : FunctionsOf(file.code)) {
      ++num_functions;
      EXPECT_LE(function.lines, kMaxFunctionLines)
          << file.path << ":" << function.line << ": " << function.head;
      EXPECT_LE(function.num_parameters, kMaxParameters)
          << file.path << ":" << function.line << ": make them a struct: " << function.head;
    }
  }
  EXPECT_GT(num_functions, 2000);
}

TEST(Names, HaveOneSpelling) {
  const std::regex other("[A-Za-z_]*([Cc]olour|[Cc]entre|[Nn]eighbour|[Bb]ehaviour|[Gg]rey)\\w*");
  for (const SourceFile& file : AllSources()) {
    std::smatch name;
    EXPECT_FALSE(std::regex_search(file.code, name, other)) << file.path << ": " << name[0];
  }
}

TEST(SourceText, FindsFunctionsTheirLengthAndTheirParameters) {
  const std::string source =
      "#include <a>  // f(1, 2)\n"
      "namespace x {\n"
      "/* g(int a) { */\n"
      "class Y : public Z {\n"
      " public:\n"
      "  explicit Y(int a) : a_{a} {}\n"
      "  int a(std::pair<int, int> p, const char* s = \"a, b\") const;\n"
      "};\n"
      "int F(int a, int b,\n"
      "      int c) {\n"
      "  const auto g = [](int d, int e) { return d + e; };\n"
      "  return g(a, '}');\n"
      "}\n"
      "}  // namespace x\n";
  const std::vector<SourceFunction> functions = FunctionsOf(WithoutCommentsAndLiterals(source));
  ASSERT_EQ(functions.size(), 3u);
  EXPECT_EQ(functions[0].num_parameters, 1);
  EXPECT_EQ(functions[1].num_parameters, 2);
  EXPECT_EQ(functions[1].line, 7);
  EXPECT_EQ(functions[1].lines, 0);
  EXPECT_EQ(functions[2].num_parameters, 3);
  EXPECT_EQ(functions[2].line, 9);
  EXPECT_EQ(functions[2].lines, 5);
  EXPECT_EQ(WithoutCommentsAndLiterals("a \"x\\\"y\" b R\"(c\n)\" 1'000 // d\ne"),
            "a \"\" b \"\"\n 1'000 \ne");
}

}  // namespace
