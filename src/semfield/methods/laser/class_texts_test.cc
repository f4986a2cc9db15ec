#include "semfield/methods/laser/class_texts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace semfield {
namespace {

// Unit vectors in three dimensions.
class ToyEncoder : public TextEncoder {
 public:
  const ModelCard& card() const override { return card_; }
  int width() const override { return 3; }
  std::vector<float> Encode(const std::string& text, const StopToken*) override {
    const std::map<std::string, std::vector<float>> known = {{"wall", {1, 0, 0}},
                                                             {"door", {0.6f, 0.8f, 0}},
                                                             {"wall wall", {0.8f, 0, 0.6f}},
                                                             {"door door", {0, 1, 0}}};
    return known.at(text);
  }

 private:
  ModelCard card_;
};

double Dot(const Matrix& a, int i, const Matrix& b, int j) {
  double sum = 0;
  for (int c = 0; c < a.columns; ++c) sum += static_cast<double>(a.At(i, c)) * b.At(j, c);
  return sum;
}

TEST(ClassTexts, DotProductsAreThoseOfTheEncoder) {
  ToyEncoder encoder;
  const ClassTexts texts = EncodeClassTexts({"wall", "door"}, encoder);
  EXPECT_NEAR(Dot(texts.once, 0, texts.once, 0), 1, 1e-6);
  EXPECT_NEAR(Dot(texts.once, 0, texts.once, 1), 0.6, 1e-6);
  EXPECT_NEAR(Dot(texts.once, 1, texts.once, 1), 1, 1e-6);
  // "door door" lies in the plane of both names; of "wall wall" only a part does, which is scaled to 1.
  EXPECT_NEAR(Dot(texts.twice, 1, texts.once, 0), 0, 1e-6);
  EXPECT_NEAR(Dot(texts.twice, 1, texts.once, 1), 0.8, 1e-6);
  EXPECT_NEAR(Dot(texts.twice, 0, texts.once, 0), 1, 1e-6);
  EXPECT_NEAR(Dot(texts.twice, 0, texts.once, 1), 0.6, 1e-6);
}

TEST(ClassTexts, TriangleTimesItsTransposeIsTheMatrix) {
  Matrix gram(3, 3);
  const double given[] = {1, 0.3, 0.2, 0.3, 1, 0.5, 0.2, 0.5, 1};
  for (int i = 0; i < 9; ++i) gram.values[i] = static_cast<float>(given[i]);
  const Matrix lower = LowerTriangle(gram);
  EXPECT_EQ(lower.At(0, 1), 0);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) EXPECT_NEAR(Dot(lower, i, lower, j), gram.At(i, j), 1e-6);
  }
}

TEST(ClassTexts, NamesAlikeStayFinite) {
  Matrix gram(2, 2, 1);
  for (const float value : LowerTriangle(gram).values) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace semfield
