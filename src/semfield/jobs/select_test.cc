#include "semfield/jobs/select.h"

#include <gtest/gtest.h>

#include <fstream>

#include "semfield/catalog/methods.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/jobs_test_util.h"

namespace semfield {
namespace {

class SelectJobTest : public ImitatedRunTest {
 protected:
  void SetUp() override { std::filesystem::remove_all(Path("run") + "/selections"); }
  static SelectJobOptions Job(const std::string& name = "") {
    SelectJobOptions job;
    job.run = Path("run");
    job.teacher = "toy";
    job.name = name;
    job.out = Path("things");
    return job;
  }
  static SelectJobOptions Click(const std::string& name, const std::string& view, const std::string& at) {
    SelectJobOptions job = Job(name);
    job.view = view;
    job.click = {at};
    return job;
  }
  static SelectJobResult Run(const SelectJobOptions& job) { return RunSelect(job, KnownMethods(), {}); }
  static std::string Message(const SelectJobOptions& job) {
    try {
      Run(job);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(SelectJobTest, AClickIsAThingOfTheRun) {
  SelectJobOptions job = Click("cup", "3", "12.5,10.5");
  job.views = "0,3";
  const SelectJobResult result = Run(job);
  ASSERT_EQ(result.stages.size(), 2u);
  EXPECT_EQ(result.stages[0].answered_by, "features");
  EXPECT_EQ(result.stages[1].answered_by, "photos");
  EXPECT_GT(result.stages[1].cells, 0);
  EXPECT_EQ(result.exit_code(), 0);
  ASSERT_EQ(result.things.size(), 1u);
  EXPECT_EQ(result.things[0].name, "cup");
  EXPECT_EQ(result.things[0].cells, result.stages[1].cells);
  EXPECT_GT(result.things[0].size.minCoeff(), 0);
  ASSERT_EQ(result.views.size(), 2u);
  for (const SelectJobResult::View& view : result.views) {
    const ImageU8 mask = ReadImage(view.mask);
    EXPECT_EQ(std::count(mask.data.begin(), mask.data.end(), 255), view.area);
    EXPECT_EQ(view.hidden, view.area == 0);
  }
  // It is there for whoever looks next.
  const SelectJobResult list = Run(Job());
  ASSERT_EQ(list.things.size(), 1u);
  EXPECT_EQ(list.things[0].cells, result.things[0].cells);
  EXPECT_TRUE(list.done.empty());
  EXPECT_EQ(list.ToJson()["things"][0]["name"], "cup");
}

TEST_F(SelectJobTest, StepsAreTakenBackAndDoneAgain) {
  const int cells = Run(Click("cup", "3", "12.5,10.5")).things[0].cells;
  SelectJobOptions grow = Job("cup");
  grow.grow = 2;
  const int grown = Run(grow).things[0].cells;
  EXPECT_GT(grown, cells);
  SelectJobOptions undo = Job(), redo = Job();
  undo.undo = redo.redo = true;
  EXPECT_EQ(Run(undo).things[0].cells, cells);
  EXPECT_EQ(Run(redo).things[0].cells, grown);
  SelectJobOptions subtract = Job("ring");
  subtract.unite = {"cup"};
  Run(subtract);
  EXPECT_EQ(Run(Job()).things.size(), 2u);
  SelectJobOptions remove = Job("ring");
  remove.remove = true;
  EXPECT_EQ(Run(remove).things.size(), 1u);
}

TEST_F(SelectJobTest, FurtherClicksBelongToTheThing) {
  Run(Click("cup", "3", "12.5,10.5"));
  SelectJobOptions more = Click("cup", "3", "2.5,2.5,-");
  more.more = true;
  const SelectJobResult result = Run(more);
  EXPECT_EQ(result.things[0].clicks, 2);
}

TEST_F(SelectJobTest, ABoxIsAThing) {
  SelectJobOptions job = Job("cup");
  job.view = "3";
  job.box = {"6,5,20,16"};
  const SelectJobResult result = Run(job);
  ASSERT_EQ(result.things.size(), 1u);
  EXPECT_GT(result.things[0].cells, 0);
  job.more = true;
  EXPECT_NE(Message(job).find("begins a selection"), std::string::npos);
}

TEST_F(SelectJobTest, PaintAddsAndErases) {
  Run(Click("cup", "3", "12.5,10.5"));
  const ImageU8 photo = ReadImage(Path("capture") + "/images/003.jpg");
  ImageU8 all(photo.width, photo.height, 1, 255);
  WritePng(Path("all.png"), all);
  SelectJobOptions erase = Job("cup");
  erase.view = "3";
  erase.erase = Path("all.png");
  SelectJobOptions show = Job("cup");
  show.views = "3";
  Run(erase);
  EXPECT_EQ(Run(show).views[0].area, 0);
  SelectJobOptions add = erase;
  add.erase = "";
  add.paint = Path("all.png");
  add.more = true;
  Run(add);
  EXPECT_GT(Run(show).views[0].area, static_cast<int64_t>(0.5 * photo.width * photo.height));
  // Of a new thing, the painted part is the beginning.
  SelectJobOptions begin = add;
  begin.name = "painted";
  begin.more = false;
  EXPECT_GT(Run(begin).stages.back().cells, 0);
  WritePng(Path("small.png"), ImageU8(3, 3, 1, 255));
  add.paint = Path("small.png");
  EXPECT_NE(Message(add).find("got 3 x 3"), std::string::npos);
  WritePng(Path("all.png"), ImageU8(photo.width, photo.height, 1, 0));
  add.paint = Path("all.png");
  EXPECT_NE(Message(add).find("nothing in it is painted"), std::string::npos);
}

// The toy's three answers do not nest; what was clicked stays, and the clicks can be answered anew.
TEST_F(SelectJobTest, TheClicksAreAnsweredInAnotherGranularity) {
  Run(Click("cup", "3", "12.5,10.5"));
  SelectJobOptions group = Job("cup");
  group.granularity = "group";
  const SelectJobResult result = Run(group);
  ASSERT_EQ(result.stages.size(), 2u);
  EXPECT_EQ(result.things[0].granularity, "group");
  EXPECT_EQ(result.things[0].clicks, 1);
  group.granularity = "whole";
  EXPECT_NE(Message(group).find("expected part, object or group"), std::string::npos);
}

TEST_F(SelectJobTest, WrongUseIsSaid) {
  EXPECT_NE(Message(Click("", "3", "12,10")).find("--name is missing"), std::string::npos);
  EXPECT_NE(Message(Click("a/b", "3", "12,10")).find("expected letters"), std::string::npos);
  EXPECT_NE(Message(Click("cup", "3", "1000,10")).find("outside the image"), std::string::npos);
  EXPECT_NE(Message(Click("cup", "3", "12,10,-")).find("first click"), std::string::npos);
  SelectJobOptions nothing = Job("cup");
  nothing.grow = 1;
  EXPECT_NE(Message(nothing).find("no selection 'cup'"), std::string::npos);
  SelectJobOptions undo = Job();
  undo.undo = true;
  EXPECT_NE(Message(undo).find("nothing to undo"), std::string::npos);
  Run(Click("cup", "3", "12.5,10.5"));
  EXPECT_NE(Message(Click("cup", "3", "12.5,10.5")).find("--more"), std::string::npos);
  SelectJobOptions color = Click("pot", "3", "12.5,10.5");
  color.color = "1,2,300";
  EXPECT_NE(Message(color).find("0 to 255"), std::string::npos);
}

// Damaged caches are made again; what they hold is never trusted.
TEST_F(SelectJobTest, DamagedCachesAreMadeAgain) {
  const int cells = Run(Click("cup", "3", "12.5,10.5")).things[0].cells;
  for (const auto& entry : std::filesystem::directory_iterator(Path("run") + "/embeddings-toy"))
    std::filesystem::resize_file(entry.path(), 100);
  std::ofstream(Path("run") + "/selections/surface.safetensors") << "no tensors";
  EXPECT_EQ(Run(Click("again", "3", "12.5,10.5")).stages.back().cells, cells);
}

// The toy's masks mean nothing; what is found must still be in order.
TEST_F(SelectJobTest, EverythingIsNumberedAndNamedOnce) {
  SelectJobOptions job = Job("toy");
  job.everything = true;
  job.everything_views = 3;
  const SelectJobResult result = Run(job);
  EXPECT_NE(result.done.find("things found"), std::string::npos);
  for (size_t i = 0; i < result.things.size(); ++i) {
    EXPECT_EQ(result.things[i].name.rfind("toy ", 0), 0u) << result.things[i].name;
    EXPECT_GT(result.things[i].cells, 0);
    EXPECT_EQ(result.things[i].clicks, 0);
  }
}

TEST_F(SelectJobTest, ObjectsAreScoredWhereThereAreLabels) {
  EvaluateJobOptions job;
  job.run = Path("run");
  job.teacher = "toy";
  job.protocol = "objects";
  const EvaluateResult result = RunEvaluate(job, KnownMethods(), {});
  const Json& metrics = result.protocols.front().metrics;
  EXPECT_GT(metrics["things"].get<int>(), 0);
  for (const auto& [key, value] : metrics.items())
    EXPECT_TRUE(result.protocols.front().definitions.contains(key)) << key;
  for (const char* key : {"iou", "wrong_hidden", "share_above_0.5"}) {
    EXPECT_GE(metrics[key].get<double>(), 0) << key;
    EXPECT_LE(metrics[key].get<double>(), 1) << key;
  }
}

TEST_F(SelectJobTest, ThingsWithoutAClickHaveAnAveragePrecision) {
  EvaluateJobOptions job;
  job.run = Path("run");
  job.teacher = "toy";
  job.protocol = "instances";
  const ProtocolResult result = RunEvaluate(job, KnownMethods(), {}).protocols.front();
  EXPECT_EQ(result.facts["model"], "select --everything");
  EXPECT_EQ(result.per_view.size(), 2u);  // every 8th of 9
  double before = 1;
  for (const char* key : {"ap_50", "ap_75", "ap_80", "ap_85", "ap_90", "ap_95"}) {
    EXPECT_LE(result.metrics[key].get<double>(), before) << key;  // a stricter threshold finds no more
    before = result.metrics[key].get<double>();
    EXPECT_GE(before, 0) << key;
  }
}

}  // namespace
}  // namespace semfield
