// Encoder, decoder and the models' verbs over small graphs whose answers are known by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "semfield/base/atomic_file.h"
#include "semfield/image/codecs.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/perception/models.h"
#include "semfield/perception/perception_test_util.h"
#include "semfield/perception/prompt_decoder.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

class SamStandIn : public testing::Test {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
  }
  // Four masks that are constant: -1, 2, -3, 4.
  static FeatureMap ConstantFeatures() {
    FeatureMap map{kStandInChannels, kStandInGrid, kStandInGrid, {}, "toy"};
    for (float value : {-1.0f, 2.0f, -3.0f, 4.0f})
      map.data.insert(map.data.end(), kStandInGrid * kStandInGrid, value);
    return map;
  }
  static ImageU8 OneColor(int width, int height) {
    ImageU8 picture(width, height, 3);
    for (size_t i = 0; i < picture.num_pixels(); ++i) {
      picture.data[3 * i] = 150;
      picture.data[3 * i + 1] = 50;
      picture.data[3 * i + 2] = 120;
    }
    return picture;
  }
  TestUser user_;
};

TEST_F(SamStandIn, EncodesAnySizeIntoTheGridWithPaddingAtTheEnd) {
  WriteStandIn(user_.models(), "toy");
  const auto encoder = LoadImageEncoder("toy");
  EXPECT_EQ(encoder->input_size(), kStandInInput);
  EXPECT_EQ(encoder->grid(), kStandInGrid);
  const FeatureMap map = encoder->Encode(OneColor(320, 160));
  EXPECT_EQ(map.encoder, "toy");
  ASSERT_EQ(map.data.size(), size_t{4 * 4 * 4});
  // (150 - 100) / 50, (50 - 110) / 60, (120 - 120) / 70 in the upper half, 0 in the padded lower one; channel
  // 3 is 1.
  const float expected[3] = {1, -1, 0};
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < 16; ++i)
      EXPECT_NEAR(map.data[c * 16 + i], i < 8 ? expected[c] : 0.0f, 1e-5) << c << " " << i;
  for (int i = 0; i < 16; ++i) EXPECT_NEAR(map.data[48 + i], 1.0f, 1e-6);
}

TEST_F(SamStandIn, StagesComeBeforeTheFinalMapAndDoNotChangeIt) {
  WriteStandIn(user_.models(), "toy");
  EncoderOptions options;
  options.stages = {"before_bias"};
  const auto encoder = LoadImageEncoder("toy", options);
  const ImageU8 picture = OneColor(20, 32);
  const auto maps = encoder->EncodeStages(picture);
  ASSERT_EQ(maps.size(), 2u);
  EXPECT_EQ(maps[0].encoder, "toy:before_bias");
  EXPECT_EQ(maps[1].data, LoadImageEncoder("toy")->Encode(picture).data);
  EXPECT_EQ(maps[0].data[60], 0.0f);
  EXPECT_EQ(maps[1].data[60], 1.0f);
  options.stages = {"stage9"};
  EXPECT_MENTIONS(ErrorOf([&] { LoadImageEncoder("toy", options); }), "before_bias");
}

TEST_F(SamStandIn, TheGraphSeesClicksInItsOwnFrame) {
  WriteStandIn(user_.models(), "toy");
  const auto decoder = LoadPromptDecoder("toy");
  // 64 x 48 -> 32 x 24 of 32 x 32.
  const auto masks = decoder->DecodeAll(ConstantFeatures(), 64, 48, {{{10, 20, true}, {30, 40, false}}, {}});
  ASSERT_EQ(masks.size(), 4u);
  EXPECT_FLOAT_EQ(masks[0].score, 10 * 0.5 - 0.5 + 30 * 0.5 - 0.5);
  EXPECT_FLOAT_EQ(masks[1].score, 20 * 0.5 - 0.5 + 40 * 0.5 - 0.5);
  EXPECT_FLOAT_EQ(masks[2].score, 1 + 0 - 1);
  const auto boxed = decoder->DecodeAll(ConstantFeatures(), 64, 48, {{}, {{10, 20, 30, 40}}});
  EXPECT_FLOAT_EQ(boxed[0].score, masks[0].score);
  EXPECT_FLOAT_EQ(boxed[2].score, 2 + 3);
}

