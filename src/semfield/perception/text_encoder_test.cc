// The text encoder against its published implementation (scripts/models/make_text_reference.py).
#include "semfield/perception/text_encoder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "semfield/base/json.h"
#include "semfield/perception/perception_test_util.h"
#include "semfield/perception/wordpiece.h"

namespace semfield {
namespace {
namespace fs = std::filesystem;

Json References() {
  return ReadJsonFile(fs::path(std::getenv("SEMFIELD_SOURCE_DIR")) /
                      "src/semfield/perception/references/minilm.json");
}

WordPiece Tokens() {
  const ModelCard card = FindModelCard("minilm");
  return WordPiece(VerifyModelFile(card, card.text.vocabulary));
}

TEST(WordPiece, AgreesWithThePublishedTokenizer) {
  const WordPiece tokens = Tokens();
  const Json references = References();
  EXPECT_GT(references.size(), 40u);
  for (const Json& reference : references) {
    const auto text = reference["text"].get<std::string>();
    EXPECT_EQ(tokens.Ids(text, 256), reference["ids"].get<std::vector<int64_t>>()) << text;
  }
}

TEST(WordPiece, CutsLongTextAndReadsSpecialTokensAsText) {
  const WordPiece tokens = Tokens();
  const std::vector<int64_t> ids = tokens.Ids("one two three four five", 4);
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_EQ(ids.front(), 101);
  EXPECT_EQ(ids.back(), 102);
  const std::vector<int64_t> special = tokens.Ids("[SEP]", 256);
  EXPECT_EQ(std::count(special.begin(), special.end(), 102), 1);  // the one at the end
}

TEST(WordPiece, RefusesWhatIsNoText) {
  const WordPiece tokens = Tokens();
  EXPECT_MENTIONS(ErrorOf([&] { tokens.Ids("caf\xe9", 256); }), "not UTF-8 at byte 3");
  EXPECT_MENTIONS(ErrorOf([&] { tokens.Ids(std::string(70000, 'a'), 256); }), "70000 bytes");
}

TEST(WordPiece, RefusesDamagedVocabularies) {
  TestUser user;
  const auto read = [&](const std::string& content) {
    std::ofstream(user / "vocabulary.txt", std::ios::binary) << content;
    return ErrorOf([&] { WordPiece(user / "vocabulary.txt"); });
  };
  EXPECT_MENTIONS(read(""), "no [CLS]");
  EXPECT_MENTIONS(read("[CLS]\n[SEP]\na\n"), "no [UNK]");
  EXPECT_MENTIONS(read("[CLS]\n[SEP]\n[UNK]\na\na\n"), "line 5");
  EXPECT_MENTIONS(read("[CLS]\n" + std::string(5000, 'x') + "\n"), "line 2");
  EXPECT_MENTIONS(ErrorOf([&] { WordPiece(user / "none.txt"); }), "cannot be read");
}

class TextEncoderWeights : public testing::Test {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
  }
};

TEST_F(TextEncoderWeights, AgreesWithThePublishedNetwork) {
  const auto encoder = LoadTextEncoder("minilm");
  double worst = 0;
  for (const Json& reference : References()) {
    const auto expected = reference["embedding"].get<std::vector<float>>();
    const std::vector<float> found = encoder->Encode(reference["text"].get<std::string>());
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i)
      worst = std::max(worst, static_cast<double>(std::abs(found[i] - expected[i])));
  }
  EXPECT_LT(worst, 1e-4);
  RecordProperty("worst_difference", std::to_string(worst));
}

TEST_F(TextEncoderWeights, PutsSynonymsTogether) {
  const auto encoder = LoadTextEncoder("minilm");
  const auto sofa = encoder->Encode("sofa"), couch = encoder->Encode("couch"), lamp = encoder->Encode("lamp");
  EXPECT_GT(Cosine(sofa, couch), Cosine(sofa, lamp) + 0.2);
}

TEST_F(TextEncoderWeights, RefusesCardsThatDoNotFit) {
  ModelCard card = FindModelCard("minilm");
  card.text.width = 383;
  EXPECT_MENTIONS(ErrorOf([&] { LoadTextEncoder(card); }), "f32 [1, 383]");
  card = FindModelCard("minilm");
  card.text.input = "words";
  EXPECT_MENTIONS(ErrorOf([&] { LoadTextEncoder(card); }), "'words'");
  EXPECT_MENTIONS(ErrorOf([&] { LoadTextEncoder("sam"); }), "is of kind sam");
}

}  // namespace
}  // namespace semfield
