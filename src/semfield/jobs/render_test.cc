#include "semfield/jobs/render.h"
#include "semfield/catalog/methods.h"

#include <gtest/gtest.h>
#include <tinyexr.h>

#include <set>

#include "semfield/image/codecs.h"
#include "semfield/image/srgb.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/run/opened_run.h"

namespace semfield {
namespace {

class RenderJobTest : public TinyCaptureTest {
 protected:
  static void SetUpTestSuite() {
    TinyCaptureTest::SetUpTestSuite();
    Train("run", 60);
  }
  static RenderJobOptions Job(const std::string& out) {
    RenderJobOptions job;
    job.run = Path("run");
    job.out = Path(out);
    return job;
  }
  static std::set<std::string> Files(const std::string& out) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(Path(out)))
      names.insert(entry.path().filename());
    return names;
  }
};

TEST_F(RenderJobTest, HeldOutViewsAtTheSizeTrainedOn) {
  RenderJobOptions job = Job("test");
  job.what = {"rgb", "depth", "normals"};
  const Json answer = RunRender(job, KnownMethods(), {}).ToJson();
  EXPECT_EQ(Files("test"),
            (std::set<std::string>{"images_000_rgb.png", "images_000_depth.png", "images_000_normals.png",
                                   "images_008_rgb.png", "images_008_depth.png", "images_008_normals.png"}));
  EXPECT_EQ(answer["files"].size(), 6u);
  for (const Json& file : answer["files"]) {
    const ImageU8 picture = ReadImage(file.get<std::string>());
    EXPECT_EQ(picture.width, kTinyWidth);
    EXPECT_EQ(picture.height, kTinyHeight);
  }
}

TEST_F(RenderJobTest, ScaleIsRelativeToThat) {
  RenderJobOptions job = Job("scaled");
  job.view = "1";
  job.scale = 1.5;
  const ImageU8 picture =
      ReadImage(RunRender(job, KnownMethods(), {}).ToJson()["files"][0].get<std::string>());
  EXPECT_EQ(picture.width, kTinyWidth * 3 / 2);
  EXPECT_EQ(picture.height, kTinyHeight * 3 / 2);
}

// EXR keeps what was rendered: depth in world units.
TEST_F(RenderJobTest, ExrHoldsTheValuesThemselves) {
  RenderJobOptions job = Job("exr");
  job.view = "2";
  job.what = {"depth"};
  job.format = "exr";
  const std::string file = RunRender(job, KnownMethods(), {}).ToJson()["files"][0].get<std::string>();
  float* rgba = nullptr;
  int width = 0, height = 0;
  const char* problem = nullptr;
  ASSERT_EQ(LoadEXR(&rgba, &width, &height, file.c_str(), &problem), TINYEXR_SUCCESS) << problem;
  const std::unique_ptr<float, decltype(&std::free)> owner(rgba, &std::free);
  const OpenedRun run = OpenRun(Path("run"), KnownMethods());
  const View& view = run.capture->views[2];
  RenderRequest options;
  options.rgb = false;
  const RenderedView expected = run.Field().Render(view.camera, view.world_from_camera, options);
  ASSERT_EQ(static_cast<size_t>(width) * height, expected.depth.data.size());
  for (size_t i = 0; i < expected.depth.data.size(); ++i)
    ASSERT_FLOAT_EQ(rgba[4 * i], expected.depth.data[i]) << i;
}

// Programs that open an EXR take its colours for light.
TEST_F(RenderJobTest, ColorsOfAnExrAreLinear) {
  RenderJobOptions job = Job("light");
  job.view = "2";
  job.format = "exr";
  const std::string file = RunRender(job, KnownMethods(), {}).files.at(0);
  float* rgba = nullptr;
  int width = 0, height = 0;
  const char* problem = nullptr;
  ASSERT_EQ(LoadEXR(&rgba, &width, &height, file.c_str(), &problem), TINYEXR_SUCCESS) << problem;
  const std::unique_ptr<float, decltype(&std::free)> owner(rgba, &std::free);
  const OpenedRun run = OpenRun(Path("run"), KnownMethods());
  const View& view = run.capture->views[2];
  RenderRequest options;
  std::copy_n(run.background.data(), 3, options.background);
  const RenderedView expected = run.Field().Render(view.camera, view.world_from_camera, options);
  for (size_t i = 0; i < expected.depth.data.size(); ++i) {
    for (int c = 0; c < 3; ++c)
      ASSERT_NEAR(rgba[4 * i + c], LinearFromSrgb(expected.rgb.data[3 * i + c]), 1e-5) << i;
  }
}

