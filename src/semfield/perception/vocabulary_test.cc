// What things can be called, and which of it a text means.
#include "semfield/perception/vocabulary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "semfield/perception/perception_test_util.h"
#include "semfield/perception/word_matcher.h"

namespace semfield {
namespace {

constexpr char kWords[] = R"({"other": "object", "classes": {
  "chair": {"names": ["chair", "stool"], "is_a": ["seat", "furniture"], "covers": ["folding chair"]},
  "knife": {"names": ["knife"], "is_a": ["tool"], "covers": []}}})";

std::vector<ClassName> Names() {
  return {{.synset = "n1", .names = {"folding chair", "camp chair"}, .is_a = {"chair", "seat", "furniture"}},
          {.synset = "n2", .names = {"red fox", "Vulpes vulpes"}, .is_a = {"fox", "animal"}},
          {.synset = "n3", .names = {"park bench"}, .is_a = {"bench", "seat", "furniture"}}};
}

class VocabularyTest : public testing::Test {
 protected:
  Vocabulary Make(const std::string& words = kWords) {
    std::ofstream(user_ / "words.json") << words;
    return Vocabulary({"chair", "knife", "object"}, Names(), user_ / "words.json");
  }
  std::vector<std::string> Called(const std::string& text) {
    const Vocabulary vocabulary = Make();
    std::vector<std::string> names;
    for (const int word : vocabulary.Called(text)) names.push_back(vocabulary.words()[word].name);
    return names;
  }
  TestUser user_;
};

using Strings = std::vector<std::string>;

TEST(PlainWords, AreLowerCaseWithoutArticles) {
  EXPECT_EQ(PlainWords("  The  Red\tFox "), "red fox");
  EXPECT_EQ(PlainWords("an apple"), "apple");
  EXPECT_EQ(PlainWords("anteater"), "anteater");
  EXPECT_EQ(PlainWords(" \n"), "");
  EXPECT_EQ(PlainWords("Stühle"), "stühle");
}

TEST_F(VocabularyTest, HasEachNameOnce) {
  const Vocabulary vocabulary = Make();
  Strings names;
  for (const Word& word : vocabulary.words()) names.push_back(word.name);
  EXPECT_EQ(names, (Strings{"chair", "knife", "red fox", "park bench"}));
  EXPECT_EQ(vocabulary.words()[0].covers, (std::vector<int>{0}));
}

TEST_F(VocabularyTest, KnowsWhatIsCalledSo) {
  EXPECT_EQ(Called("chair"), (Strings{"chair"}));
  EXPECT_EQ(Called("The camp chairs"), (Strings{"chair"}));
  EXPECT_EQ(Called("VULPES VULPES"), (Strings{"red fox"}));
  EXPECT_EQ(Called("knives"), (Strings{"knife"}));
  EXPECT_EQ(Called("seats"), (Strings{"chair", "park bench"}));  // a kind
  EXPECT_EQ(Called("boat"), Strings());
}

TEST_F(VocabularyTest, WeighsWhatBothSay) {
  const Vocabulary vocabulary = Make();
  const std::vector<float> logits = {std::log(0.6f), std::log(0.3f), std::log(0.1f)};
  // Without trust the classifier alone.
  std::vector<float> weights = vocabulary.Weigh(std::vector<float>{0.0f, 1.0f, 0.0f}, logits, 0);
  EXPECT_NEAR(weights[0], 0.6, 1e-5);
  EXPECT_NEAR(weights[1], 0.0, 1e-5);
  EXPECT_NEAR(weights[2], 0.3, 1e-5);
  EXPECT_NEAR(weights[3], 0.1, 1e-5);
  // With trust: p q^(1/2), where q is 0.7 of the classifier's and 0.1 of an even one, and others count a
  // tenth.
  weights = vocabulary.Weigh(std::vector<float>{0.2f, 0.5f, 0.3f}, logits, 1);
  const double chair = 0.2 * std::sqrt(0.7 * 0.6 + 0.1), knife = 0.5 * std::sqrt(0.1);
  const double others = 0.3 * std::sqrt(0.7 * 0.04 + 0.1), sum = chair + knife + others;
  EXPECT_NEAR(weights[0], chair / sum, 1e-5);
  EXPECT_NEAR(weights[1], knife / sum, 1e-5);
  EXPECT_NEAR(weights[2], others / sum, 1e-5);  // for all of them
  EXPECT_NEAR(weights[3], others / sum / 3, 1e-5);
  EXPECT_NEAR(vocabulary.CoveredShare(logits), 0.6, 1e-5);
}

