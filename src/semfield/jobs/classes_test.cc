// Classes of a scene by a vote of photos, through `render`, `segment`, `mesh` and `evaluate`. The capture's
// own label maps vote, so that the answers can be judged without any network.
#include <gtest/gtest.h>

#include <fstream>

#include "semfield/catalog/methods.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/jobs/mesh.h"
#include "semfield/jobs/render.h"
#include "semfield/jobs/segment.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/mesh_files.h"
#include "semfield/views/class_vote.h"

namespace semfield {
namespace {

class ClassesJobTest : public TinyCaptureTest {
 protected:
  static void SetUpTestSuite() {
    TinyCaptureTest::SetUpTestSuite();
    WriteSynthetic({.views = 16, .width = 48, .height = 36}, Path("room"));
    RunTrain(Training("run"), KnownMethods(), {});
  }
  // Of little work, and with depth to go by, so that a tiny room has its surfaces where they are.
  static TrainJobOptions Training(const std::string& run) {
    TrainJobOptions job = TinyTraining(Path("room"), Path(run), 300);
    RadianceOptions& options = job.options.As<RadianceOptions>();
    options.log2_table_size = 13;
    options.samples_per_step = 4096;
    options.steps_across = 64;
    options.depth_supervision = DepthSource::kMaps;
    return job;
  }
  static RenderJobOptions Render(const std::string& out) {
    RenderJobOptions job;
    job.run = Path("run");
    job.out = Path(out);
    job.what = {"semantics"};
    job.vote.model = "labels";
    return job;
  }
  static void SetOptionByName(EvaluateJobOptions& job, const std::string& name, const Json& value) {
    OptionList list;
    job.Describe(list);
    SetOption(*list.Find(name), value, name);
  }
  // Share of the pixels of a view whose class is that of the capture's label.
  static double ShareRight(const std::string& ids_file, int view) {
    const ImageU16 ids = ReadImage16(ids_file);
    const OpenedRun run = OpenRun(Path("run"), KnownMethods());
    const ImageU16 truth = run.store->Classes(view);
    int right = 0;
    for (size_t i = 0; i < ids.data.size(); ++i) right += ids.data[i] == truth.data[i];
    return right / static_cast<double>(ids.data.size());
  }
};

TEST_F(ClassesJobTest, AHeldOutViewIsLabelledByTheOthers) {
  RenderJobOptions job = Render("semantics");
  job.vote.sources = 20;
  const RenderResult result = RunRender(job, KnownMethods(), {});
  ASSERT_EQ(result.files.size(), 4u);
  EXPECT_EQ(ReadImage(Path("semantics") + "/images_000_semantics.png").channels, 3);
  EXPECT_GT(ShareRight(Path("semantics") + "/images_000_classes.png", 0), 0.7);
  EXPECT_GT(ShareRight(Path("semantics") + "/images_008_classes.png", 8), 0.7);
  ASSERT_EQ(result.legend.size(), 2u);
  EXPECT_GT(ReadImage(result.legend[0]).height, 20);
  std::ifstream names(result.legend[1]);
  const Json legend = Json::parse(names);
  const OpenedRun run = OpenRun(Path("run"), KnownMethods());
  EXPECT_EQ(legend["classes"].size(), run.capture->class_names.size());
  EXPECT_EQ(legend["classes"][1]["name"], run.capture->class_names[1]);
  EXPECT_EQ(legend["model"], "labels");
  // Twenty photos were asked for, and there are fourteen.
  EXPECT_MENTIONS(TakeLog(), "14 photos vote, not 20");
}

// A training view's own labels, all made one class, are not among those that vote on it.
TEST_F(ClassesJobTest, TheTargetItselfNeverVotes) {
  RunRender(Render("all"), KnownMethods(), {});
  RenderJobOptions job = Render("own");
  job.view = "3";
  RunRender(job, KnownMethods(), {});
  const OpenedRun run = OpenRun(Path("run"), KnownMethods());
  const std::filesystem::path own = run.capture->views[3].semantic;
  const ImageU8 before = ReadImage(own);
  WritePng(own, ImageU8(before.width, before.height, 1, 0));
  job.out = Path("forged");
  RunRender(job, KnownMethods(), {});
  WritePng(own, before);
  EXPECT_EQ(ReadImage(Path("own") + "/images_003_classes.png").data,
            ReadImage(Path("forged") + "/images_003_classes.png").data);
}

TEST_F(ClassesJobTest, SegmentShowsOneClassInEveryView) {
  const OpenedRun run = OpenRun(Path("run"), KnownMethods());
  RenderJobOptions render = Render("whole");
  render.view = "0,2";
  RunRender(render, KnownMethods(), {});
  SegmentJobOptions job;
  job.run = Path("run");
  job.out = Path("masks");
  job.views = "0,2";
  job.vote.method = "gnesf";
  job.words_model = "labels";
  job.class_name = run.capture->class_names.at(1);
  const SegmentJobResult result = RunSegment(job, KnownMethods(), {});
  ASSERT_EQ(result.views.size(), 2u);
  EXPECT_EQ(result.exit_code(), 0);
  EXPECT_EQ(result.ToJson()["class"], job.class_name);
  const ImageU8 mask = ReadImage(result.views[0].mask);
  const ImageU16 ids = ReadImage16(Path("whole") + "/images_000_classes.png");
  int64_t area = 0;
  for (size_t i = 0; i < mask.data.size(); ++i) {
    EXPECT_EQ(mask.data[i] > 127, ids.data[i] == 1);
    area += mask.data[i] > 127;
  }
  EXPECT_EQ(result.views[0].area, area);
  EXPECT_GT(area, 0);
  job.class_name = "zebra";
  EXPECT_MENTIONS(ErrorOf([&] { RunSegment(job, KnownMethods(), {}); }), "no class is called 'zebra'");
  job.class_name.clear();
  EXPECT_MENTIONS(ErrorOf([&] { RunSegment(job, KnownMethods(), {}); }), "name it with --class");
}

TEST_F(ClassesJobTest, AMeshHasTheSameClassesInEveryKindOfFile) {
  MeshJobOptions job;
  job.run = Path("run");
  job.out = {Path("labels.ply"), Path("labels.glb")};
  job.labels = true;
  job.vote.model = "labels";
  job.faces = 4000;
  const MeshJobResult result = RunMeshJob(job, KnownMethods(), {});
  const OpenedRun run = OpenRun(Path("run"), KnownMethods());
  ASSERT_EQ(result.classes, run.capture->class_names);
  int labelled = result.unlabelled;
  for (const int count : result.class_vertices) labelled += count;
  EXPECT_EQ(labelled, result.vertices);
  EXPECT_LT(result.unlabelled, result.vertices / 10);
  const std::string ply = FileBytes(job.out[0]);
  EXPECT_MENTIONS(ply, "property int label");
  EXPECT_MENTIONS(ply, "comment label 2 " + run.capture->class_names[1]);
  EXPECT_EQ(ReadPly(job.out[0]).mesh.num_faces(), result.faces);
  EXPECT_MENTIONS(FileBytes(job.out[1]), "\"" + run.capture->class_names[0] + "\"");
}

TEST_F(ClassesJobTest, ProtocolSemanticsScoresTheVote) {
  EvaluateJobOptions job;
  job.run = Path("run");
  job.protocol = "semantics";
  SetOptionByName(job, "semantics-model", "labels");
  const Json answer = RunEvaluate(job, KnownMethods(), {}).ToJson();
  const Json& metrics = answer["metrics"];
  EXPECT_FALSE(metrics.contains("photo"));  // labels say nothing of other pictures
  EXPECT_GT(metrics["vote"]["total_accuracy"].get<double>(), 0.75);
  EXPECT_GT(metrics["vote"]["miou"].get<double>(), 0.4);
  EXPECT_LE(metrics["vote"]["miou"].get<double>(), 1);
  EXPECT_EQ(answer["per_view"].size(), 2u);
  EXPECT_GT(metrics["psnr"].get<double>(), 10);
  for (const char* key : {"vote", "vote_on_logits", "vote_without_visibility", "miou", "psnr"})
    EXPECT_TRUE(answer["definitions"].contains(key)) << key;
  EXPECT_DOUBLE_EQ(metrics["vote_on_logits"]["above_vote"].get<double>(),
                   metrics["vote_on_logits"]["miou"].get<double>() - metrics["vote"]["miou"].get<double>());
  SetOptionByName(job, "semantics-rows", Json::array({"vote"}));
  const Json alone = RunEvaluate(job, KnownMethods(), {}).ToJson()["metrics"];
  EXPECT_EQ(alone["vote"], metrics["vote"]);
  EXPECT_FALSE(alone.contains("vote_on_logits"));
  EXPECT_FALSE(alone.contains("psnr"));
  SetOptionByName(job, "semantics-rows", Json::array({"photo"}));
  EXPECT_MENTIONS(ErrorOf([&] { RunEvaluate(job, KnownMethods(), {}); }),
                  "there are vote_without_visibility, vote_on_logits, vote");
}

// A camera that looks away from everything.
TEST_F(ClassesJobTest, AViewThatSeesNothingHasNoClasses) {
  std::ofstream(Path("away.json")) << R"({"w": 40, "h": 30, "fl_x": 40, "world_from_camera":
      [[1, 0, 0, 500], [0, 1, 0, 500], [0, 0, 1, 500], [0, 0, 0, 1]]})";
  RenderJobOptions job = Render("away");
  job.view = Path("away.json");
  const RenderResult result = RunRender(job, KnownMethods(), {});
  EXPECT_EQ(result.unseen, 1);
  for (const uint16_t id : ReadImage16(Path("away") + "/away_classes.png").data) ASSERT_EQ(id, kNoClass);
  SegmentJobOptions segment;
  segment.run = Path("run");
  segment.out = Path("away");
  segment.views = Path("away.json");
  segment.vote.method = "gnesf";
  segment.words_model = "labels";
  segment.class_name = "wall";
  const SegmentJobResult masks = RunSegment(segment, KnownMethods(), {});
  EXPECT_TRUE(masks.views.at(0).hidden);
  EXPECT_EQ(masks.exit_code(), 1);
}

