// Things by words, through `select` and `segment`: the shipped networks on a tiny made-up scene. What they
// say of it means little; that every answer is in order, and every wrong question is answered, is tested
// here.
#include <gtest/gtest.h>

#include <cmath>

#include "semfield/catalog/methods.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/jobs/segment.h"
#include "semfield/jobs/select.h"

namespace semfield {
namespace {

class WordsJobTest : public ImitatedRunTest {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
    std::filesystem::remove_all(Path("run") + "/selections");
  }
  static SelectJobOptions Job() {
    SelectJobOptions job;
    job.run = Path("run");
    job.teacher = "toy";
    job.out = Path("things");
    job.everything_views = 3;
    return job;
  }
  static SelectJobResult Run(const SelectJobOptions& job) { return RunSelect(job, KnownMethods(), {}); }
  // A thing with names.
  static SelectJobResult::Thing NamedCup() {
    SelectJobOptions click = Job();
    click.name = "cup";
    click.view = "3";
    click.click = {"12.5,10.5"};
    Run(click);
    SelectJobOptions names = Job();
    names.names = true;
    return Run(names).things.front();
  }
};

TEST_F(WordsJobTest, ThingsGetNamesThatStay) {
  const SelectJobResult::Thing cup = NamedCup();
  ASSERT_EQ(cup.names.size(), 3u);
  EXPECT_FALSE(cup.names[0].name.empty());
  EXPECT_GE(cup.names[0].score, cup.names[1].score);
  EXPECT_FALSE(cup.named_by_views.empty());
  const SelectJobResult list = Run(Job());
  EXPECT_EQ(list.things.front().names.front().name, cup.names.front().name);
  EXPECT_EQ(list.ToJson()["things"][0]["names"][0]["name"], cup.names.front().name);
  // What is changed is another thing.
  SelectJobOptions grow = Job();
  grow.name = "cup";
  grow.grow = 1;
  EXPECT_TRUE(Run(grow).things.front().names.empty());
}

TEST_F(WordsJobTest, ItsOwnNameFindsAThing) {
  const std::string called = NamedCup().names.front().name;
  SelectJobOptions ask = Job();
  ask.text = "The " + called;
  ask.name = "found";
  ask.views = "0,3";
  const SelectJobResult result = Run(ask);
  ASSERT_TRUE(result.words);
  ASSERT_EQ(result.words->things.size(), 1u);
  EXPECT_EQ(result.words->things[0].name, "cup");
  EXPECT_NEAR(result.words->things[0].fit, 1, 1e-5);
  EXPECT_EQ(result.words->selection, "found");
  ASSERT_EQ(result.things.size(), 2u);
  EXPECT_EQ(result.things[0].cells, result.things[1].cells);
  EXPECT_EQ(result.exit_code(), 0);
  // Asked again, the answer takes the place of the one before; it is no thing of its own to be found.
  EXPECT_EQ(Run(ask).things.size(), 2u);
  ask.name = "cup";
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "was not found by words");
  // The same masks by segment, in every view.
  SegmentJobOptions segment;
  segment.run = Path("run");
  segment.teacher = "toy";
  segment.text = called;
  segment.views = "0,3";
  segment.out = Path("masks");
  const SegmentJobResult masks = RunSegment(segment, KnownMethods(), {});
  ASSERT_EQ(masks.views.size(), 2u);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(ReadImage(masks.views[i].mask).data, ReadImage(result.views[i].mask).data);
}

TEST_F(WordsJobTest, WhatIsNotThereIsSaid) {
  NamedCup();
  SelectJobOptions ask = Job();
  ask.text = "qxzv wkjp";
  const SelectJobResult result = Run(ask);
  EXPECT_TRUE(result.words->things.empty());
  EXPECT_EQ(result.words->nearest.size(), 1u);
  EXPECT_EQ(result.things.size(), 1u);
  EXPECT_EQ(result.exit_code(), 1);
  EXPECT_MENTIONS(result.Text().at(1), "nothing here is 'qxzv wkjp'");
  ask.text = "";
  ask.class_name = "qxzv wkjp";
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "no class is called");
  ask.class_name = "";
  ask.text = "  ";
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "the text is empty");
  ask.text = std::string(5000, 'x');
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "at most 1000");
}

TEST_F(WordsJobTest, APlaceHasNames) {
  SelectJobOptions ask = Job();
  ask.view = "3";
  ask.what_is = {"12.5,10.5"};
  const SelectJobResult result = Run(ask);
  EXPECT_EQ(result.what_is.size(), 3u);
  EXPECT_TRUE(result.things.empty());
}

TEST_F(WordsJobTest, ContradictionsAreRefused) {
  SelectJobOptions ask = Job();
  ask.text = "chair";
  ask.class_name = "table";
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "give one");
  ask.class_name = "";
  ask.view = "3";
  ask.click = {"12.5,10.5"};
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "give one");
  ask = Job();
  ask.names = true;
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "no selections yet");
  ask = Job();
  ask.what_is = {"1,1"};
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "--view is missing");
  ask = Job();
  ask.everything = true;
  ask.view = "3";
  ask.click = {"12.5,10.5"};
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "without");
  SegmentJobOptions segment;
  segment.run = Path("run");
  segment.text = "chair";
  EXPECT_MENTIONS(ErrorOf([&] { RunSegment(segment, KnownMethods(), {}); }), "--views is missing");
  segment.views = "all";
  segment.per_view = true;
  EXPECT_MENTIONS(ErrorOf([&] { RunSegment(segment, KnownMethods(), {}); }), "belong to clicks");
}

TEST_F(WordsJobTest, NamesAreScoredWhereThereAreLabels) {
  EvaluateJobOptions job;
  job.run = Path("run");
  job.teacher = "toy";
  job.protocol = "names";
  const EvaluateResult result = RunEvaluate(job, KnownMethods(), {});
  const ProtocolResult& scored = result.protocols.front();
  for (const auto& [key, value] : scored.metrics.items())
    EXPECT_TRUE(scored.definitions.contains(key)) << key;
  const Json& row = scored.metrics["both, true masks"];
  EXPECT_GT(row["things"].get<int>(), 0);
  EXPECT_GE(row["top_three"].get<double>(), row["first"].get<double>());
}

}  // namespace
}  // namespace semfield
