#include "semfield/ops/nearest_rows.h"

#include <gtest/gtest.h>

#include <vector>

#include "semfield/base/random.h"
#include "semfield/ops/nearest_rows_reference.h"
#include "semfield/ops/simd_target.h"

namespace semfield::ops {
namespace {

class NearestRowsTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ForceTarget(GetParam()); }
  void TearDown() override { ForceTarget(""); }
};

INSTANTIATE_TEST_SUITE_P(Targets, NearestRowsTest, testing::ValuesIn(SupportedTargets()),
                         [](const auto& info) { return info.param; });

TEST_P(NearestRowsTest, AgreesWithTheReferenceForEverySize) {
  Random random(3);
  for (const int channels : {1, 7, 16, 33, 130}) {
    for (const int num_queries : {0, 1, 3, 4, 9, 70}) {
      for (const int num_rows : {1, 2, 4, 7, 21}) {
        std::vector<float> queries(num_queries * channels), rows(num_rows * channels);
        for (float& value : queries) value = random.Uniform(-1, 1);
        for (float& value : rows) value = random.Uniform(-1, 1);
        std::vector<int32_t> best(num_queries), expected(num_queries);
        std::vector<float> score(num_queries), expected_score(num_queries);
        NearestRows(queries, rows, channels, best, score);
        NearestRowsReference(queries, rows, channels, expected, expected_score);
        EXPECT_EQ(best, expected) << channels << " " << num_queries << " " << num_rows;
        for (int q = 0; q < num_queries; ++q) EXPECT_NEAR(score[q], expected_score[q], 1e-4f);
      }
    }
  }
}

TEST_P(NearestRowsTest, TheFirstOfEqualRowsIsTaken) {
  const std::vector<float> query{1, 2}, rows{0, 1, 2, 0, 0, 1, -1, 9, -1, 9};
  std::vector<int32_t> best(1);
  std::vector<float> score(1);
  NearestRows(query, rows, 2, best, score);
  EXPECT_EQ(best[0], 3);
  EXPECT_FLOAT_EQ(score[0], 17);
  NearestRows(query, std::vector<float>{0, 1, 2, 0, 0, 1}, 2, best, score);
  EXPECT_EQ(best[0], 0);
}

}  // namespace
}  // namespace semfield::ops
