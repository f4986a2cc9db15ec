#include "semfield/evaluation/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/random.h"

namespace semfield {
namespace {

ImageF Ramp(int width, int height, double a, double b, double c) {
  ImageF image(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int k = 0; k < 3; ++k) image.At(x, y, k) = static_cast<float>(a + b * x + c * y + 0.05 * k);
    }
  }
  return image;
}

// A patchy picture by a formula that the golden values' script repeats.
ImageF Pattern(int width, int height, int phase) {
  ImageF image(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int k = 0; k < 3; ++k) {
        image.At(x, y, k) = static_cast<float>((x * 7 + y * 13 + k * 5 + phase * (x % 3)) % 17) / 16.0f;
      }
    }
  }
  return image;
}

TEST(Psnr, OfAConstantOffset) {
  const ImageF a(8, 6, 3, 0.5f), b(8, 6, 3, 0.25f);
  const SquaredError error = PictureError(a, b, nullptr);
  EXPECT_EQ(error.count, 8 * 6 * 3);
  EXPECT_DOUBLE_EQ(error.mean(), 0.0625);
  EXPECT_NEAR(PsnrOfMse(error.mean()), 12.041199826559248, 1e-12);  // 20 log10 4
}

TEST(Psnr, IsCappedForEqualPictures) {
  EXPECT_DOUBLE_EQ(PsnrOfMse(0), 120.0);
}

TEST(Psnr, MaskedPixelsDoNotCount) {
  ImageF a(4, 4, 3, 0.5f);
  const ImageF b(4, 4, 3, 0.5f);
  ImageU8 valid(4, 4, 1, 255);
  for (int k = 0; k < 3; ++k) a.At(2, 1, k) = 1.0f;
  EXPECT_GT(PictureError(a, b, &valid).sum, 0);
  valid.At(2, 1) = 0;
  EXPECT_EQ(PictureError(a, b, &valid).sum, 0);
  EXPECT_EQ(PictureError(a, b, &valid).count, 15 * 3);
  const ImageU8 nothing(4, 4, 1, 0);
  EXPECT_EQ(PictureError(a, b, &nothing).count, 0);
}

TEST(Ssim, OfEqualPicturesIsOne) {
  const ImageF a = Pattern(23, 17, 1);
  EXPECT_NEAR(Ssim(a, a, nullptr).value(), 1.0, 1e-12);
}

TEST(Ssim, OfTwoConstantsIsTheLuminanceTerm) {
  const ImageF a(16, 16, 3, 0.5f), b(16, 16, 3, 0.25f);
  const double expected = (2 * 0.5 * 0.25 + 1e-4) / (0.25 + 0.0625 + 1e-4);
  EXPECT_NEAR(Ssim(a, b, nullptr).value(), expected, 1e-9);
}

TEST(Ssim, HasTheGoldenValueOfItsDefinition) {
  // From a direct double loop over the definition, written apart from this code.
  EXPECT_NEAR(Ssim(Pattern(19, 15, 1), Pattern(19, 15, 3), nullptr).value(), 0.479046663, 1e-6);
  EXPECT_NEAR(Ssim(Ramp(14, 13, 0.1, 0.02, 0.01), Ramp(14, 13, 0.2, 0.01, 0.02), nullptr).value(),
              0.830053370, 1e-6);
}

TEST(Ssim, WindowsWithMaskedPixelsAreLeftOut) {
  ImageF a = Pattern(24, 12, 1);
  const ImageF b = Pattern(24, 12, 2);
  ImageU8 valid(24, 12, 1, 255);
  valid.At(0, 0) = 0;
  const double before = Ssim(a, b, &valid).value();
  for (int k = 0; k < 3; ++k) a.At(0, 0, k) = 0.99f;
  EXPECT_DOUBLE_EQ(Ssim(a, b, &valid).value(), before);
  EXPECT_NE(Ssim(a, b, nullptr).value(), Ssim(Pattern(24, 12, 1), b, nullptr).value());
}

TEST(Ssim, IsNothingWithoutAWindow) {
  EXPECT_FALSE(Ssim(ImageF(10, 30, 3), ImageF(10, 30, 3), nullptr).has_value());
  ImageU8 valid(12, 12, 1, 255);
  valid.At(6, 6) = 0;
  EXPECT_FALSE(Ssim(ImageF(12, 12, 3), ImageF(12, 12, 3), &valid).has_value());
}

ImageU8 MaskOf(const std::vector<int>& inside) {
  ImageU8 mask(4, 2, 1);
  for (int i : inside) mask.data[i] = 255;
  return mask;
}

TEST(MaskIou, CountsByHand) {
  EXPECT_DOUBLE_EQ(MaskIou(MaskOf({0, 1, 2}), MaskOf({1, 2, 3})), 0.5);
  EXPECT_DOUBLE_EQ(MaskIou(MaskOf({0, 1}), MaskOf({0, 1})), 1.0);
  EXPECT_DOUBLE_EQ(MaskIou(MaskOf({0}), MaskOf({7})), 0.0);
}

TEST(MaskIou, EmptyMasks) {
  EXPECT_DOUBLE_EQ(MaskIou(MaskOf({}), MaskOf({})), 1.0);
  EXPECT_DOUBLE_EQ(MaskIou(MaskOf({}), MaskOf({3})), 0.0);
  EXPECT_DOUBLE_EQ(MaskIou(MaskOf({3}), MaskOf({})), 0.0);
}

