#include "semfield/training/presets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/options.h"
#include "semfield/base/test_folder.h"

namespace semfield {
namespace {

class PresetsTest : public testing::Test {
 protected:
  PresetsTest() { ::setenv("SEMFIELD_CONFIGS", folder_.path().c_str(), 1); }
  ~PresetsTest() override { ::unsetenv("SEMFIELD_CONFIGS"); }
  static std::string LoadError(const std::string& task, const std::string& name) {
    try {
      LoadPreset(task, name);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  TestFolder folder_;
};

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(PresetsTest, ChosenFolderComesFirstAndOptionsTakeIt) {
  WriteFileAtomically(folder_ / "test-task/fast.json", R"({"steps": 123})");
  ASSERT_FALSE(PresetFolders().empty());
  EXPECT_EQ(PresetFolders().front(), folder_.path());
  EXPECT_EQ(FindPreset("test-task", "fast"), folder_ / "test-task/fast.json");
  int steps = 0;
  OptionList list;
  list.Int("steps", &steps, "Steps.");
  OptionsFromJson(list, LoadPreset("test-task", "fast"), "preset fast");
  EXPECT_EQ(steps, 123);
}

TEST_F(PresetsTest, UnknownListsTheKnownNearestFirst) {
  for (const char* name : {"accurate", "balanced", "fast"}) {
    WriteFileAtomically(folder_ / (std::string("test-task/") + name + ".json"), "{}");
  }
  WriteFileAtomically(folder_ / "test-task/notes.txt", "");
  EXPECT_EQ(PresetNames("test-task"), (std::vector<std::string>{"accurate", "balanced", "fast"}));
  const std::string message = LoadError("test-task", "fsat");
  EXPECT_TRUE(Contains(message, "unknown preset 'fsat' for test-task; known: fast, accurate, balanced"))
      << message;
}

TEST_F(PresetsTest, NoPresetsSaysWhereItLooked) {
  EXPECT_TRUE(PresetNames("no-such-task").empty());
  EXPECT_TRUE(Contains(LoadError("no-such-task", "fast"), folder_.path().string()));
}

TEST_F(PresetsTest, NamesAreNotPaths) {
  WriteFileAtomically(folder_ / "secret.json", "{}");
  WriteFileAtomically(folder_ / "test-task/fast.json", "{}");
  for (const char* name : {"../secret", "", ".", "fast.json", "a/b"}) {
    EXPECT_NE(LoadError("test-task", name), "") << name;
  }
  EXPECT_NE(LoadError("..", "secret"), "");
  EXPECT_NE(LoadError("test-task/..", "secret"), "");
}

TEST_F(PresetsTest, DamagedNamesItself) {
  for (const char* text : {"{", "[]", "3"}) {
    WriteFileAtomically(folder_ / "test-task/fast.json", text);
    EXPECT_TRUE(Contains(LoadError("test-task", "fast"), "fast.json")) << text;
  }
}

struct ToyOptions {
  int steps = 10;
  double rate = 0.5;
  std::string pairs = "neighbours";
  int width = 64;
  void Describe(OptionList& list) {
    list.Int("steps", &steps, "Steps.");
    list.Real("rate", &rate, "Rate.");
    list.Text("pairs", &pairs, "Pairs.");
    list.Int("width", &width, "Width.");
  }
};

TEST(ApplyPreset, WhatTheCallerSetWins) {
  ToyOptions options;
  options.steps = 77;
  options.pairs = "any";
  ApplyPreset({{"steps", 5}, {"rate", 0.25}, {"pairs", "neighbours"}}, "preset", {}, &options);
  EXPECT_EQ(options.steps, 77);
  EXPECT_EQ(options.rate, 0.25);
  EXPECT_EQ(options.pairs, "any");
  EXPECT_EQ(options.width, 64);
  EXPECT_THROW(ApplyPreset({{"no-such-option", 5}}, "preset", {}, &options), Error);
}

// A value that equals the default is a value all the same when it was given.
TEST(ApplyPreset, AGivenDefaultWins) {
  ToyOptions options;
  ApplyPreset({{"steps", 5}, {"rate", 0.25}}, "preset", {"steps"}, &options);
  EXPECT_EQ(options.steps, 10);
  EXPECT_EQ(options.rate, 0.25);
}

TEST(WarnAboutUnused, TellsOfGivenDefaultsToo) {
  std::vector<std::string> warnings;
  SetLogSink([&](LogLevel, const std::string& message) { warnings.push_back(message); });
  ToyOptions stored;
  stored.steps = 5;
  stored.rate = 0.25;
  WarnAboutUnused({"steps"}, ToyOptions{}, stored, "run");
  SetLogSink({});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(Contains(warnings[0], "--steps 10 is not used, 5 is")) << warnings[0];
}

}  // namespace
}  // namespace semfield
