#include "semfield/edits/picture_transfer.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

// Pictures of one row whose pixels have features of two channels; {} has none and is transparent.
FeatureRows Rows(const std::vector<std::vector<float>>& features) {
  std::vector<float> values;
  for (const std::vector<float>& feature : features) {
    values.push_back(feature.empty() ? 0 : feature[0]);
    values.push_back(feature.empty() ? 0 : feature[1]);
  }
  return RowsOf(values, 2);
}

ImageU8 Row(const std::vector<std::array<uint8_t, 4>>& pixels) {
  ImageU8 image(static_cast<int>(pixels.size()), 1, 4);
  for (size_t i = 0; i < pixels.size(); ++i) std::copy_n(pixels[i].begin(), 4, &image.data[4 * i]);
  return image;
}

const FeatureRows kSource = Rows({{1, 0}, {0, 1}, {1, 1}});
const ImageU8 kColors = Row({{200, 0, 0, 255}, {0, 200, 0, 255}, {9, 9, 9, 100}});

TEST(CarriedColors, AreThoseOfTheNearestOpaquePixels) {
  const FeatureRows target = Rows({{5, 1}, {}, {1, 5}, {6, 5}});
  const ImageU8 picture = Row({{1, 2, 3, 255}, {0, 0, 0, 0}, {4, 5, 6, 128}, {7, 8, 9, 255}});
  const ImageU8 changed = CarryColors(kSource, kColors, target, picture, {}, {.smoothing = 0});
  // The third source pixel is nearest to the last target pixel, but half transparent.
  EXPECT_EQ(changed.data, Row({{200, 0, 0, 255}, {0, 0, 0, 0}, {0, 200, 0, 128}, {200, 0, 0, 255}}).data);
  const std::vector<uint8_t> mask{0, 1, 1, 0};
  const ImageU8 part = CarryColors(kSource, kColors, target, picture, mask, {.smoothing = 0});
  EXPECT_EQ(part.data, Row({{1, 2, 3, 255}, {0, 0, 0, 0}, {0, 200, 0, 128}, {7, 8, 9, 255}}).data);
}

TEST(CarriedColors, SmoothingPrefersWhatFitsThePixel) {
  // The middle pixel's feature is a little nearer to red; its neighbours are green.
  const FeatureRows target = Rows({{0, 1}, {1, 0.99f}, {0, 1}});
  const ImageU8 picture = Row({{0, 0, 0, 255}, {0, 0, 0, 255}, {0, 0, 0, 255}});
  const ImageU8 changed = CarryColors(kSource, kColors, target, picture, {}, {.smoothing = 1});
  // Cosines of 0.7107 with red and 0.7035 with green: red weighs exp(30 * 0.0071) = 1.238 of 3.238.
  EXPECT_NEAR(changed.data[4], 0.382 * 200, 1);
  EXPECT_NEAR(changed.data[5], 0.618 * 200, 1);
  EXPECT_GT(changed.data[1], 199);  // red does not fit here at all
}

TEST(CarriedColors, KeepTheTargetsShading) {
  const FeatureRows target = Rows({{1, 0}, {1, 0}});
  const ImageU8 picture = Row({{100, 100, 100, 255}, {50, 50, 50, 255}});
  const ImageU8 changed =
      CarryColors(kSource, kColors, target, picture, {}, {.smoothing = 0, .keep_shading = true});
  // The mean lightness is the carried colour's; the first pixel stays twice as light.
  EXPECT_EQ(changed.data[4], 133);
  EXPECT_EQ(changed.data[0], 255);  // 267 would be
}

TEST(Sheets, StandBesideEachOtherOverWhite) {
  const ImageU8 sheet = SideBySide({ImageU8(2, 1, 3, 7), ImageU8(1, 2, 4, 0)});
  EXPECT_EQ(sheet.width, 7);
  EXPECT_EQ(sheet.height, 2);
  EXPECT_EQ(sheet.At(0, 0), 7);
  EXPECT_EQ(sheet.At(6, 1), 255);
  ImageU8 parts(2, 1, 1);
  parts.data = {0, 1};
  const ImageU8 shown = ShowParts(Row({{10, 20, 30, 255}, {10, 20, 30, 255}}), parts);
  EXPECT_EQ(shown.data[0], 10);
  EXPECT_NE(shown.data[3], 10);
}

}  // namespace
}  // namespace semfield
