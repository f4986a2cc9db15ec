#include "semfield/evaluation/exposure_protocol.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/image/codecs.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {
namespace {

class ExposureProtocol : public testing::Test {
 protected:
  void SetUp() override {
    SyntheticOptions options = {.views = 16, .width = 48, .height = 36};
    WriteSynthetic(options, folder_ / "true");
    options.exposure_error_stops = 0.5;
    WriteSynthetic(options, folder_ / "off");
    truth_ = ReadCapture(folder_ / "true");
    off_ = ReadCapture(folder_ / "off");
  }

  TestFolder folder_;
  Capture truth_, off_;
};

TEST_F(ExposureProtocol, MeasuresWhatTheSyntheticCaptureWasDisturbedBy) {
  const ExposureResult result = EvaluateExposure(off_, {}, truth_);
  ASSERT_EQ(result.per_view.size(), off_.train.size());
  double most = 0, sum = 0;
  for (const ExposureResult::View& view : result.per_view) {
    most = std::max(most, std::abs(view.given));
    sum += view.given;
    EXPECT_EQ(view.found, 0);  // nothing was learned
  }
  EXPECT_NEAR(most, 0.5, 0.02);  // the photos are JPEG
  EXPECT_NEAR(sum, 0, 1e-9);
  const Json metrics = ExposureMetricsJson(result), definitions = ExposureDefinitions();
  EXPECT_EQ(metrics["error_stops"], metrics["given_stops"]);
  EXPECT_NEAR(metrics["error_stops_most"].get<double>(), most, 1e-12);
  for (const auto& [key, value] : metrics.items()) EXPECT_TRUE(definitions.contains(key)) << key;
}

TEST_F(ExposureProtocol, HeldOutPhotosAreAsTheyWere) {
  for (const int v : off_.held_out) {
    EXPECT_EQ(ReadImage(off_.views[v].image).data, ReadImage(truth_.views[v].image).data);
  }
}

TEST_F(ExposureProtocol, AMapThatSaysTheSameLeavesNoError) {
  const ExposureResult without = EvaluateExposure(off_, {}, truth_);
  // In the middle greys, sRGB is nearly a power of light: exp(a) = 2^(stops / 2.2).
  std::vector<ColorMap> found(off_.views.size());
  for (size_t i = 0; i < off_.train.size(); ++i) {
    for (float& gain : found[off_.train[i]].log_gain)
      gain = static_cast<float>(without.per_view[i].given * std::log(2.0) / 2.2);
  }
  const Json metrics = ExposureMetricsJson(EvaluateExposure(off_, found, truth_));
  EXPECT_GT(metrics["given_stops"].get<double>(), 0.15);
  EXPECT_LT(metrics["error_stops_most"].get<double>(), 0.05);
}

TEST_F(ExposureProtocol, RefusesACaptureOfOtherPhotos) {
  Capture other = truth_;
  for (View& view : other.views) view.name += "x";
  EXPECT_THROW(EvaluateExposure(off_, {}, other), Error);
  WriteSynthetic({.views = 16, .width = 40, .height = 36}, folder_ / "small");
  EXPECT_THROW(EvaluateExposure(off_, {}, ReadCapture(folder_ / "small")), Error);
}

}  // namespace
}  // namespace semfield