TEST_F(SamStandIn, GranularityPicksTheNamedMask) {
  WriteStandIn(user_.models(), "toy");
  const auto decoder = LoadPromptDecoder("toy");
  const Prompt click{{{10, 20, true}}, {}};
  const std::pair<Granularity, float> expected[] = {
      {Granularity::kSubpart, 2}, {Granularity::kPart, -3}, {Granularity::kWhole, 4}};
  for (const auto& [granularity, logit] : expected) {
    const Mask mask = decoder->Decode(ConstantFeatures(), 64, 48, click, granularity);
    EXPECT_EQ(mask.granularity, GranularityName(granularity));
    ASSERT_EQ(mask.logits.width, 64);
    ASSERT_EQ(mask.logits.height, 48);
    ASSERT_EQ(mask.low_res_logits.size(), size_t{kStandInMask * kStandInMask});
    for (float value : mask.logits.data) ASSERT_NEAR(value, logit, 1e-5);
    for (uint8_t value : mask.binary.data) ASSERT_EQ(value, logit > 0 ? 255 : 0);
  }
}

TEST_F(SamStandIn, AutoTakesTheBestOfThreeForAClickAndTheSingleMaskForMore) {
  WriteStandIn(user_.models(), "toy");
  const auto decoder = LoadPromptDecoder("toy");
  // One click at x 60, y 40: scores 29.5, 19.5, 0, 0; the single mask is out of it, whatever it scores.
  EXPECT_EQ(decoder->Decode(ConstantFeatures(), 64, 48, {{{60, 40, true}}, {}}).granularity, "subpart");
  EXPECT_EQ(decoder->Decode(ConstantFeatures(), 64, 48, {{{60, 0.5, true}}, {}}).granularity, "part");
  EXPECT_EQ(decoder->Decode(ConstantFeatures(), 64, 48, {{{60, 40, true}, {1, 1, false}}, {}}).granularity,
            "single");
  EXPECT_EQ(decoder->Decode(ConstantFeatures(), 64, 48, {{}, {{1, 1, 3, 3}}}).granularity, "part");
  EXPECT_EQ(decoder->Decode(ConstantFeatures(), 64, 48, {{{2, 2}}, {{1, 1, 3, 3}}}).granularity, "single");
}

TEST_F(SamStandIn, AnEarlierMaskReachesTheGraph) {
  WriteStandIn(user_.models(), "toy");
  const auto decoder = LoadPromptDecoder("toy");
  const std::vector<float> earlier(kStandInMask * kStandInMask, 10.0f);
  const Mask mask =
      decoder->Decode(ConstantFeatures(), 32, 32, {{{10, 20, true}}, {}}, Granularity::kPart, &earlier);
  for (float value : mask.low_res_logits) EXPECT_FLOAT_EQ(value, 7.0f);
}

