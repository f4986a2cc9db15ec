// Class probabilities of every pixel: of tiny graphs with known answers, and of the shipped head on a
// labelled room.
#include "semfield/perception/dense_encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "semfield/capture/image_store.h"
#include "semfield/capture/reader.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {

TEST(SoftmaxOverChannels, GivesProbabilities) {
  FeatureMap map{2, 1, 2, {0, 100, std::log(3.0f), 100}, ""};
  SoftmaxOverChannels(&map);
  EXPECT_NEAR(map.data[0], 0.25, 1e-6);
  EXPECT_NEAR(map.data[2], 0.75, 1e-6);
  EXPECT_NEAR(map.data[1], 0.5, 1e-6);
  EXPECT_NEAR(map.data[3], 0.5, 1e-6);
}

class ShippedHead : public testing::Test {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
  }
};

// The share of labelled pixels whose likeliest class is theirs.
double Accuracy(const FeatureMap& map, const std::vector<std::string>& classes, const Capture& capture,
                const ImageU16& ids) {
  int64_t right = 0, all = 0;
  for (int y = 0; y < ids.height; ++y) {
    for (int x = 0; x < ids.width; ++x) {
      const auto label = capture.instances.find(ids.At(x, y));
      if (label == capture.instances.end()) continue;
      const int u = x * map.width / ids.width, v = y * map.height / ids.height;
      int best = 0;
      for (int c = 1; c < map.channels; ++c) {
        const auto at = [&](int channel) { return map.data[(channel * map.height + v) * map.width + u]; };
        if (at(c) > at(best)) best = c;
      }
      right += classes[best] == label->second.class_name;
      ++all;
    }
  }
  return static_cast<double>(right) / static_cast<double>(std::max<int64_t>(1, all));
}

TEST_F(ShippedHead, KnowsTheBundledRoom) {
  const std::filesystem::path source = std::getenv("SEMFIELD_SOURCE_DIR");
  const Capture capture = ReadCapture((source / "examples/captures/room").string(), {});
  const ImageStore store(capture);
  const auto encoder = LoadDenseEncoder("rooms-fast");
  double sum = 0;
  int views = 0;
  for (size_t view = 0; view < capture.views.size(); view += 12, ++views) {
    const ImageU8 photo = ToRgb(ReadImage(capture.views[view].image), {0, 0, 0});
    const FeatureMap map = encoder->Look(photo);
    ASSERT_EQ(map.channels, 20);
    EXPECT_EQ(map.width, 160);
    EXPECT_EQ(map.height, 120);
    float total = 0;
    for (int c = 0; c < map.channels; ++c) total += map.data[c * map.width * map.height + 777];
    EXPECT_NEAR(total, 1, 1e-4);
    sum += Accuracy(map, encoder->classes(), capture, store.Instances(static_cast<int>(view)));
  }
  EXPECT_GT(sum / views, 0.65);
}

TEST_F(ShippedHead, TakesPicturesOfOtherShapes) {
  const auto encoder = LoadDenseEncoder("rooms-fast");
  ImageU8 tall(90, 300, 3);
  const FeatureMap map = encoder->Look(tall);
  EXPECT_EQ(map.height, 160);
  EXPECT_EQ(map.width, 48);
  for (const float value : map.data) ASSERT_TRUE(value >= 0 && value <= 1);
}

// Cut in two, it says the same: the lateral maps are all that its second half needs.
TEST_F(ShippedHead, BothHalvesAreTheWhole) {
  const std::filesystem::path source = std::getenv("SEMFIELD_SOURCE_DIR");
  const ImageU8 picture = ToRgb(ReadImage(source / "models/sample.jpg"), {0, 0, 0});
  const auto encoder = LoadDenseEncoder("rooms-lseg");
  const auto decoder = LoadDenseDecoder("rooms-lseg");
  const std::vector<FeatureMap> maps = encoder->LookBetween(picture);
  ASSERT_EQ(maps.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(maps[i].channels, 64);
    EXPECT_EQ(maps[i].width, 512 / (4 << i));
  }
  const FeatureMap whole = encoder->Look(picture), halves = decoder->Decode(maps);
  ASSERT_EQ(whole.data.size(), halves.data.size());
  for (size_t i = 0; i < whole.data.size(); ++i) ASSERT_NEAR(whole.data[i], halves.data[i], 1e-4);
}

TEST_F(ShippedHead, CardsThatAreCutNowhereSaySo) {
  EXPECT_MENTIONS(ErrorOf([] { LoadDenseDecoder("rooms-fast"); }), "no dense.laterals");
  const auto encoder = LoadDenseEncoder("rooms-fast");
  EXPECT_MENTIONS(ErrorOf([&] { encoder->LookBetween(ImageU8(64, 64, 3)); }), "no dense.laterals");
  ModelCard card = FindModelCard("rooms-lseg");
  card.dense.laterals.maps[1].output = "elsewhere";
  EXPECT_MENTIONS(ErrorOf([&] { LoadDenseEncoder(card); }), "no output 'elsewhere'");
  EXPECT_MENTIONS(ErrorOf([&] { LoadDenseDecoder(card); }), "no input 'elsewhere'");
  card = FindModelCard("rooms-lseg");
  card.dense.laterals.channels = 63;
  const auto other = LoadDenseEncoder(card);
  EXPECT_MENTIONS(ErrorOf([&] { other->LookBetween(ImageU8(64, 64, 3)); }), "[1, 63, H, W]");
  Json json = ModelCardToJson(FindModelCard("rooms-lseg"));
  EXPECT_EQ(ModelCardToJson(ParseModelCard(json, "card")), json);
  json["dense"]["laterals"]["maps"][1]["stride"] = 6;
  EXPECT_MENTIONS(ErrorOf([&] { ParseModelCard(json, "card"); }), "maps[1].stride");
  json["dense"]["laterals"]["maps"] = Json::array();
  EXPECT_MENTIONS(ErrorOf([&] { ParseModelCard(json, "card"); }), "expected 1 to 8 maps");
}

TEST_F(ShippedHead, RefusesCardsThatDoNotFit) {
  EXPECT_MENTIONS(ErrorOf([] { LoadDenseEncoder("minilm"); }), "is of kind text");
  ModelCard card = FindModelCard("rooms-fast");
  card.dense.feeds.pop_back();
  EXPECT_MENTIONS(ErrorOf([&] { LoadDenseEncoder(card); }), "inputs, but its card feeds");
  card = FindModelCard("rooms-fast");
  card.dense.feeds[0].input = "elsewhere";
  EXPECT_MENTIONS(ErrorOf([&] { LoadDenseEncoder(card); }), "no input 'elsewhere'");
  card = FindModelCard("rooms-fast");
  card.dense.classes.pop_back();
  const auto encoder = LoadDenseEncoder(card);
  EXPECT_MENTIONS(ErrorOf([&] { encoder->Look(ImageU8(64, 64, 3)); }), "[1, 19, H, W]");
}

}  // namespace
}  // namespace semfield