// Two runs of one scene: the mean is that of both, and one confusion matrix counts both.
TEST_F(ClassesJobTest, AListOfScenesIsEvaluatedTogether) {
  TrainJobOptions train = Training("second");
  train.options.As<RadianceOptions>().steps = 200;
  RunTrain(train, KnownMethods(), {});
  const std::string list = Path("scenes.json");
  std::ofstream(list) << R"({"scenes": ["run", "second", {"path": "capture", "split": "train"}]})";
  EvaluateJobOptions job;
  job.run = list;
  job.protocol = "semantics";
  SetOptionByName(job, "semantics-model", "labels");
  const EvaluateResult result = RunEvaluate(job, KnownMethods(), {});
  ASSERT_EQ(result.scenes.size(), 2u);
  const Json answer = result.ToJson();
  const auto miou = [&](int scene) {
    return answer["scenes"][scene]["metrics"]["vote"]["miou"].get<double>();
  };
  EXPECT_DOUBLE_EQ(answer["over_scenes"]["vote"]["miou"]["mean"].get<double>(), (miou(0) + miou(1)) / 2);
  EXPECT_GT(answer["over_scenes"]["vote"]["pooled"]["miou"].get<double>(), 0);
  EXPECT_TRUE(std::filesystem::exists(EvaluationFile(Run("second"), "semantics")));
  job.split = "val";
  EXPECT_MENTIONS(ErrorOf([&] { RunEvaluate(job, KnownMethods(), {}); }), "there are: test, train");
  job.split = "train";  // a capture, which is shown by the module that this program does not have beside it
  EXPECT_MENTIONS(ErrorOf([&] { RunEvaluate(job, KnownMethods(), {}); }, ErrorKind::kResource),
                  "libsemfield_scenes.so");
}

TEST_F(ClassesJobTest, DamagedAndMissingLabelsAreNamed) {
  std::filesystem::copy(Path("room"), Path("other"), std::filesystem::copy_options::recursive);
  TrainJobOptions train = Training("bad");
  train.capture = Path("other");
  RunTrain(train, KnownMethods(), {});
  const OpenedRun run = OpenRun(Path("bad"), KnownMethods());
  RenderJobOptions job = Render("none");
  job.run = Path("bad");
  ImageU8 labels = ReadImage(run.capture->views[4].semantic);
  labels.data[0] = 99;
  WritePng(run.capture->views[4].semantic, labels);
  job.vote.sources = 14;
  EXPECT_MENTIONS(ErrorOf([&] { RunRender(job, KnownMethods(), {}); }), "class id 99");
  for (const View& view : run.capture->views) std::filesystem::remove(view.semantic);
  EXPECT_MENTIONS(ErrorOf([&] { RunRender(job, KnownMethods(), {}); }), "label");
}

}  // namespace
}  // namespace semfield
