#include "semfield/evaluation/views_protocol.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/json.h"
#include "semfield/base/log.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/evaluation/metrics.h"
#include "semfield/field/analytic_field_test_util.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace {

// The synthetic scene rendered as a field, against its own photos.
class ViewsProtocolTest : public testing::Test {
 protected:
  void SetUp() override {
    SetLogSink([](LogLevel, const std::string&) {});
    WriteSynthetic(options_, folder_ / "capture");
  }
  void TearDown() override { SetLogSink({}); }

  // Masks of the views: white where pixels are scored.
  void AddMasks(const std::vector<ImageU8>& masks) {
    const std::filesystem::path file = folder_ / "capture" / "transforms.json";
    Json json = ReadJsonFile(file);
    for (size_t i = 0; i < masks.size(); ++i) {
      const std::string name = "mask_" + std::to_string(i) + ".png";
      WritePng(folder_ / "capture" / name, masks[i]);
      json["frames"][i]["mask_path"] = name;
    }
    WriteJsonFile(file, json);
  }
  ViewsResult Evaluate(const RadianceField& field, double downscale = 1) {
    const Capture capture = ReadCapture(folder_ / "capture");
    const ImageStore store(capture, downscale);
    return EvaluateViews({.capture = capture, .store = store, .field = field, .background = {0, 0, 0}},
                         capture.held_out, {});
  }

  const SyntheticOptions options_ = {.views = 9, .width = 48, .height = 32};
  const AnalyticField field_{options_};
  TestFolder folder_;
};

// A field that renders the scene with colours shifted by a known amount.
class ShiftedField : public AnalyticField {
 public:
  ShiftedField(const SyntheticOptions& options, float left, float right)
      : AnalyticField(options), left_(left), right_(right) {}
  RenderedView Render(const Camera& camera, const Pose& pose, const RenderRequest& request,
                      const StopToken* stop = nullptr) const override {
    RenderedView view = AnalyticField::Render(camera, pose, request, stop);
    for (size_t i = 0; i < view.rgb.data.size(); ++i) {
      view.rgb.data[i] += static_cast<int>(i / 3) % camera.width < camera.width / 2 ? left_ : right_;
    }
    return view;
  }

 private:
  float left_, right_;
};

TEST_F(ViewsProtocolTest, TheTruthScoresHigh) {
  const ViewsResult result = Evaluate(field_);
  ASSERT_EQ(result.per_view.size(), 2u);
  EXPECT_GT(result.psnr, 22);  // photos are antialiased, the field is not
  EXPECT_GT(result.ssim, 0.8);
  for (const ViewScore& score : result.per_view) {
    EXPECT_EQ(score.width, 48);
    EXPECT_EQ(score.scored_pixels, 48 * 32);
    EXPECT_NEAR(*score.psnr, -10 * std::log10(score.squared_error / (3.0 * 48 * 32)), 1e-9);
  }
  EXPECT_NEAR(result.psnr, (*result.per_view[0].psnr + *result.per_view[1].psnr) / 2, 1e-9);
  const double pooled = result.per_view[0].squared_error + result.per_view[1].squared_error;
  EXPECT_NEAR(result.psnr_pooled, -10 * std::log10(pooled / (2 * 3.0 * 48 * 32)), 1e-9);
}

TEST_F(ViewsProtocolTest, ScoresAtTheSizeOfTheStore) {
  const ViewsResult result = Evaluate(field_, 2);
  EXPECT_EQ(result.per_view[0].width, 24);
  EXPECT_EQ(result.per_view[0].scored_pixels, 24 * 16);
}

TEST_F(ViewsProtocolTest, MaskedPixelsAreNotScored) {
  const double unshifted = Evaluate(field_).psnr;
  const ShiftedField shifted(options_, 0, 0.5f);
  EXPECT_LT(Evaluate(shifted).psnr, 11);
  ImageU8 left(48, 32, 1, 0);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 24; ++x) left.At(x, y) = 255;
  }
  AddMasks(std::vector<ImageU8>(9, left));
  const ViewsResult result = Evaluate(shifted);
  EXPECT_EQ(result.per_view[0].scored_pixels, 24 * 32);
  EXPECT_NEAR(result.psnr, unshifted, 4);
}

TEST_F(ViewsProtocolTest, AViewWithNothingToScoreCountsForNothing) {
  std::vector<ImageU8> masks(9, ImageU8(48, 32, 1, 255));
  masks[0] = ImageU8(48, 32, 1, 0);
  AddMasks(masks);
  const ViewsResult result = Evaluate(field_);
  EXPECT_FALSE(result.per_view[0].psnr.has_value());
  EXPECT_FALSE(result.per_view[0].ssim.has_value());
  EXPECT_EQ(result.psnr, *result.per_view[1].psnr);
  EXPECT_TRUE(ViewsPerViewJson(result)[0]["psnr"].is_null());
}

TEST_F(ViewsProtocolTest, EveryMetricIsDefined) {
  const ViewsResult result = Evaluate(field_);
  const Json definitions = ViewsDefinitions(result), metrics = ViewsMetricsJson(result);
  for (const auto& [key, value] : metrics.items()) EXPECT_TRUE(definitions.contains(key)) << key;
}

}  // namespace
}  // namespace semfield
