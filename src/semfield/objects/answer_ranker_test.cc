#include "semfield/objects/answer_ranker.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"

namespace semfield {
namespace {

TEST(AnswerRanker, WithoutWeightsAgreementDecides) {
  AnswerFacts more, less;
  more.agreement = 0.8;
  less.agreement = 0.7;
  less.score = 1;
  EXPECT_GT(AnswerRanker().Judge(more), AnswerRanker().Judge(less));
}

TEST(AnswerRanker, KeepsItsWeightsInAFile) {
  const TestFolder folder;
  AnswerRanker::Numbers weights{};
  for (int i = 0; i < AnswerRanker::kNumbers; ++i) weights[i] = 0.1 * i - 1;
  AnswerRanker(weights).Write(folder / "ranker.json");
  AnswerFacts facts;
  facts.agreement = 0.6;
  facts.cells = 40;
  facts.largest = 90;
  facts.rank = 2;
  EXPECT_EQ(AnswerRanker::Read(folder / "ranker.json").Judge(facts), AnswerRanker(weights).Judge(facts));
  for (const char* wrong : {"{}", "[]", R"({"weights": [1, 2]})", R"({"weights": "many"})"}) {
    std::ofstream(folder / "ranker.json") << wrong;
    EXPECT_THROW(AnswerRanker::Read(folder / "ranker.json"), Error) << wrong;
  }
}

TEST(AnswerRanker, NumbersAreFiniteWhateverTheFacts) {
  for (const double value : {0.0, 1e-30, 1e30}) {
    AnswerFacts facts;
    facts.cells = facts.largest = facts.smallest = facts.share = facts.extent = facts.depth_range = value;
    for (const double number : AnswerRanker::NumbersOf(facts)) EXPECT_TRUE(std::isfinite(number));
  }
}

// The file that is shipped.
TEST(AnswerRanker, TheInstalledOneIsRead) {
  AnswerFacts good, bad;
  good.agreement = good.best_agreement = good.worst_agreement = good.score = 0.95;
  bad.agreement = bad.worst_agreement = 0.2;
  bad.best_agreement = 0.95;
  bad.score = 0.4;
  for (AnswerFacts* facts : {&good, &bad}) {
    facts->cells = facts->largest = facts->smallest = 500;
    facts->share = 0.05;
    facts->fill = 0.7;
    facts->extent = 0.1;
    facts->depth_range = 0.1;
  }
  EXPECT_GT(AnswerRanker::Installed().Judge(good), AnswerRanker::Installed().Judge(bad) + 0.2);
}

// A photo from near by: views agree even better on what lies around the thing.
TEST(AnswerRanker, WhatFillsAPhotoIsRarelyMeant) {
  AnswerFacts thing;
  thing.agreement = thing.best_agreement = thing.worst_agreement = thing.score = 0.9;
  thing.cells = thing.largest = thing.smallest = 20000;
  thing.share = 0.25;
  thing.fill = 0.6;
  thing.extent = 0.3;
  AnswerFacts around = thing;
  around.agreement = around.best_agreement = around.worst_agreement = 0.98;
  around.share = 0.95;
  around.fill = 0.95;
  for (const AnswerRanker& ranker : {AnswerRanker(), AnswerRanker::Installed()})
    EXPECT_GT(ranker.Judge(thing), ranker.Judge(around));
}

}  // namespace
}  // namespace semfield
