#include "semfield/evaluation/san_protocol.h"

#include <gtest/gtest.h>

#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/evaluation/teacher_view.h"
#include "semfield/field/analytic_field_test_util.h"

namespace semfield {
namespace {

ClickScore Click(double iou, const std::string& ours = "whole", const std::string& teacher = "whole") {
  return {.click = Vec2(1.5, 2.5), .iou = iou, .granularity = ours, .teacher_granularity = teacher};
}

FeatureErrors Errors(float ours, const std::vector<float>& teacher) {
  FeatureErrors errors;
  const FeatureMap target = {.channels = 1, .height = 1, .width = 2, .data = teacher, .encoder = ""};
  const FeatureMap map = {.channels = 1, .height = 1, .width = 2, .data = {ours, ours}, .encoder = ""};
  errors.Add(map, target);
  return errors;
}

SanResult TwoViews() {
  SanResult result;
  result.teacher = "sam";
  result.per_view.resize(2);
  result.per_view[0].name = "a";
  result.per_view[0].clicks = {Click(0.9), Click(0.2, "part"), Click(0.8)};
  result.per_view[0].things = {
      {.id = 4, .name = "chair", .class_name = "seat", .share = 0.1, .iou = 0.6, .teacher_iou = 0.8}};
  result.per_view[0].features = result.per_view[0].features_in_frame = Errors(1, {0, 2});
  result.per_view[0].milliseconds = {{"encode", 100}, {"decode", 10}};
  result.per_view[1].name = "b";
  result.per_view[1].view = 7;
  result.per_view[1].clicks = {Click(0.2)};
  result.per_view[1].things = {
      {.id = 4, .name = "chair", .class_name = "seat", .share = 0.1, .iou = 0.2, .teacher_iou = 0.4},
      {.id = 5, .name = "mug", .class_name = "", .share = 0.02, .iou = 0.1, .teacher_iou = 0.3}};
  result.per_view[1].features = result.per_view[1].features_in_frame = Errors(3, {0, 2});
  result.per_view[1].milliseconds = {{"encode", 300}, {"decode", 30}};
  return result;
}

TEST(SanSummary, AveragesOverAllClicksAndThings) {
  const Json metrics = SanMetricsJson(TwoViews());
  EXPECT_DOUBLE_EQ(metrics["iou"].get<double>(), 2.1 / 4);
  EXPECT_DOUBLE_EQ(metrics["iou_median"].get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(metrics["iou_share_over_0.7"].get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(metrics["same_choice"].get<double>(), 0.75);
  EXPECT_EQ(metrics["clicks"], 4);
  EXPECT_NEAR(metrics["truth_iou"].get<double>(), 0.3, 1e-12);
  EXPECT_NEAR(metrics["teacher_truth_iou"].get<double>(), 0.5, 1e-12);
  EXPECT_EQ(metrics["things"], 3);
  // Squared errors 1 1 9 1 around a teacher of 0 2 0 2.
  EXPECT_DOUBLE_EQ(metrics["feature_mse"].get<double>(), 3);
  EXPECT_DOUBLE_EQ(metrics["feature_variance"].get<double>(), 1);
  EXPECT_DOUBLE_EQ(metrics["feature_mse_share"].get<double>(), 3);
  EXPECT_DOUBLE_EQ(metrics["milliseconds"]["encode"].get<double>(), 200);
  EXPECT_FALSE(metrics.contains("photo_teacher_iou"));
}

TEST(SanSummary, EveryMetricIsDefined) {
  SanResult result = TwoViews();
  result.per_view[0].clicks[0].photo_teacher_iou = 0.5;
  const Json definitions = SanDefinitions(result), metrics = SanMetricsJson(result);
  for (const auto& [key, value] : metrics.items()) EXPECT_TRUE(definitions.contains(key)) << key;
}

TEST(SanSummary, WorstClicksComeFirst) {
  const Json worst = SanWorstJson(TwoViews(), 3);
  ASSERT_EQ(worst.size(), 3u);
  EXPECT_EQ(worst[0]["view"], "a");  // equal to the next: in order of views
  EXPECT_EQ(worst[0]["granularity"], "part");
  EXPECT_EQ(worst[1]["view"], "b");
  EXPECT_EQ(worst[1]["index"], 7);
  EXPECT_DOUBLE_EQ(worst[2]["iou"].get<double>(), 0.8);
  EXPECT_EQ(SanWorstJson(TwoViews(), 100).size(), 4u);
}

TEST(SanSummary, WithoutThingsThereIsNoTruth) {
  SanResult result = TwoViews();
  for (SanViewScore& view : result.per_view) view.things.clear();
  EXPECT_FALSE(SanMetricsJson(result).contains("truth_iou"));
  EXPECT_FALSE(SanPerViewJson(result)[0].contains("things"));
  EXPECT_EQ(SanPerViewJson(TwoViews())[1]["things"].size(), 2u);
}

TEST(ScoringCamera, OnlyShrinksAndKeepsTheRatio) {
  const Camera camera = PinholeCamera(1000, 500, 1.0);
  const Camera shrunk = ScoringCamera(camera, 512);
  EXPECT_EQ(shrunk.width, 512);
  EXPECT_EQ(shrunk.height, 256);
  EXPECT_NEAR(shrunk.fx / shrunk.width, camera.fx / camera.width, 1e-12);
  EXPECT_EQ(ScoringCamera(PinholeCamera(300, 400, 1.0), 512).height, 400);
}

TEST(TokensInFrame, AreThoseTheFrameHolds) {
  // A frame twice as wide as high fills the middle half of the square's rows.
  const SquareView square(PinholeCamera(200, 100, 0.8), 64);
  const std::vector<bool> inside = TokensInFrame(square, 8);
  for (int row = 0; row < 8; ++row) {
    for (int column = 0; column < 8; ++column) EXPECT_EQ(inside[8 * row + column], row >= 2 && row < 6);
  }
}

TEST(SanSummary, IntervalsAreOverViews) {
  SanResult result = TwoViews();
  const Json metrics = SanMetricsJson(result);
  ASSERT_TRUE(metrics["iou_interval"].is_array());
  EXPECT_NEAR(metrics["iou_interval"][0].get<double>(), 0.2, 1e-9);  // the second view twice
  EXPECT_NEAR(metrics["iou_interval"][1].get<double>(), 1.9 / 3, 1e-9);
  result.per_view.pop_back();
  EXPECT_TRUE(SanMetricsJson(result)["iou_interval"].is_null());
}

TEST(SanSummary, OtherChoicesAreToldWhereTheDecoderTellsThem) {
  SanResult result = TwoViews();
  EXPECT_FALSE(SanMetricsJson(result).contains("iou_single"));
  result.per_view[0].clicks[0].iou_single = 0.4;
  result.per_view[1].clicks[0].iou_single = 0.6;
  result.per_view[0].clicks[0].photo_iou = 0.7;
  result.per_view[0].teacher_distance = 2;
  result.per_view[0].teacher_degrees = 10;
  const Json metrics = SanMetricsJson(result);
  EXPECT_NEAR(metrics["iou_single"].get<double>(), 0.5, 1e-12);
  EXPECT_NEAR(metrics["photo_iou"].get<double>(), 0.7, 1e-12);
  EXPECT_EQ(metrics["teacher_distance"], 2);
  EXPECT_EQ(SanPerViewJson(result)[0]["teacher_degrees"], 10);
  const Json definitions = SanDefinitions(result);
  for (const auto& [key, value] : metrics.items()) EXPECT_TRUE(definitions.contains(key)) << key;
}

// Sees what it is shown and answers with one channel of zeros.
class LookingEncoder : public ImageEncoder {
 public:
  const ModelCard& card() const override { return card_; }
  int input_size() const override { return 64; }
  int grid() const override { return 4; }
  int channels() const override { return 1; }
  FeatureMap Encode(const ImageU8& rgb, const StopToken*) override {
    seen = rgb;
    return {.channels = 1, .height = 4, .width = 4, .data = std::vector<float>(16), .encoder = ""};
  }
  std::vector<FeatureMap> EncodeStages(const ImageU8&) override { return {}; }
  std::unique_ptr<ImageEncoder> Clone() const override { return std::make_unique<LookingEncoder>(); }
  ImageU8 seen;

 private:
  ModelCard card_;
};

class SmallPictureField : public FeatureField {
 public:
  const FeatureSpace& space() const override { return space_; }
  FeatureMap Render(const RadianceField&, const Camera&, const Pose&, int width, int height,
                    const StopToken*) const override {
    return {.channels = 1, .height = height, .width = width, .data = std::vector<float>(16), .encoder = ""};
  }

 private:
  FeatureSpace space_{.encoder = "looking", .channels = 1, .grid = 4, .resolution = 96};
};

// The reference hangs on neither the picture that the student learned from nor on what the student renders.
TEST(TeacherView, TheReferenceIsTheProtocolsOwn) {
  const TestFolder folder;
  WriteSynthetic({.views = 9, .width = 64, .height = 48}, folder / "room");
  const Capture capture = ReadCapture(folder / "room", {});
  const ImageStore store(capture);
  const AnalyticField field({.views = 9, .width = 64, .height = 48});
  const EvaluationScene scene{.capture = capture, .store = store, .field = field, .background = {0, 0, 0}};
  LookingEncoder encoder;
  const TeacherView seen = MakeTeacherView(scene, SmallPictureField(), encoder, 0, 512);
  EXPECT_EQ(encoder.seen.width, 512);
  EXPECT_EQ(encoder.seen.height, 512);
  // The frame is 4:3: above and below it, the square shows what the photo does not reach.
  const ImageU8 photo = PhotoThroughSquare(scene, 0, seen, {10, 20, 30});
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(photo.At(256, 10, c), 10 * (c + 1));
    EXPECT_EQ(photo.At(256, 500, c), 10 * (c + 1));
  }
  EXPECT_NE(photo.At(256, 256, 0), 10);
}

}  // namespace
}  // namespace semfield