TEST(MaskIou, UnscoredPixelsDoNotCount) {
  const ImageU8 valid = MaskOf({1, 2, 3, 4, 5, 6, 7});
  EXPECT_DOUBLE_EQ(MaskIou(MaskOf({0, 1, 2}), MaskOf({1, 2, 3}), &valid), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(MaskIou(MaskOf({0}), MaskOf({}), &valid), 1.0);
}

TEST(MaskArea, IsAShare) {
  EXPECT_DOUBLE_EQ(MaskArea(MaskOf({0, 5})), 0.25);
  EXPECT_DOUBLE_EQ(MaskArea(MaskOf({})), 0.0);
}

FeatureMap Features(int channels, int side, const std::vector<float>& data) {
  return {.channels = channels, .height = side, .width = side, .data = data, .encoder = "test"};
}

TEST(FeatureErrors, ByHand) {
  // Two channels, four tokens; the teacher's channels are 0 2 0 2 and 3 3 3 3.
  const FeatureMap teacher = Features(2, 2, {0, 2, 0, 2, 3, 3, 3, 3});
  const FeatureMap ours = Features(2, 2, {0, 2, 0, 2, 3, 3, 3, -3});
  FeatureErrors errors;
  errors.Add(ours, teacher);
  EXPECT_EQ(errors.tokens(), 4);
  EXPECT_DOUBLE_EQ(errors.MeanSquared(), 36.0 / 8);
  EXPECT_DOUBLE_EQ(errors.TeacherVariance(), 0.5);  // 1 and 0
  EXPECT_NEAR(errors.MeanCosine(), (3 + (4.0 - 9.0) / 13.0) / 4, 1e-12);
}

TEST(FeatureErrors, OnlyChosenTokensCount) {
  const FeatureMap teacher = Features(1, 2, {1, 2, 3, 4}), ours = Features(1, 2, {1, 2, 3, 9});
  FeatureErrors errors;
  errors.Add(ours, teacher, {true, true, true, false});
  EXPECT_EQ(errors.tokens(), 3);
  EXPECT_DOUBLE_EQ(errors.MeanSquared(), 0);
  EXPECT_NEAR(errors.TeacherVariance(), 2.0 / 3, 1e-12);
}

TEST(FeatureErrors, MergingIsAddingAll) {
  Random random(5);
  FeatureErrors together, first, second;
  for (int view = 0; view < 2; ++view) {
    std::vector<float> a(3 * 16), b(3 * 16);
    for (float& v : a) v = static_cast<float>(random.Uniform());
    for (float& v : b) v = static_cast<float>(random.Uniform());
    const FeatureMap ours = Features(3, 4, a), teacher = Features(3, 4, b);
    together.Add(ours, teacher);
    (view == 0 ? first : second).Add(ours, teacher);
  }
  FeatureErrors merged;
  merged.Merge(first);
  merged.Merge(second);
  EXPECT_NEAR(merged.MeanSquared(), together.MeanSquared(), 1e-14);
  EXPECT_NEAR(merged.MeanCosine(), together.MeanCosine(), 1e-14);
  EXPECT_NEAR(merged.TeacherVariance(), together.TeacherVariance(), 1e-14);
}

TEST(FeatureErrors, NothingAddedIsZero) {
  FeatureErrors errors;
  errors.Merge(FeatureErrors());
  EXPECT_EQ(errors.MeanSquared(), 0);
  EXPECT_EQ(errors.MeanCosine(), 0);
  EXPECT_EQ(errors.TeacherVariance(), 0);
}

TEST(Summaries, ByHand) {
  const std::vector<double> values = {0.9, 0.1, 0.7, 0.8};
  EXPECT_DOUBLE_EQ(Mean(values), 0.625);
  EXPECT_DOUBLE_EQ(ShareAbove(values, 0.7), 0.5);
  EXPECT_EQ(Mean({}), 0);
  EXPECT_EQ(ShareAbove({}, 0.5), 0);
}

TEST(BootstrapInterval, HoldsTheMeanAndNarrowsWithMoreViews) {
  const auto views_of = [](int count) {
    std::vector<std::vector<double>> views;
    for (int i = 0; i < count; ++i) views.push_back({0.4 + 0.2 * (i % 2), 0.5});
    return views;
  };
  const Interval few = BootstrapInterval(views_of(4)).value(),
                 many = BootstrapInterval(views_of(100)).value();
  EXPECT_LT(few.low, 0.5);
  EXPECT_GT(few.high, 0.5);
  EXPECT_LT(many.high - many.low, 0.4 * (few.high - few.low));
  // Means of 100 views of 0.45 or 0.55: two standard errors are 0.01.
  EXPECT_NEAR(many.high - many.low, 4 * 0.05 / 10, 0.004);
  EXPECT_FALSE(BootstrapInterval({{0.5, 0.7}}).has_value());
  EXPECT_FALSE(BootstrapInterval({{0.5}, {}}).has_value());
  const Interval equal = BootstrapInterval({{0.3, 0.3}, {0.3}}).value();
  EXPECT_DOUBLE_EQ(equal.low, 0.3);
  EXPECT_DOUBLE_EQ(equal.high, 0.3);
}

}  // namespace
}  // namespace semfield
