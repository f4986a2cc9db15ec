#include "semfield/capture/scene_list.h"

#include <gtest/gtest.h>

#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using namespace testing_support;

class SceneList : public ::testing::Test {
 protected:
  SceneList() {
    for (const char* name : {"a", "b", "c"}) std::filesystem::create_directories(folder_ / name);
  }
  std::vector<ListedScene> Read(const std::string& text) {
    WriteBytes(file_, text);
    return ReadSceneList(file_);
  }
  std::string ErrorOf(const std::string& text) {
    try {
      Read(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  TempFolder folder_{"list"};
  const std::filesystem::path file_ = folder_ / "scenes.json";
};

TEST_F(SceneList, PathsAreRelativeToTheListAndSplitsHaveADefault) {
  const auto scenes =
      Read(R"({"scenes": [{"path": "b", "split": "train"}, "a", {"path": "./c/../c", "split": "test"}]})");
  ASSERT_EQ(scenes.size(), 3u);
  EXPECT_EQ(scenes[0].path, folder_ / "b");
  EXPECT_EQ(scenes[0].split, "train");
  EXPECT_EQ(scenes[1].split, "test");
  EXPECT_EQ(scenes[2].path, folder_ / "c");
  EXPECT_EQ(ScenesOf(scenes, "test", file_).size(), 2u);
  try {
    ScenesOf(scenes, "val", file_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no scene of split 'val'; there are: test, train"),
              std::string::npos);
  }
}

TEST_F(SceneList, DamagedListsAreNamed) {
  const auto says = [&](const std::string& text, const std::string& part) {
    EXPECT_NE(ErrorOf(text).find(part), std::string::npos) << ErrorOf(text);
  };
  says("{}", "scenes.json: scenes");
  says(R"({"scenes": []})", "scenes: expected a list of scenes");
  says(R"({"scenes": ["a", "nowhere"]})", "scenes[1]: ");
  says(R"({"scenes": ["a", "a"]})", "scenes[1]: ");
  says(R"({"scenes": [{"split": "test"}]})", "scenes[0].path");
  says(R"({"scenes": [7]})", "scenes[0]");
  says("{", "scenes.json");
}

}  // namespace
}  // namespace semfield
