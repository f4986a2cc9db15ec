#include "semfield/methods/scenes_module.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/test_threads.h"

namespace semfield {
namespace {

class ScenesModuleTest : public testing::Test {
 protected:
  void TearDown() override { unsetenv("SEMFIELD_SCENES"); }
  static std::string ErrorOfLoading(const char* path) {
    setenv("SEMFIELD_SCENES", path, 1);
    try {
      LoadScenesModule("method 'gnesf'");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kResource);
      return error.what();
    }
    return "";
  }
};

#define EXPECT_HOLDS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(ScenesModuleTest, OneThatFitsHasMethods) {
  const ScopedThreads threads(3);
  setenv("SEMFIELD_SCENES", STAND_IN, 1);
  const auto methods = LoadScenesModule("test");
  ASSERT_EQ(methods.size(), 1u);
  EXPECT_EQ(methods[0]->info().name, "stand_in");
  EXPECT_EQ(methods[0]->info().sentence, "Answers for tests on 3 threads.");
}

TEST_F(ScenesModuleTest, OneOfAnotherBuildIsRefused) {
  const std::string message = ErrorOfLoading(OTHER_BUILD);
  EXPECT_HOLDS(message, "method 'gnesf'");
  EXPECT_HOLDS(message, "(build another), expected");
  EXPECT_HOLDS(message, "semfield-scenes");
}

TEST_F(ScenesModuleTest, AnotherLibraryAndADamagedFileAreRefused) {
  EXPECT_HOLDS(ErrorOfLoading(NO_MODULE), "is not a module of semfield");
  EXPECT_HOLDS(ErrorOfLoading(__FILE__), "SEMFIELD_SCENES");
}

TEST_F(ScenesModuleTest, AMissingOneSaysWhereItWasLookedForAndWhatToDo) {
  const std::string message = ErrorOfLoading("/nowhere/libsemfield_scenes.so");
  EXPECT_HOLDS(message, "needs the module libsemfield_scenes.so, which is not installed");
  EXPECT_HOLDS(message, "/nowhere/");
  EXPECT_HOLDS(message, "-DSEMFIELD_BUILD_SCENES=ON");
  unsetenv("SEMFIELD_SCENES");
  EXPECT_EQ(ScenesModulePaths().size(), 2u);
}

TEST_F(ScenesModuleTest, AListOpensTheModuleWhenOneOfItsMethodsIsAskedFor) {
  setenv("SEMFIELD_SCENES", "/nowhere", 1);
  const MethodList methods({}, {"stand_in"});
  EXPECT_EQ(methods.Names(), std::vector<std::string>{"stand_in"});  // known without being opened
  EXPECT_HOLDS(ErrorOfLoading("/nowhere"), "not installed");
  EXPECT_THROW(methods.Find("stand_in"), Error);
  setenv("SEMFIELD_SCENES", STAND_IN, 1);
  EXPECT_EQ(methods.Find("stand_in").info().name, "stand_in");
  EXPECT_EQ(&methods.Find("stand_in"), &methods.Find("stand_in"));
}

}  // namespace
}  // namespace semfield