TEST_F(SamStandIn, WrongFeaturesAndEarlierMasksAreInputErrors) {
  WriteStandIn(user_.models(), "toy");
  const auto decoder = LoadPromptDecoder("toy");
  const Prompt click{{{10, 20, true}}, {}};
  FeatureMap features = ConstantFeatures();
  features.data.pop_back();
  EXPECT_MENTIONS(ErrorOf([&] { decoder->Decode(features, 32, 32, click); }), "expected [4, 4, 4]");
  features = ConstantFeatures();
  features.data[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_MENTIONS(ErrorOf([&] { decoder->Decode(features, 32, 32, click); }), "not finite");
  std::vector<float> earlier(3);
  EXPECT_MENTIONS(
      ErrorOf([&] { decoder->Decode(ConstantFeatures(), 32, 32, click, Granularity::kAuto, &earlier); }),
      "16");
  EXPECT_MENTIONS(ErrorOf([&] { decoder->Decode(ConstantFeatures(), 32, 32, {}); }), "empty");
  EXPECT_MENTIONS(ErrorOf([&] { decoder->Decode(ConstantFeatures(), 32, 15, click); }), "outside");
  EXPECT_THROW(ParseGranularity("huge"), Error);
  EXPECT_EQ(ParseGranularity("part"), Granularity::kPart);
}

TEST_F(SamStandIn, AGraphThatIsNotTheCardsIsAnInputError) {
  ModelCard card = WriteStandIn(user_.models(), "toy");
  const ModelCard good = card;
  card.encoder.channels = 5;
  EXPECT_MENTIONS(ErrorOf([&] { LoadImageEncoder(card); }), "[1, 5, 4, 4]");
  EXPECT_MENTIONS(ErrorOf([&] { LoadPromptDecoder(card); }), "image_embeddings");
  card = good;
  card.encoder.input = "pixels";
  EXPECT_MENTIONS(ErrorOf([&] { LoadImageEncoder(card); }), "'pixels'");
  card = good;
  card.decoder.mask_size = 8;
  EXPECT_MENTIONS(ErrorOf([&] { LoadPromptDecoder(card); }), "mask_input");
  card = good;
  card.decoder.file = card.encoder.file;
  EXPECT_MENTIONS(ErrorOf([&] { LoadPromptDecoder(card); }), "low_res_masks");
}

TEST_F(SamStandIn, ClonesAnswerAlike) {
  WriteStandIn(user_.models(), "toy");
  const auto encoder = LoadImageEncoder("toy");
  const auto decoder = LoadPromptDecoder("toy");
  const ImageU8 picture = OneColor(20, 32);
  const FeatureMap map = encoder->Encode(picture);
  EXPECT_EQ(encoder->Clone()->Encode(picture).data, map.data);
  const Prompt click{{{10, 20, true}}, {}};
  EXPECT_EQ(decoder->Clone()->Decode(map, 20, 32, click).logits.data,
            decoder->Decode(map, 20, 32, click).logits.data);
}

class ModelsAdd : public SamStandIn {
 protected:
  // Files of a stranger, to be added.
  ModelAddOptions Files(StandInMasks masks) {
    WriteFileAtomically(user_ / "enc.onnx", StandInEncoder());
    WriteFileAtomically(user_ / "dec.onnx", StandInDecoder(masks));
    ModelAddOptions options;
    options.files = {user_ / "dec.onnx", user_ / "enc.onnx"};
    options.name = "mine";
    return options;
  }
  void ExpectNothingLeft() {
    EXPECT_TRUE(fs::is_empty(user_.models())) << fs::directory_iterator(user_.models())->path();
  }
};

TEST_F(ModelsAdd, ReadsTheGraphsAndTheModelWorksAfterwards) {
  const ModelCheck check = AddModel(Files(StandInMasks::kAll));
  EXPECT_EQ(check.card.encoder.input_size, kStandInInput);
  EXPECT_EQ(check.card.encoder.grid, kStandInGrid);
  EXPECT_EQ(check.card.encoder.channels, kStandInChannels);
  EXPECT_EQ(check.card.decoder.mask_size, kStandInMask);
  EXPECT_EQ(check.card.decoder.mask_order.size(), 4u);
  EXPECT_EQ(check.overlay.width, check.picture.width);
  fs::remove(user_ / "enc.onnx");
  fs::remove(user_ / "dec.onnx");
  const auto listings = ListModels();
  const auto mine = std::find_if(listings.begin(), listings.end(),
                                 [](const ModelListing& listing) { return listing.card.name == "mine"; });
  ASSERT_NE(mine, listings.end());
  EXPECT_TRUE(mine->ready) << mine->problem;
  EXPECT_EQ(CheckModel({"mine", {}, {}, 1, {}}).mask.binary.data, check.mask.binary.data);
  // The card, the folder, and nothing else.
  EXPECT_EQ(std::distance(fs::directory_iterator(user_.models()), {}), 2);
}

TEST_F(ModelsAdd, SingleMaskExportsGiveAllMasksWhenTheirTensorsAreKnown) {
  EXPECT_EQ(AddModel(Files(StandInMasks::kOneWithSamNames)).card.decoder.all_masks, "/Reshape_9_output_0");
  ModelAddOptions options = Files(StandInMasks::kOne);
  options.name = "other";
  const ModelCard card = AddModel(options).card;
  EXPECT_TRUE(card.decoder.all_masks.empty());
  const auto decoder = LoadPromptDecoder("other");
  const Prompt click{{{10, 20, true}}, {}};
  EXPECT_EQ(decoder->DecodeAll(ConstantFeatures(), 32, 32, click).size(), 1u);
  EXPECT_NEAR(decoder->Decode(ConstantFeatures(), 32, 32, click).logits.data[0], 0.5f, 1e-6);
  EXPECT_MENTIONS(ErrorOf([&] { decoder->Decode(ConstantFeatures(), 32, 32, click, Granularity::kWhole); }),
                  "auto");
}

TEST_F(ModelsAdd, RefusesWhatDoesNotFitAndLeavesNothing) {
  ModelAddOptions options = Files(StandInMasks::kAll);
  options.files.pop_back();
  EXPECT_THROW(AddModel(options), Error);
  options.files = {user_ / "enc.onnx", user_ / "missing.onnx"};
  EXPECT_MENTIONS(ErrorOf([&] { AddModel(options); }), "missing.onnx");
  options.files = {user_ / "enc.onnx", user_ / "enc.onnx"};
  EXPECT_MENTIONS(ErrorOf([&] { AddModel(options); }), "enc.onnx");
  fs::copy(user_ / "enc.onnx", user_ / "enc2.onnx");
  options.files = {user_ / "enc.onnx", user_ / "enc2.onnx"};
  EXPECT_MENTIONS(ErrorOf([&] { AddModel(options); }), "second encoder");
  WriteFileAtomically(user_ / "cut.onnx", StandInEncoder().substr(0, 700));
  options.files = {user_ / "cut.onnx", user_ / "dec.onnx"};
  EXPECT_MENTIONS(ErrorOf([&] { AddModel(options); }), "cut.onnx");
  options = Files(StandInMasks::kAll);
  options.name = "../mine";
  EXPECT_THROW(AddModel(options), Error);
  options.name = "mine";
  options.kind = "clip";
  EXPECT_MENTIONS(ErrorOf([&] { AddModel(options); }), "neither an image tower");
  options.kind = "onnx";
  EXPECT_MENTIONS(ErrorOf([&] { AddModel(options); }), "onnx");
  ExpectNothingLeft();
}

TEST_F(ModelsAdd, AnotherLayoutIsNamed) {
  OnnxWriter writer;
  writer.Input("image", {32, 32, 3});
  writer.Node("Identity", {"image"}, {"output"});
  writer.Output("output", {32, 32, 3});
  ModelAddOptions options = Files(StandInMasks::kAll);
  WriteFileAtomically(user_ / "enc.onnx", writer.Model());
  EXPECT_MENTIONS(ErrorOf([&] { AddModel(options); }), "image f32 [32, 32, 3]");
  ExpectNothingLeft();
}

TEST_F(ModelsAdd, AModelIsOnlyReplacedWhenAsked) {
  ModelAddOptions options = Files(StandInMasks::kAll);
  AddModel(options);
  EXPECT_MENTIONS(ErrorOf([&] { AddModel(options); }), "'mine'");
  options.name = "sam";
  EXPECT_MENTIONS(ErrorOf([&] { AddModel(options); }), "'sam'");
  options.name = "mine";
  options.replace = true;
  WriteFileAtomically(user_ / "enc.onnx", StandInEncoder(2.0f));
  AddModel(options);
  EXPECT_FLOAT_EQ(LoadImageEncoder("mine")->Encode(OneColor(8, 8)).data.back(), 2.0f);
}

TEST_F(ModelsAdd, ListSaysWhatIsMissing) {
  AddModel(Files(StandInMasks::kAll));
  fs::remove(user_.models() / "mine" / "enc.onnx");
  for (const ModelListing& listing : ListModels()) {
    if (listing.card.name != "mine") continue;
    EXPECT_FALSE(listing.ready);
    EXPECT_MENTIONS(listing.problem, "enc.onnx");
  }
}

TEST_F(SamStandIn, CheckFindsAnswersThatMakeNoSense) {
  // A gray picture of the mean colour: features are 0 but for the bias, so mask 3 is everything and the rest
  // nothing.
  ModelCard card = WriteStandIn(user_.models(), "toy");
  ImageU8 gray(16, 16, 3);
  for (size_t i = 0; i < gray.num_pixels(); ++i)
    for (int c = 0; c < 3; ++c) gray.data[3 * i + c] = static_cast<uint8_t>(card.encoder.mean[c]);
  WritePng(user_ / "gray.png", gray);
  ModelCheckOptions options;
  options.picture = user_ / "gray.png";
  const ModelCheck check = CheckModel(card, options);
  EXPECT_FALSE(check.passed());
  EXPECT_EQ(check.findings[0], "the mask is empty");
}

}  // namespace
}  // namespace semfield
