// A model that puts pictures and texts in one space, made of tiny graphs: red, green and blue.
#include <gtest/gtest.h>

#include <fstream>

#include "semfield/perception/image_tower.h"
#include "semfield/perception/models.h"
#include "semfield/perception/perception_test_util.h"
#include "semfield/perception/text_encoder.h"
#include "semfield/perception/word_matcher.h"

namespace semfield {
namespace {

class ClipTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
    Write("image.onnx", StandInImageTower());
    Write("text.onnx", StandInTextTower(StandInColors()));
    Write("merges.txt", kStandInMerges);
  }
  void Write(const std::string& name, const std::string& content) {
    std::ofstream(user_ / name, std::ios::binary) << content;
  }
  ModelCheck Add(const std::vector<std::string>& names) {
    ModelAddOptions add{.kind = "clip", .name = "colors", .licence = "MIT"};
    for (const std::string& name : names) add.files.push_back(user_ / name);
    return AddModel(add);
  }
  TestUser user_;
};

ImageU8 Picture(uint8_t red, uint8_t green, uint8_t blue) {
  ImageU8 picture(40, 20, 3);
  for (size_t i = 0; i < picture.num_pixels(); ++i) {
    picture.data[3 * i] = red;
    picture.data[3 * i + 1] = green;
    picture.data[3 * i + 2] = blue;
  }
  return picture;
}

TEST_F(ClipTest, IsAddedAndAnswers) {
  const ModelCheck check = Add({"text.onnx", "merges.txt", "image.onnx"});
  EXPECT_EQ(check.texts.size(), 2u);
  const ModelCard card = FindModelCard("colors");
  EXPECT_EQ(card.kind, "clip");
  EXPECT_EQ(card.image.input, "pixels");
  EXPECT_EQ(card.image.size, kStandInPicture);
  EXPECT_EQ(card.text.width, 3);
  EXPECT_EQ(card.text.tokenizer, "clip");
  const auto tower = LoadImageTower(card);
  const auto texts = LoadTextEncoder(card);
  // The mean colour stands beside a wide picture and counts as nothing, so half of it is red.
  const std::vector<float> red = tower->Look(Picture(250, 117, 104));
  EXPECT_GT(Cosine(red, texts->Encode("red")), 0.99);
  EXPECT_LT(Cosine(red, texts->Encode("blue")), 0.1);
  EXPECT_GT(Cosine(tower->Look(Picture(123, 117, 250)), texts->Encode("blue")), 0.99);
  EXPECT_NEAR(Cosine(texts->Encode("green"), texts->Encode("a green green")), 1, 1e-3);
}

TEST_F(ClipTest, TextsFilledUpToALengthMeanTheSame) {
  OnnxWriter writer;
  writer.Ids("tokens", {1, 8});
  writer.Ids("attention_mask", {1, 8});
  std::vector<float> table = StandInColors();
  writer.Floats("table", {static_cast<int64_t>(table.size()) / 3, 3}, table);
  writer.Node("Gather", {"table", "tokens"}, {"vectors"});
  writer.Node("Gather", {"table", "attention_mask"}, {"masks"});  // of rows 0 and 1, nearly nothing
  writer.Node("Add", {"vectors", "masks"}, {"all"});
  writer.Node("ReduceSum", {"all"}, {"read"}, {{"axes", {1}}, {"keepdims", {0}, true}});
  writer.Output("read", {1, 3});
  Write("text.onnx", writer.Model());
  Add({"image.onnx", "text.onnx", "merges.txt"});
  const ModelCard card = FindModelCard("colors");
  EXPECT_EQ(card.text.max_tokens, 8);
  EXPECT_EQ(card.text.mask, "attention_mask");
  const std::vector<float> blue = LoadTextEncoder(card)->Encode("blue");
  EXPECT_GT(blue[2], 0.99);
  // Longer texts are cut.
  EXPECT_GT(LoadTextEncoder(card)->Encode("blue blue blue blue blue blue blue blue red red")[2], 0.99);
}

TEST_F(ClipTest, SaysWhatIsMissing) {
  EXPECT_MENTIONS(ErrorOf([&] { Add({"image.onnx", "text.onnx"}); }), "table of merges is missing");
  EXPECT_MENTIONS(ErrorOf([&] { Add({"text.onnx", "merges.txt"}); }), "image tower is missing");
  EXPECT_MENTIONS(ErrorOf([&] { Add({"image.onnx", "merges.txt"}); }), "text tower is missing");
  Write("decoder.onnx", StandInDecoder(StandInMasks::kAll));
  EXPECT_MENTIONS(ErrorOf([&] {
                    Add({"image.onnx", "decoder.onnx", "merges.txt"});
                  }),
                  "neither an image tower");
  Write("merges.txt", "no merge in three words\n");
  EXPECT_MENTIONS(ErrorOf([&] { Add({"image.onnx", "text.onnx", "merges.txt"}); }), "line 1");
  EXPECT_FALSE(std::filesystem::exists(user_.models() / "colors.json"));
  Write("merges.txt", kStandInMerges);
  Write("text.onnx", StandInTextTower(std::vector<float>(3 * 523, 0.0f)));
  EXPECT_MENTIONS(ErrorOf([&] { Add({"image.onnx", "text.onnx", "merges.txt"}); }), "not all 0");
}

TEST_F(ClipTest, WordsAreReadAsCaptions) {
  Add({"image.onnx", "text.onnx", "merges.txt"});
  const auto encoder = LoadTextEncoder("colors");
  std::ofstream(user_ / "words.json") << R"({"other": "", "classes": {}})";
  const Vocabulary vocabulary(
      {}, {{.synset = "n1", .names = {"red"}, .is_a = {}}, {.synset = "n2", .names = {"blue"}, .is_a = {}}},
      user_ / "words.json");
  WordMatcher matcher(vocabulary, *encoder, {});
  const std::vector<double> cosines =
      matcher.Cosines(LoadImageTower(FindModelCard("colors"))->Look(Picture(123, 117, 250)));
  EXPECT_GT(cosines[1], 0.9);
  EXPECT_LT(cosines[0], 0.2);
  EXPECT_GT(SharpShares(cosines, 100)[1], 0.99);
}

}  // namespace
}  // namespace semfield
