#include "semfield/ops/mlp_tape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "semfield/base/check.h"

namespace semfield::ops {
namespace {

constexpr size_t kStride = 16;

// Value 16 row + column: bfloat16 holds it exactly.
void Number(MlpTape& tape, int columns) {
  for (int r = 0; r < tape.num_rows(); ++r) {
    for (int c = 0; c < columns; ++c) {
      const float value = static_cast<float>(16 * r + c);
      if (tape.number() == MlpTape::Number::kFloat) {
        tape.Row<float>(r)[c] = value;
      } else {
        tape.Row<uint16_t>(r)[c] = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
      }
    }
  }
}

class MlpTapeTest : public testing::TestWithParam<MlpTape::Number> {};

TEST_P(MlpTapeTest, KeepsValuesOfEveryKindOfNumber) {
  MlpTape tape;
  tape.Begin(3, kStride, GetParam());
  Number(tape, 7);
  EXPECT_EQ(tape.num_rows(), 3);
  EXPECT_EQ(tape.stride(), kStride);
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 7; ++c) EXPECT_EQ(tape.Value(r, c), 16 * r + c);
  }
}

TEST_P(MlpTapeTest, CompactKeepsTheFrontOfEveryRay) {
  MlpTape tape;
  tape.Begin(2, kStride, GetParam());
  Number(tape, 12);
  // Four rays of 4, 3, 0 and 5 columns keep 2, 3, 0 and 1.
  const std::vector<int32_t> old_begin = {0, 4, 7, 7, 12}, new_begin = {0, 2, 5, 5, 6};
  tape.Compact({old_begin.data(), new_begin.data(), 4});
  for (int r = 0; r < 2; ++r) {
    const int kept[] = {0, 1, 4, 5, 6, 7};
    for (int c = 0; c < 6; ++c) EXPECT_EQ(tape.Value(r, c), 16 * r + kept[c]) << r << " " << c;
  }
}

TEST_P(MlpTapeTest, OtherNumbersAndRowsAreRefused) {
  MlpTape tape;
  tape.Begin(2, kStride, GetParam());
  if (GetParam() == MlpTape::Number::kFloat) {
    EXPECT_THROW(tape.Row<uint16_t>(0), BugError);
  } else {
    EXPECT_THROW(tape.Row<float>(0), BugError);
  }
  EXPECT_THROW(tape.Value(2, 0), BugError);
  EXPECT_THROW(tape.Value(-1, 0), BugError);
  EXPECT_THROW(MlpTape().Value(0, 0), BugError);
}

INSTANTIATE_TEST_SUITE_P(Numbers, MlpTapeTest,
                         testing::Values(MlpTape::Number::kFloat, MlpTape::Number::kBfloat16));

TEST(MlpTape, ReservedRoomServesBothKindsOfNumber) {
  MlpTape tape;
  tape.Reserve(4, kStride);
  tape.Begin(4, kStride, MlpTape::Number::kBfloat16);
  const void* room = tape.Row<uint16_t>(0);
  tape.Begin(4, kStride, MlpTape::Number::kFloat);
  EXPECT_EQ(tape.Row<float>(0), room);
  tape.Begin(2, kStride, MlpTape::Number::kFloat);
  EXPECT_EQ(tape.Row<float>(0), room);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(room) % 64, 0u);
}

TEST(CompactRows, IsTheSameForPlainRows) {
  std::vector<float> rows(2 * kStride);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
  const std::vector<int32_t> old_begin = {0, 2, 9}, new_begin = {0, 1, 4};
  CompactRows(rows.data(), 2, kStride, {old_begin.data(), new_begin.data(), 2});
  const std::vector<float> front(rows.begin(), rows.begin() + 4);
  const std::vector<float> second(rows.begin() + kStride, rows.begin() + kStride + 4);
  EXPECT_EQ(front, (std::vector<float>{0, 2, 3, 4}));
  EXPECT_EQ(second, (std::vector<float>{16, 18, 19, 20}));
}

}  // namespace
}  // namespace semfield::ops
