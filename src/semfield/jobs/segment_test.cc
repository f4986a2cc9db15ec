#include "semfield/jobs/segment.h"
#include "semfield/catalog/methods.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "semfield/image/codecs.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/run/opened_run.h"

namespace semfield {
namespace {

class SegmentJobTest : public ImitatedRunTest {
 protected:
  static SegmentJobOptions Click(const std::string& view, const std::string& at) {
    SegmentJobOptions job;
    job.run = Path("run");
    job.teacher = "toy";
    job.view = view;
    job.click = {at};
    job.out = Path("masks");
    return job;
  }
  static int64_t Inside(const ImageU8& mask) {
    return std::count_if(mask.data.begin(), mask.data.end(), [](uint8_t v) { return v > 127; });
  }
};

TEST_F(SegmentJobTest, WritesMaskOverlayAndNumbersOfEveryView) {
  SegmentJobOptions job = Click("3", "12.5,10.5");
  job.views = "all";
  job.per_view = true;
  job.name = "chair";
  job.truth = true;
  std::vector<Progress> reports;
  const Json answer =
      RunSegment(job, KnownMethods(), {.progress = [&](const Progress& p) { reports.push_back(p); }})
          .ToJson();
  ASSERT_EQ(answer["views"].size(), size_t{kTinyViews});
  EXPECT_EQ(answer["view"], "images_003");
  EXPECT_EQ(reports.back().done, kTinyViews);
  int hidden = 0;
  for (const Json& record : answer["views"]) {
    const ImageU8 mask = ReadImage(record["mask"].get<std::string>());
    const ImageU8 overlay = ReadImage(record["overlay"].get<std::string>());
    EXPECT_EQ(mask.width, kTinyWidth);
    EXPECT_EQ(mask.height, kTinyHeight);
    EXPECT_EQ(overlay.width, kTinyWidth);
    EXPECT_EQ(Inside(mask), record["area"].get<int64_t>());
    EXPECT_LE(record["score"].get<double>(), 1);
    if (record["hidden"].get<bool>()) {
      EXPECT_EQ(record["area"], 0);
      EXPECT_TRUE(record["clicks"].empty());
      ++hidden;
    } else {
      EXPECT_EQ(record["clicks"].size(), 1u);
      for (const char* part : {"features", "decode", "map"})
        EXPECT_TRUE(record["milliseconds"].contains(part)) << part;
    }
  }
  EXPECT_LT(hidden, kTinyViews);
  const Json& first = answer["views"][0];
  EXPECT_EQ(first["hidden"], false);
  EXPECT_EQ(first["clicks"][0], Json({{"x", 12.5}, {"y", 10.5}, {"positive", true}}));
  EXPECT_GE(first["truth_iou"].get<double>(), 0);
  EXPECT_FALSE(first["truth"].get<std::string>().empty());
  EXPECT_EQ(first["milliseconds"].contains("project"), false);
  Json kept = ReadJsonFile(*folder_ / "masks" / "chair.json");
  EXPECT_EQ(kept["views"], answer["views"]);
  EXPECT_FALSE(kept.contains("text"));
  EXPECT_TRUE(std::filesystem::exists(*folder_ / "masks" / "chair_sheet.png"));
}

// Clicks that nobody named are different things; a name has the files of its last call only.
TEST_F(SegmentJobTest, FilesOfANameAreOfOneThing) {
  SegmentJobOptions job = Click("3", "12.5,10.5");
  job.out = Path("named");
  job.per_view = true;
  EXPECT_EQ(RunSegment(job, KnownMethods(), {}).numbers, (*folder_ / "named" / "mask.json").string());
  job.click = {"2.5,2.5"};
  const SegmentJobResult second = RunSegment(job, KnownMethods(), {});
  EXPECT_EQ(second.numbers, (*folder_ / "named" / "mask-2.json").string());
  EXPECT_TRUE(std::filesystem::exists(*folder_ / "named" / "mask_images_003.png"));
  job.name = "chair";
  job.views = "all";
  RunSegment(job, KnownMethods(), {});
  std::ofstream(*folder_ / "named" / "chair_of_mine.png") << "the user's own";
  job.views = "4";
  RunSegment(job, KnownMethods(), {});
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(*folder_ / "named")) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("chair", 0) == 0) files.insert(name);
  }
  EXPECT_EQ(files,
            (std::set<std::string>{"chair.json", "chair_images_003.png", "chair_images_003_overlay.png",
                                   "chair_images_004.png", "chair_images_004_overlay.png",
                                   "chair_of_mine.png", "chair_sheet.png"}));
}