TEST_F(VocabularyTest, RefusesDamagedWords) {
  const auto error = [&](const std::string& words) { return ErrorOf([&] { Make(words); }); };
  EXPECT_MENTIONS(error(R"({"other": "", "classes": {"sofa": {}}})"), "no such class");
  EXPECT_MENTIONS(error(R"({"other": "thing", "classes": {}})"), "classes.chair");
  EXPECT_MENTIONS(error(R"({"other": "object", "classes": {"chair":
      {"names": [], "is_a": [], "covers": ["throne"]}}})"),
                  "no name 'throne'");
  EXPECT_MENTIONS(error("[]"), "expected names");
}

// Vectors by the first letter: a text is near to words that begin alike.
class ByLetter : public TextEncoder {
 public:
  const ModelCard& card() const override { return card_; }
  int width() const override { return 26; }
  std::vector<float> Encode(const std::string& text, const StopToken*) override {
    ++calls;
    std::vector<float> vector(26, 0);
    vector[(text[0] - 'a' + 26) % 26] = 1;
    return vector;
  }
  int calls = 0;

 private:
  ModelCard card_;
};

TEST_F(VocabularyTest, ATextMeansTheNearestWords) {
  const Vocabulary vocabulary = Make();
  ByLetter encoder;
  WordMatcher matcher(vocabulary, encoder, {});
  const int read = encoder.calls;
  EXPECT_EQ(read, 8);  // chair, stool, folding chair, camp chair; knife; red fox, Vulpes vulpes; park bench
  const std::vector<float> exact = matcher.Meaning("camp chair");
  EXPECT_EQ(exact, (std::vector<float>{1, 0, 0, 0}));
  const std::vector<float> near = matcher.Meaning("roof");
  EXPECT_GT(near[2], 0.99);
  EXPECT_NEAR(std::accumulate(near.begin(), near.end(), 0.0), 1, 1e-5);
  EXPECT_MENTIONS(ErrorOf([&] { matcher.Meaning("  "); }), "empty");
  EXPECT_MENTIONS(ErrorOf([&] { matcher.Meaning(std::string(2000, 'a')); }), "at most");
  // The next one reads what was kept, and takes no damaged file for it.
  ByLetter again;
  WordMatcher(vocabulary, again, {});
  EXPECT_EQ(again.calls, 0);
  for (const auto& entry : std::filesystem::directory_iterator(user_.cache())) {
    if (entry.path().extension() == ".f32") std::ofstream(entry.path(), std::ios::binary) << "short";
  }
  WordMatcher(vocabulary, again, {});
  EXPECT_EQ(again.calls, read);
}

TEST(FitOf, ComparesWithTheBestNameOfEither) {
  const std::vector<float> chair = {1, 0, 0}, seats = {0.5f, 0.5f, 0},
                           nothing = {1.0f / 3, 1.0f / 3, 1.0f / 3};
  EXPECT_NEAR(FitOf({0.8f, 0.1f, 0.1f}, chair), 1, 1e-6);
  EXPECT_NEAR(FitOf({0.1f, 0.8f, 0.1f}, chair), 0.125, 1e-6);
  EXPECT_NEAR(FitOf({0.1f, 0.8f, 0.1f}, seats), 1.125, 1e-6);
  EXPECT_LT(FitOf({0.1f, 0.1f, 0.8f}, seats), kFits);
  // What is spread over many words means none of them.
  std::vector<float> thing(1000, 0), diffuse(1000, 0.001f);
  thing[7] = 1;
  EXPECT_LT(FitOf(thing, diffuse), kFits);
}

TEST(WordWeights, SynonymsAndPhrasesMeanTheRightWords) {
  if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
  const Vocabulary vocabulary = LoadVocabulary(FindModelCard("rooms-fast"));
  const auto encoder = LoadTextEncoder("minilm");
  TestUser user;
  WordMatcher matcher(vocabulary, *encoder, {});
  const auto best = [&](const std::string& text) {
    return vocabulary.words()[BestWords(matcher.Meaning(text), 1).front().word].name;
  };
  EXPECT_EQ(best("couch"), "sofa");
  EXPECT_EQ(best("Granny Smith"), "Granny Smith");
  EXPECT_EQ(best("a wooden chair"), "chair");
  EXPECT_EQ(best("television set"), "appliance");
  EXPECT_EQ(best("book case"), "shelf");
  EXPECT_EQ(best("washing machine"), "appliance");
}

}  // namespace
}  // namespace semfield