TEST_F(RenderJobTest, AGridIsOfThePhotosOwnSize) {
  RenderJobOptions job = Job("grid");
  job.view = "2,3";
  job.what = {"grid"};
  job.scale = 0.5;
  RunRender(job, KnownMethods(), {});
  EXPECT_EQ(Files("grid"), (std::set<std::string>{"images_002_grid.png", "images_003_grid.png"}));
  EXPECT_EQ(ReadImage(Path("grid") + "/images_002_grid.png").width, kTinyWidth);
}

TEST_F(RenderJobTest, AVideoLeavesNoPicturesBehind) {
  RenderJobOptions job = Job("video");
  job.orbit = 5;
  job.format = "mp4";
  const RenderResult result = RunRender(job, KnownMethods(), {});
  if (result.lacks_videos) GTEST_SKIP() << "ffmpeg is not installed";
  EXPECT_EQ(Files("video"), std::set<std::string>{"orbit_rgb.mp4"});
  EXPECT_TRUE(result.files.empty());
}

TEST_F(RenderJobTest, OrbitsAndPathsAreNumbered) {
  RenderJobOptions orbit = Job("orbit");
  orbit.orbit = 3;
  RunRender(orbit, KnownMethods(), {});
  EXPECT_EQ(Files("orbit"),
            (std::set<std::string>{"orbit_0000_rgb.png", "orbit_0001_rgb.png", "orbit_0002_rgb.png"}));
  RenderJobOptions path = Job("path");
  path.path = 2;
  RunRender(path, KnownMethods(), {});
  EXPECT_EQ(Files("path").size(), 12u);  // 7 training views
}

TEST_F(RenderJobTest, WhatCannotBeMadeIsSaidBeforeAnythingIsWritten) {
  RenderJobOptions job = Job("nothing");
  job.format = "exr";
  job.what = {"rgb", "features"};
  EXPECT_MENTIONS(ErrorOf([&] { RunRender(job, KnownMethods(), {}); }), "features");
  job = Job("nothing");
  job.what = {"rgb", "features"};
  EXPECT_MENTIONS(ErrorOf([&] { RunRender(job, KnownMethods(), {}); }), "semfield imitate");
  job = Job("nothing");
  job.format = "mp4";
  EXPECT_MENTIONS(ErrorOf([&] { RunRender(job, KnownMethods(), {}); }), "--orbit");
  job = Job("nothing");
  job.orbit = job.path = 2;
  EXPECT_MENTIONS(ErrorOf([&] { RunRender(job, KnownMethods(), {}); }), "--path");
  job = Job("nothing");
  job.view = "1,nine";
  EXPECT_MENTIONS(ErrorOf([&] { RunRender(job, KnownMethods(), {}); }), "nine");
  EXPECT_FALSE(std::filesystem::exists(Path("nothing")));
}

TEST_F(RenderJobTest, StopsBetweenViews) {
  StopToken stop;
  RenderJobOptions job = Job("stopped");
  job.view = "all";
  const JobControl control = {.progress = [&](const Progress&) { stop.RequestStop(); }, .stop = &stop};
  EXPECT_EQ(ErrorOf([&] { RunRender(job, KnownMethods(), control); }, ErrorKind::kInterrupted),
            "interrupted");
  EXPECT_EQ(Files("stopped").size(), 1u);
}

class RenderFeaturesTest : public ImitatedRunTest {};

TEST_F(RenderFeaturesTest, FeaturesAreColoredTokenByToken) {
  RenderJobOptions job;
  job.run = Path("run");
  job.teacher = "toy";
  job.what = {"features"};
  job.view = "0,1";
  job.out = Path("features");
  const Json answer = RunRender(job, KnownMethods(), {}).ToJson();
  ASSERT_EQ(answer["files"].size(), 2u);
  const ImageU8 picture = ReadImage(answer["files"][0].get<std::string>());
  EXPECT_EQ(picture.width, 8 * kStandInGrid);
  EXPECT_EQ(picture.height, 8 * kStandInGrid);
}

}  // namespace
}  // namespace semfield