TEST_F(SegmentJobTest, HiddenViewsAreCountedAndNotInThePicture) {
  SegmentJobResult result{.run = "run"};
  for (int i = 0; i < 6; ++i) {
    result.views.push_back({.name = fmt::format("v{}", i),
                            .photo = i == 0 ? "photos/v0.jpg" : "",
                            .width = 32,
                            .height = 24,
                            .mask = fmt::format("v{}.png", i),
                            .overlay = "",
                            .score = 0.5,
                            .area = i < 2 ? 5 : 0,
                            .granularity = "",
                            .hidden = i >= 2,
                            .clicks = {},
                            .milliseconds = {},
                            .truth_iou = {},
                            .truth = ""});
  }
  const std::vector<std::string> text = result.Text();
  ASSERT_EQ(text.size(), 5u);
  EXPECT_EQ(text[0], "clicked in photos/v0.jpg, 32 x 24 pixels");
  EXPECT_EQ(text[3], "4 hidden: v2, v3, v4, ... (4)");
}

// A run that came alone: the imitated features answer, over renderings.
TEST_F(SegmentJobTest, NeedsNoPhotos) {
  const std::string run = CopyOfRun("alone");
  const RunFolder folder = RunFolder::Open(run);
  Json section = folder.ReadConfigSection("train");
  section["capture"] = (*folder_ / "nowhere").string();
  section.erase("capture_relative");
  folder.WriteConfigSection("train", section);
  SegmentJobOptions job = Click("3", "12.5,10.5");
  job.run = run;
  job.out = Path("alone masks");
  EXPECT_EQ(RunSegment(job, KnownMethods(), {}).views.size(), 1u);
  job.views = "all";
  const SegmentJobResult all = RunSegment(job, KnownMethods(), {});
  EXPECT_EQ(all.views.size(), size_t{kTinyViews});
  EXPECT_TRUE(all.views[0].photo.empty());
  EXPECT_EQ(ReadImage(all.views[0].overlay).width, kTinyWidth);
}

// One thing on the surface, of which every view shows its part.
TEST_F(SegmentJobTest, OtherViewsShowTheThingThatTheClickFound) {
  SegmentJobOptions job = Click("3", "12.5,10.5");
  job.views = "all";
  const Json answer = RunSegment(job, KnownMethods(), {}).ToJson();
  ASSERT_EQ(answer["views"].size(), size_t{kTinyViews});
  int shown = 0;
  for (const Json& record : answer["views"]) {
    const ImageU8 mask = ReadImage(record["mask"].get<std::string>());
    EXPECT_EQ(mask.width, kTinyWidth);
    EXPECT_EQ(Inside(mask), record["area"].get<int64_t>());
    EXPECT_EQ(record["hidden"].get<bool>(), record["area"] == 0);
    EXPECT_EQ(record["granularity"], "object");
    shown += record["area"] > 0;
  }
  EXPECT_GT(shown, 1);
  EXPECT_TRUE(answer["views"][0]["milliseconds"].contains("encode photos"));
  // The photos are known now.
  const Json again = RunSegment(job, KnownMethods(), {}).ToJson();
  EXPECT_EQ(again["views"][0]["milliseconds"]["encode photos"], 0);
  EXPECT_EQ(again["views"][1]["area"], answer["views"][1]["area"]);
  // By imitated features alone no photo is looked at.
  job.refine = false;
  EXPECT_FALSE(
      RunSegment(job, KnownMethods(), {}).ToJson()["views"][0]["milliseconds"].contains("encode photos"));
}

// The encoder is not asked: masks come from rendered features.
TEST_F(SegmentJobTest, OnlyTeacherDirectRunsTheEncoder) {
  SegmentJobOptions job = Click("0", "12,10");
  const Json ours = RunSegment(job, KnownMethods(), {}).ToJson()["views"][0];
  EXPECT_FALSE(ours["milliseconds"].contains("render and encode"));
  job.teacher_direct = true;
  const Json direct = RunSegment(job, KnownMethods(), {}).ToJson()["views"][0];
  EXPECT_TRUE(direct["milliseconds"].contains("render and encode"));
  EXPECT_FALSE(direct["milliseconds"].contains("features"));
}

