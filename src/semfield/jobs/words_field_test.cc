// The whole path of words on the bundled capture: a radiance field, a language field that imitates the
// shipped dense encoder, and classes and texts from rendered maps. All of it is short, so that what is asked
// of the masks is little; docs/methods/language_field.md has what minutes give.
#include <gtest/gtest.h>

#include <cstdlib>

#include "semfield/catalog/methods.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/jobs/segment.h"
#include "semfield/methods/language_field/language_options.h"
#include "semfield/methods/laser/laser_options.h"
#include "semfield/run/opened_run.h"

namespace semfield {
namespace {

constexpr const char* kTeacher = "rooms-lseg";

class WordsFieldTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    SetLogSink([](LogLevel, const std::string&) {});
    if (!RuntimeIsThere()) return;
    user_ = std::make_unique<TestUser>();
    folder_ = std::make_unique<TestFolder>();
    const std::filesystem::path source = std::getenv("SEMFIELD_SOURCE_DIR");
    TrainJobOptions train = TinyTraining((source / "examples/captures/room").string(), Path("run"), 250);
    RadianceOptions& radiance = train.options.As<RadianceOptions>();
    radiance.samples_per_step = 16384;
    radiance.log2_table_size = 14;
    radiance.finest_resolution = 256;
    radiance.hidden = 32;
    radiance.occupancy_resolution = 64;
    radiance.steps_across = 192;
    RunTrain(train, KnownMethods(), {});
    RunImitate(Imitation(100), KnownMethods(), {});
  }
  static void TearDownTestSuite() {
    folder_.reset();
    user_.reset();
    SetLogSink({});
  }
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
  }
  static std::string Path(const std::string& name) { return (*folder_ / name).string(); }
  static ImitateJobOptions Imitation(int steps) {
    ImitateJobOptions job;
    job.run = Path("run");
    job.teacher = kTeacher;
    job.ChooseTeacher(KnownMethods(), kTeacher);
    LanguageOptions& options = job.options.As<LanguageOptions>();
    options.teacher_resolution = 128;
    options.head_width = 32;
    options.cross_positions = 64;
    options.cache_size = 8;
    options.fresh_probability = 0;  // the cache is filled once
    options.head_layers = 3;
    options.leaky_slope = 0.01;
    options.steps = steps;
    return job;
  }
  static SegmentJobOptions Ask() {
    SegmentJobOptions ask;
    ask.run = Path("run");
    ask.teacher = kTeacher;
    ask.view = "test:0";
    ask.out = Path("masks");
    return ask;
  }
  static SegmentJobResult Run(const SegmentJobOptions& ask) { return RunSegment(ask, KnownMethods(), {}); }

  static inline std::unique_ptr<TestFolder> folder_;
  static inline std::unique_ptr<TestUser> user_;
};

TEST_F(WordsFieldTest, MapsAreThoseOfTheTeachersStrides) {
  const OpenedRun run = OpenRun(Path("run"), KnownMethods());
  const OpenedFeatures features = OpenPyramid(run, kTeacher);
  EXPECT_TRUE(features.finished);
  EXPECT_EQ(features.pyramid->space().grids, (std::vector<int>{128, 64, 32, 16}));
  EXPECT_EQ(features.pyramid->space().channels, 64);
  EXPECT_EQ(features.training_poses.size(), 8u);
  EXPECT_EQ(PyramidTeachers(run), std::vector<std::string>{kTeacher});
  EXPECT_EQ(features.config["method"], "language_field");
}

TEST_F(WordsFieldTest, AgreesWithItsTeacherOnLargeClasses) {
  EvaluateJobOptions job;
  job.run = Path("run");
  job.protocol = "san";
  job.teacher = kTeacher;
  job.max_views = 1;
  const ProtocolResult result = RunEvaluate(job, KnownMethods(), {}).protocols.front();
  EXPECT_EQ(result.protocol, "san-words");
  for (const auto& [key, value] : result.metrics.items())
    EXPECT_TRUE(result.definitions.contains(key)) << key;
  EXPECT_GT(result.metrics["agreed"].get<double>(), 0.4);
  EXPECT_GT(result.metrics["iou"].get<double>(), 0.05);
  EXPECT_LT(result.metrics["iou"].get<double>(), 1);
  EXPECT_TRUE(result.metrics.contains("truth_iou"));
  ASSERT_EQ(result.metrics["feature_mse_share"].size(), 4u);
  for (const Json& share : result.metrics["feature_mse_share"]) EXPECT_LT(share.get<double>(), 1.3);
  EXPECT_TRUE(std::filesystem::exists(Path("run") + "/evaluation-san-words.json"));
}

