// base/parallel is the one place that starts threads: whoever else did would take cores from a training that
// counts on them, and would have to find its own answer to a thread that cannot be started.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

std::string ReadText(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

bool StartsThreads(const std::string& source) {
  static const std::regex kStart(R"(\bstd::(thread\b(?!::)|jthread\b|async\b)|\bpthread_create\b)");
  return std::regex_search(source, kStart);
}

TEST(Threads, WhatStartsOne) {
  EXPECT_TRUE(StartsThreads("std::thread worker(work);"));
  EXPECT_TRUE(StartsThreads("std::vector<std::thread> workers_;"));
  EXPECT_TRUE(StartsThreads("auto later = std::async(work);"));
  EXPECT_FALSE(StartsThreads("const std::thread::id mine = std::this_thread::get_id();"));
}

TEST(Threads, ComeFromBaseParallelAlone) {
  const char* given = std::getenv("SEMFIELD_SOURCE_DIR");
  const fs::path source = given == nullptr ? fs::current_path() : fs::path(given);
  int files = 0;
  for (const char* folder : {"src", "apps"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / folder)) {
      const std::string name = entry.path().filename().string();
      const bool is_source = name.ends_with(".h") || name.ends_with(".cc");
      if (!is_source || name.ends_with("_test.cc") || name == "parallel.h" || name == "parallel.cc") continue;
      ++files;
      EXPECT_FALSE(StartsThreads(ReadText(entry.path())))
          << entry.path() << " starts threads of its own; take BackgroundThreads of base/parallel.h";
    }
  }
  EXPECT_GT(files, 200);
}

}  // namespace
