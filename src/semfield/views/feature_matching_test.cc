#include "semfield/views/feature_matching.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

// Places with features of two channels, {} where a place has none.
FeatureRows Rows(const std::vector<std::vector<float>>& features) {
  std::vector<float> values;
  for (const std::vector<float>& feature : features) {
    values.push_back(feature.empty() ? 0 : feature[0]);
    values.push_back(feature.empty() ? 0 : feature[1]);
  }
  return RowsOf(values, 2);
}

TEST(FeatureRows, HaveUnitLengthAndLeaveOutWhatIsZero) {
  const FeatureRows rows = Rows({{}, {3, 4}, {}, {0, -2}});
  EXPECT_EQ(rows.places, (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(rows.row_of_place, (std::vector<int32_t>{-1, 0, -1, 1}));
  EXPECT_FLOAT_EQ(rows.values[0], 0.6f);
  EXPECT_FLOAT_EQ(rows.values[1], 0.8f);
  EXPECT_FLOAT_EQ(rows.values[3], -1);
  const FeatureMap map{2, 1, 2, {3, 0, 4, 0}, ""};  // channel 0 of both pixels, then channel 1
  EXPECT_EQ(RowsOf(map).places, (std::vector<int32_t>{0}));
  EXPECT_FLOAT_EQ(RowsOf(map).values[1], 0.8f);
}

TEST(CarriedParts, TakeTheNearestPartAndWithoutAMaskTheBackgroundToo) {
  // Directions of 0, 90 and 45 degrees; the last one is background with a feature.
  const FeatureRows source = Rows({{1, 0}, {0, 1}, {1, 1}, {}});
  const std::vector<uint8_t> parts{1, 2, 0, 3};
  const FeatureRows target = Rows({{5, 1}, {1, 5}, {5, 4}, {}});
  const CarriedParts carried = CarryParts(source, parts, target);
  EXPECT_EQ(carried.by_truth, (std::vector<uint8_t>{1, 2, 1, kNoPart}));
  EXPECT_EQ(carried.mask_free, (std::vector<uint8_t>{1, 2, 0, 0}));
}

TEST(CarriedPlaces, AreTheNearestAllowedOnes) {
  const FeatureRows source = Rows({{1, 0}, {}, {0, 1}});
  const FeatureRows target = Rows({{1, 1}, {2, 1}, {}, {0, 3}});
  const std::vector<int32_t> queries{0, 1, 2, -1};
  EXPECT_EQ(CarryPlaces(source, queries, target, {}), (std::vector<int32_t>{1, -1, 3, -1}));
  const std::vector<uint8_t> allowed{7, 0, 1, 0};
  EXPECT_EQ(CarryPlaces(source, queries, target, allowed), (std::vector<int32_t>{0, -1, 0, -1}));
  EXPECT_EQ(CarryPlaces(source, queries, target, std::vector<uint8_t>(4, 0)), (std::vector<int32_t>(4, -1)));
}

TEST(NearestPixel, IsAmongThoseWithAFeature) {
  const FeatureRows rows = Rows({{}, {1, 1}, {}, {}, {}, {1, 0}});  // three pixels wide
  EXPECT_EQ(NearestPixelWithFeature(rows, {0.2, 0.2}, 3), 1);
  EXPECT_EQ(NearestPixelWithFeature(rows, {2.9, 1.0}, 3), 5);
  EXPECT_EQ(NearestPixelWithFeature(Rows({{}, {}}), {0, 0}, 2), -1);
}

}  // namespace
}  // namespace semfield
