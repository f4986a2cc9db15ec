#include "semfield/ops/simd_target.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "semfield/base/error.h"

namespace semfield::ops {
namespace {

class SimdTargetTest : public testing::Test {
 protected:
  void SetUp() override { unsetenv("SEMFIELD_ISA"); }
  void TearDown() override {
    unsetenv("SEMFIELD_ISA");
    ForceTarget("");
  }
};

TEST_F(SimdTargetTest, ScalarIsAlwaysThereAndLast) {
  const std::vector<std::string> targets = SupportedTargets();
  ASSERT_FALSE(targets.empty());
  EXPECT_EQ(targets.back(), "scalar");
  EXPECT_EQ(ActiveTarget(), targets.front());
}

TEST_F(SimdTargetTest, ForceHoldsUntilLifted) {
  for (const std::string& target : SupportedTargets()) {
    ForceTarget(target);
    EXPECT_EQ(ActiveTarget(), target);
  }
  ForceTarget("");
  EXPECT_EQ(ActiveTarget(), SupportedTargets().front());
}

TEST_F(SimdTargetTest, TheEnvironmentRestrictsAndForceGoesFirst) {
  setenv("SEMFIELD_ISA", "scalar", 1);
  ForceTarget("");
  EXPECT_EQ(ActiveTarget(), "scalar");
  ForceTarget(SupportedTargets().front());
  EXPECT_EQ(ActiveTarget(), SupportedTargets().front());
}

TEST_F(SimdTargetTest, AnUnknownNameIsAnErrorThatListsTheTargets) {
  try {
    ForceTarget("altivec");
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("altivec"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("scalar"), std::string::npos) << error.what();
  }
  EXPECT_EQ(ActiveTarget(), SupportedTargets().front());
  setenv("SEMFIELD_ISA", "sse9", 1);
  EXPECT_THROW(ActiveTarget(), Error);
  EXPECT_EQ(SupportedTargets().back(), "scalar");
}

}  // namespace
}  // namespace semfield::ops
