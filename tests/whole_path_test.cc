// From photos to masks with the real teacher: synthetic room -> radiance field -> imitation -> one click, all
// views. Skipped where the teacher's weights or the inference runtime are not installed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "semfield/capture/image_store.h"
#include "semfield/capture/reader.h"
#include "semfield/catalog/methods.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/jobs/segment.h"
#include "semfield/methods/feature_field/feature_options.h"
#include "semfield/methods/radiance/model/radiance_options.h"
#include "semfield/perception/models.h"

namespace semfield {
namespace {

constexpr int kWidth = 160, kHeight = 120;

std::string WhyTheTeacherCannotRun() {
  for (const ModelListing& listing : ListModels()) {
    if (listing.card.name != "sam") continue;
    return listing.ready ? "" : "the teacher 'sam' is not installed: " + listing.problem;
  }
  return "there is no model card 'sam'";
}

struct Click {
  int view = 0;
  int instance = 0;
  int x = 0, y = 0;
  double pixels = 0;
};

// The middle of the largest movable thing that any view shows.
Click LargestThing(const Capture& capture) {
  const ImageStore store(capture);
  const std::set<std::string> shell = {"wall", "floor", "ceiling", "room"};
  Click best;
  for (size_t view = 0; view < capture.views.size(); ++view) {
    const ImageU16 ids = store.Instances(static_cast<int>(view));
    std::map<int, int> counts;
    for (uint16_t id : ids.data) ++counts[id];
    for (const auto& [id, count] : counts) {
      const auto label = capture.instances.find(id);
      if (label == capture.instances.end() || shell.count(label->second.class_name) > 0 ||
          count <= best.pixels)
        continue;
      ImageU8 mask(ids.width, ids.height, 1);
      for (size_t i = 0; i < ids.data.size(); ++i) mask.data[i] = ids.data[i] == id ? 255 : 0;
      const ImageF distance = DistanceToBorder(mask);
      const size_t at = std::max_element(distance.data.begin(), distance.data.end()) - distance.data.begin();
      best = {.view = static_cast<int>(view),
              .instance = id,
              .x = static_cast<int>(at % ids.width),
              .y = static_cast<int>(at / ids.width),
              .pixels = static_cast<double>(count)};
    }
  }
  return best;
}

bool AnyInside(const ImageU8& mask) {
  return std::any_of(mask.data.begin(), mask.data.end(), [](uint8_t v) { return v != 0; });
}

void TrainAndImitate(const std::string& capture, const std::string& run) {
  TrainJobOptions train = TinyTraining(capture, run, 400);
  train.ChooseMethod(KnownMethods());
  RadianceOptions& radiance = train.options.As<RadianceOptions>();
  radiance.levels = RadianceOptions().levels;
  radiance.samples_per_step = 32768;
  radiance.log2_table_size = 15;
  radiance.finest_resolution = 512;
  radiance.hidden = 32;
  radiance.occupancy_resolution = 64;
  radiance.steps_across = 256;
  radiance.coarse_phases = 3;
  radiance.phase_steps = 60;
  radiance.mlp_learning_rate = 5e-3;
  EXPECT_GT(RunTrain(train, KnownMethods(), {}).train_psnr.value(), 20);

  ImitateJobOptions imitate;
  imitate.run = run;
  imitate.ChooseMethod(KnownMethods());
  FeatureOptions& features = imitate.options.As<FeatureOptions>();
  features.steps = 120;
  features.teacher_resolution = 256;
  features.cache_size = 16;
  features.fresh_probability = 0;  // the cache is filled once
  EXPECT_EQ(RunImitate(imitate, KnownMethods(), {}).views, 16);
}

// Every view has a mask of the photo's size, empty where the thing is said to be hidden.
void CheckMasks(const Json& views) {
  int hidden = 0, seen = 0;
  for (const Json& record : views) {
    const ImageU8 mask = ReadImage(record["mask"].get<std::string>());
    ASSERT_EQ(mask.width, kWidth);
    ASSERT_EQ(mask.height, kHeight);
    EXPECT_TRUE(std::filesystem::exists(record["overlay"].get<std::string>()));
    if (record["hidden"].get<bool>()) {
      EXPECT_FALSE(AnyInside(mask)) << record["view"];
      EXPECT_EQ(record["area"], 0);
      ++hidden;
    } else {
      EXPECT_EQ(AnyInside(mask), record["area"].get<int>() > 0);
      ++seen;
    }
  }
  EXPECT_GT(seen, 2) << "of " << hidden + seen;
  EXPECT_GT(hidden, 0);
}

// A view that the clicked point falls outside of cannot see it.
void CheckThatOutsideIsHidden(const Capture& capture, int clicked, const Vec3& point, const Json& views) {
  for (size_t i = 1; i < views.size(); ++i) {
    const int index = static_cast<int>(i) - (static_cast<int>(i) <= clicked ? 1 : 0);
    const View& view = capture.views[index];
    const auto pixel = view.camera.Project(view.world_from_camera.Inverse() * point);
    const bool outside =
        !pixel || pixel->x() < -3 || pixel->y() < -3 || pixel->x() > kWidth + 3 || pixel->y() > kHeight + 3;
    if (outside) {
      EXPECT_TRUE(views[i]["hidden"].get<bool>()) << view.name;
    }
  }
}

TEST(WholePath, FromPhotosToMasksInAllViews) {
  const std::string problem = WhyTheTeacherCannotRun();
  if (!problem.empty()) GTEST_SKIP() << problem;
  TestFolder folder;
  const SyntheticOptions room = {.views = 24, .width = kWidth, .height = kHeight, .scene = "object"};
  WriteSynthetic(room, folder / "room");
  const std::string run = (folder / "run").string();

  TrainAndImitate((folder / "room").string(), run);
  const RunFolder run_folder = RunFolder::Open(run);
  EXPECT_TRUE(std::filesystem::exists(run_folder.radiance_checkpoint()));
  EXPECT_TRUE(std::filesystem::exists(run_folder.features_checkpoint("sam")));
  EXPECT_FALSE(std::filesystem::exists(folder / "run" / "cache")) << "views were not removed";

  const Capture capture = ReadCapture((folder / "room").string(), {});
  const Click click = LargestThing(capture);
  ASSERT_GT(click.pixels, 500);
  SegmentJobOptions segment;
  segment.run = run;
  segment.view = capture.views[click.view].name;
  segment.click = {std::to_string(click.x + 0.5) + "," + std::to_string(click.y + 0.5)};
  segment.views = "all";
  segment.truth = true;
  const Json thing = RunSegment(segment, KnownMethods(), {}).ToJson();
  ASSERT_EQ(thing["views"].size(), capture.views.size());
  // Whether a part or the whole is meant is a guess at this size; what was clicked belongs to it.
  const ImageU8 shown = ReadImage(thing["views"][0]["mask"].get<std::string>());
  EXPECT_NE(shown.At(click.x, click.y), 0);
  segment.per_view = true;
  const Json answer = RunSegment(segment, KnownMethods(), {}).ToJson();

  ASSERT_EQ(answer["views"].size(), capture.views.size());
  EXPECT_GT(answer["views"][0]["truth_iou"].get<double>(), 0.3);

  const SyntheticScene scene(room);
  const View& clicked = capture.views[click.view];
  const Ray ray = MakeRay(clicked.camera, clicked.world_from_camera, {click.x + 0.5, click.y + 0.5});
  const SyntheticHit hit = scene.Trace(ray);
  Vec3 point = clicked.world_from_camera.translation;
  for (int k = 0; k < 3; ++k) point[k] += double{hit.distance} * ray.direction[k];
  CheckMasks(answer["views"]);
  CheckThatOutsideIsHidden(capture, click.view, point, answer["views"]);
  EXPECT_TRUE(std::filesystem::exists(run_folder.masks_dir() / "mask.json"));
}

}  // namespace
}  // namespace semfield
