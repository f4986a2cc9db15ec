// The classifier against its published network (scripts/models/make_classifier.py), and its names.
#include "semfield/perception/classifier.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "semfield/base/json.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {
namespace fs = std::filesystem;

fs::path Source(const std::string& path) {
  return fs::path(std::getenv("SEMFIELD_SOURCE_DIR")) / path;
}

ImageU8 Picture(const std::string& path) {
  return ToRgb(ReadImage(Source(path)), {0, 0, 0});
}

TEST(MeanUnder, WeighsPlacesByTheMasksPixels) {
  const FeatureMap map{2, 1, 2, {1, 3, 10, 30}, ""};  // two channels of two places
  ImageU8 mask(4, 2, 1);
  EXPECT_EQ(MeanUnder(map, mask), (std::vector<float>{2, 20}));  // empty: everywhere
  mask.At(0, 0) = mask.At(1, 1) = mask.At(1, 0) = 255;           // three pixels left, one right
  mask.At(3, 1) = 255;
  EXPECT_EQ(MeanUnder(map, mask), (std::vector<float>{1.5f, 15}));
}

TEST(ClassNames, AreWordNetsWithTheirKinds) {
  const ModelCard card = FindModelCard("imagenet");
  const auto names = ReadClassNames(VerifyModelFile(card, card.classifier.names));
  ASSERT_EQ(names.size(), 1000u);
  EXPECT_EQ(names[948].names.front(), "Granny Smith");
  EXPECT_EQ(names[948].synset, "n07742313");
  const std::vector<std::string>& kinds = names[948].is_a;
  EXPECT_NE(std::find(kinds.begin(), kinds.end(), "apple"), kinds.end());
  EXPECT_NE(std::find(kinds.begin(), kinds.end(), "edible fruit"), kinds.end());
  for (size_t i = 1; i < names.size(); ++i) EXPECT_LT(names[i - 1].synset, names[i].synset);
}

TEST(ClassNames, RefuseDamagedFiles) {
  TestUser user;
  const auto read = [&](const std::string& content) {
    std::ofstream(user / "names.json") << content;
    return ErrorOf([&] { ReadClassNames(user / "names.json"); });
  };
  EXPECT_MENTIONS(read("{}"), "expected synset");
  EXPECT_MENTIONS(read(R"({"classes": []})"), "no classes");
  EXPECT_MENTIONS(read(R"({"classes": [{"synset": "n1", "names": [], "is_a": []}]})"), "at least one");
  EXPECT_MENTIONS(read(R"({"classes": [{"synset": "n1", "names": 3, "is_a": []}]})"), "classes[0]");
}

class ClassifierWeights : public testing::Test {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
  }
};

TEST_F(ClassifierWeights, AgreesWithThePublishedNetwork) {
  const auto classifier = LoadClassifier("imagenet");
  const Json references = ReadJsonFile(Source("src/semfield/perception/references/imagenet.json"));
  EXPECT_EQ(references.size(), 3u);
  for (const auto& [picture, logits] : references.items()) {
    const auto expected = logits.get<std::vector<float>>();
    const std::vector<float> found = MeanUnder(classifier->Look(Picture(picture)).logits, {});
    ASSERT_EQ(found.size(), expected.size());
    double worst = 0;
    for (size_t i = 0; i < found.size(); ++i)
      worst = std::max(worst, static_cast<double>(std::abs(found[i] - expected[i])));
    EXPECT_LT(worst, 2e-3) << picture;
  }
}

TEST_F(ClassifierWeights, GivesItsStages) {
  const auto classifier = LoadClassifier("imagenet", {.stages = {"stage4", "stage32"}});
  const Classifier::Answer answer = classifier->Look(Resize(Picture("models/sample.jpg"), 128, 96));
  ASSERT_EQ(answer.stages.size(), 2u);
  EXPECT_EQ(answer.stages[0].channels, 24);
  EXPECT_EQ(answer.stages[0].width, 32);
  EXPECT_EQ(answer.stages[0].height, 24);
  EXPECT_EQ(answer.stages[1].channels, 352);
  EXPECT_EQ(answer.stages[1].width, 4);
  EXPECT_EQ(answer.logits.height, 3);
}

TEST_F(ClassifierWeights, RefusesWhatDoesNotFit) {
  EXPECT_MENTIONS(ErrorOf([] { LoadClassifier("imagenet", {.stages = {"stage5"}}); }), "stage16");
  EXPECT_MENTIONS(ErrorOf([] { LoadClassifier("minilm"); }), "is of kind text");
  const auto classifier = LoadClassifier("imagenet");
  EXPECT_MENTIONS(ErrorOf([&] { classifier->Look(ImageU8(16, 16, 3)); }), "at least 32 x 32");
  EXPECT_MENTIONS(ErrorOf([&] { classifier->Look(ImageU8(64, 64, 1)); }), "64 x 64 x 1");
}

}  // namespace
}  // namespace semfield
