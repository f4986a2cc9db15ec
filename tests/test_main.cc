#include <gtest/gtest.h>

// As gtest_main, but says with exit code 77 that nothing failed and something was skipped (data or weights
// that are not there), so that ctest reports the skip and can never hide a failure behind it.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  if (failed != 0) return failed;
  return testing::UnitTest::GetInstance()->skipped_test_count() > 0 ? 77 : 0;
}