TEST_F(SegmentJobTest, GranularityReachesTheDecoder) {
  SegmentJobOptions job = Click("0", "12,10");
  for (const char* name : {"whole", "part", "subpart"}) {
    job.granularity = name;
    EXPECT_EQ(RunSegment(job, KnownMethods(), {}).ToJson()["views"][0]["granularity"], name);
  }
  // The stand-in's "whole" is its channel of ones, which the features have learnt.
  job.granularity = "whole";
  EXPECT_GT(RunSegment(job, KnownMethods(), {}).ToJson()["views"][0]["area_share"], 0.9);
}

TEST_F(SegmentJobTest, ABoxIsCarriedToOtherViewsByTheMiddleOfItsMask) {
  SegmentJobOptions job = Click("0", "1,1");
  job.click.clear();
  job.box = {"2,2,30,20"};
  job.views = "0,1,2";
  job.granularity = "whole";
  const Json answer = RunSegment(job, KnownMethods(), {}).ToJson();
  ASSERT_EQ(answer["views"].size(), 3u);
  EXPECT_GT(answer["views"][0]["area"], 0);
  EXPECT_TRUE(answer["views"][0]["clicks"].empty());
  for (size_t i : {1u, 2u}) {
    const Json& record = answer["views"][i];
    EXPECT_EQ(record["clicks"].size(), record["hidden"].get<bool>() ? 0u : 1u);
  }
}

TEST_F(SegmentJobTest, PoseFilesAreViewsToo) {
  const OpenedRun run = OpenRun(Path("run"), KnownMethods());
  const Pose& pose = run.capture->views[2].world_from_camera;
  Json matrix = Json::array();
  for (int row = 0; row < 3; ++row) {
    matrix.push_back(
        {pose.rotation(row, 0), pose.rotation(row, 1), pose.rotation(row, 2), pose.translation[row]});
  }
  WriteJsonFile(*folder_ / "elsewhere.json",
                {{"w", 40}, {"h", 64}, {"fl_x", 30}, {"world_from_camera", matrix}});
  const Json record =
      RunSegment(Click(Path("elsewhere.json"), "39,63"), KnownMethods(), {}).ToJson()["views"][0];
  EXPECT_EQ(record["view"], "elsewhere");
  const ImageU8 mask = ReadImage(record["mask"].get<std::string>());
  EXPECT_EQ(mask.width, 40);
  EXPECT_EQ(mask.height, 64);
}

// Clicks and masks are in pixels of the original photos, whatever size was trained on.
TEST_F(SegmentJobTest, PixelsAreThoseOfTheOriginalPhoto) {
  TrainJobOptions train = TinyTraining(Path("capture"), Path("small"), 20);
  train.downscale = 2;
  RunTrain(train, KnownMethods(), {});
  RunImitate(TinyImitation(Path("small"), 5), KnownMethods(), {});
  SegmentJobOptions job = Click("0", "31,23");
  job.run = Path("small");
  const ImageU8 mask =
      ReadImage(RunSegment(job, KnownMethods(), {}).ToJson()["views"][0]["mask"].get<std::string>());
  EXPECT_EQ(mask.width, kTinyWidth);
  EXPECT_EQ(mask.height, kTinyHeight);
}

TEST_F(SegmentJobTest, WrongPromptsAreErrors) {
  SegmentJobOptions job = Click("", "1,1");
  EXPECT_MENTIONS(ErrorOf([&] { RunSegment(job, KnownMethods(), {}); }), "--view");
  EXPECT_MENTIONS(ErrorOf([&] { RunSegment(Click("0", "33,1"), KnownMethods(), {}); }), "outside");
  EXPECT_MENTIONS(ErrorOf([&] { RunSegment(Click("nine", "1,1"), KnownMethods(), {}); }), "nine");
  job = Click("0", "1,1");
  job.name = "../escape";
  EXPECT_MENTIONS(ErrorOf([&] { RunSegment(job, KnownMethods(), {}); }), "--name");
  job = Click("0", "1,1");
  job.views = "1,what";
  EXPECT_MENTIONS(ErrorOf([&] { RunSegment(job, KnownMethods(), {}); }), "what");
}

TEST_F(SegmentJobTest, StopsBetweenViews) {
  StopToken stop;
  stop.RequestStop();
  SegmentJobOptions job = Click("0", "12,10");
  job.views = "all";
  EXPECT_EQ(ErrorOf([&] { RunSegment(job, KnownMethods(), {.progress = {}, .stop = &stop}); },
                    ErrorKind::kInterrupted),
            "interrupted");
}

}  // namespace
}  // namespace semfield