// One name, a synonym and a text with it give the same mask, with no thing ever looked for.
TEST_F(WordsFieldTest, WordsGetMasks) {
  SegmentJobOptions ask = Ask();
  ask.class_name = "wall";
  const SegmentJobResult walls = Run(ask);
  ASSERT_EQ(walls.views.size(), 1u);
  EXPECT_GT(walls.views[0].area_share, 0.05);
  EXPECT_LT(walls.views[0].area_share, 1);
  EXPECT_EQ(walls.views[0].granularity, "class");
  ASSERT_TRUE(walls.words);
  EXPECT_EQ(walls.words->things.front().name, "wall");
  EXPECT_EQ(walls.exit_code(), 0);
  EXPECT_FALSE(std::filesystem::exists(Path("run") + "/selections"));
  ask.class_name = "";
  ask.text = "the walls";
  EXPECT_EQ(ReadImage(Run(ask).views[0].mask).data, ReadImage(walls.views[0].mask).data);
  ask.text = "floor";
  const ImageU8 floor = ReadImage(Run(ask).views[0].mask), wall = ReadImage(walls.views[0].mask);
  for (size_t i = 0; i < floor.data.size(); ++i) ASSERT_FALSE(floor.data[i] != 0 && wall.data[i] != 0);
}

// A second method for the same teacher in the same run; nothing of the first is touched.
TEST_F(WordsFieldTest, LaserStandsBesideIt) {
  ImitateJobOptions job;
  job.run = Path("run");
  job.teacher = kTeacher;
  job.ChooseMethod(KnownMethods(), "laser");
  LaserOptions& options = job.options.As<LaserOptions>();
  options.teacher_resolution = 128;
  options.head_width = 32;
  options.grid = 16;
  options.token_rays = 1;
  options.cache_size = 8;
  options.fresh_probability = 0;
  options.steps = 60;
  RunImitate(job, KnownMethods(), {});
  const OpenedRun run = OpenRun(Path("run"), KnownMethods());
  EXPECT_EQ(OpenClassField(run, kTeacher, "laser").classes->num_classes(), 20);
  EXPECT_EQ(PyramidTeachers(run), std::vector<std::string>{kTeacher});
  EXPECT_TRUE(OpenPyramid(run, kTeacher).finished);
  SegmentJobOptions ask = Ask();
  ask.vote.method = "laser";
  ask.text = "the walls";
  const SegmentJobResult walls = Run(ask);
  EXPECT_EQ(walls.views[0].granularity, "class");
  EXPECT_GT(walls.views[0].area_share, 0.05);
  EvaluateJobOptions evaluate;
  evaluate.run = Path("run");
  evaluate.protocol = "language";
  evaluate.teacher = kTeacher;
  evaluate.max_views = 1;
  const ProtocolResult result = RunEvaluate(evaluate, KnownMethods(), {}).protocols.front();
  for (const char* row : {"photo", "rendering", "san", "laser"}) {
    EXPECT_GT(result.metrics[row]["accuracy"].get<double>(), 0.1) << row;
    EXPECT_TRUE(result.definitions.contains(row)) << row;
  }
}

// The run has no other features: words need no --teacher.
TEST_F(WordsFieldTest, TheOnlyTeacherAnswersWithoutBeingNamed) {
  SegmentJobOptions ask = Ask();
  ask.teacher = SegmentJobOptions().teacher;
  ask.class_name = "wall";
  EXPECT_EQ(Run(ask).views[0].granularity, "class");
}

TEST_F(WordsFieldTest, WhatIsNoClassIsSaid) {
  SegmentJobOptions ask = Ask();
  ask.text = "banana";
  const SegmentJobResult nothing = Run(ask);
  EXPECT_EQ(nothing.exit_code(), 1);
  EXPECT_TRUE(nothing.words->things.empty());
  EXPECT_FALSE(nothing.words->nearest.empty());
  EXPECT_EQ(nothing.views[0].area, 0);
  ask.text = "";
  ask.class_name = "qxzv wkjp";
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "no class is called");
  ask.class_name = "";
  ask.text = "  ";
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "the text is empty");
}

TEST_F(WordsFieldTest, ClicksAndOtherTeachersAreRefused) {
  SegmentJobOptions ask = Ask();
  ask.click = {"20,20"};
  ask.per_view = true;
  EXPECT_MENTIONS(ErrorOf([&] { Run(ask); }), "answers no clicks");
  ImitateJobOptions wrong = Imitation(5);
  wrong.teacher = "sam";
  EXPECT_MENTIONS(ErrorOf([&] { RunImitate(wrong, KnownMethods(), {}); }), "models of kind dense");
  wrong.teacher = "rooms-fast";  // its card cuts its graph nowhere
  EXPECT_MENTIONS(ErrorOf([&] { RunImitate(wrong, KnownMethods(), {}); }), "no dense.laterals");
  wrong.teacher = "minilm";
  EXPECT_MENTIONS(ErrorOf([&] { wrong.ChooseTeacher(KnownMethods(), "minilm"); }), "of kind text");
}

}  // namespace
}  // namespace semfield
