#include "semfield/run/opened_run.h"
#include "semfield/catalog/methods.h"

#include <gtest/gtest.h>

#include "semfield/jobs/jobs_test_util.h"
#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {
namespace {

class OpenedRunTest : public TinyCaptureTest {
 protected:
  static void SetUpTestSuite() {
    TinyCaptureTest::SetUpTestSuite();
    Train("run", 100);
    run_ = std::make_unique<OpenedRun>(OpenRun(Path("run"), KnownMethods()));
  }
  static void TearDownTestSuite() {
    run_.reset();
    TinyCaptureTest::TearDownTestSuite();
  }
  static void CopyOfCapture(const std::string& name) {
    std::filesystem::copy(Path("capture"), Path(name), std::filesystem::copy_options::recursive);
  }
  static std::string WritePose(const std::string& text) {
    const std::filesystem::path path = *folder_ / "my pose.json";
    std::ofstream(path) << text;
    return path.string();
  }
  static std::string PoseError(const std::string& text) {
    return ErrorOf([&] { FindNamedView(*run_->capture, WritePose(text)); });
  }
  static inline std::unique_ptr<OpenedRun> run_;
};

TEST_F(OpenedRunTest, OpensWhatWasTrained) {
  EXPECT_EQ(run_->capture->views.size(), 9u);
  EXPECT_EQ(run_->train_config.at("options").at("steps"), 100);
  EXPECT_EQ(run_->store->CameraOf(0).width, 32);
  const View& view = run_->capture->views[0];
  EXPECT_GT(run_->Field().Render(view.camera, view.world_from_camera, {}).opacity.At(16, 12), 0);
}

TEST_F(OpenedRunTest, NoRunOrNothingTrainedIsAnError) {
  EXPECT_NE(ErrorOf([] { OpenRun(*folder_ / "missing", KnownMethods()); }), "");
  RunFolder::Create(*folder_ / "empty");
  EXPECT_NE(ErrorOf([] { OpenRun(*folder_ / "empty", KnownMethods()); }).find("semfield train"),
            std::string::npos);
}

TEST_F(OpenedRunTest, MissingFeaturesSayHowToMakeThem) {
  EXPECT_FALSE(HasFeatures(*run_, "sam"));
  EXPECT_NE(ErrorOf([] { OpenFeatures(*run_, "sam"); }).find("semfield imitate"), std::string::npos);
  EXPECT_NE(ErrorOf([] { OpenFeatures(*run_, "../../etc/passwd"); }), "");
}

TEST_F(OpenedRunTest, ACaptureThatChangedIsWarnedAbout) {
  CopyOfCapture("changed");
  const std::string run = Path("run of changed");
  RunTrain(TinyTraining(Path("changed"), run, 10), KnownMethods(), {});
  TakeLog();
  Json poses = ReadJsonFile(*folder_ / "changed" / "transforms.json");
  const double before = OpenRun(run, KnownMethods()).capture->views[3].world_from_camera.translation.x();
  poses["frames"][3]["transform_matrix"][0][3] = 1.5;
  WriteJsonFile(*folder_ / "changed" / "transforms.json", poses);
  const OpenedRun opened = OpenRun(run, KnownMethods());
  EXPECT_MENTIONS(TakeLog(), "changed since this run was trained: 1 views have other poses");
  // The field fits the poses that it was trained with.
  EXPECT_EQ(opened.capture->views[3].world_from_camera.translation.x(), before);
}

// Runs of programs that kept no list of views.
TEST_F(OpenedRunTest, WithoutAViewListTheCaptureIsTakenAsItIs) {
  const std::filesystem::path old = *folder_ / "old";
  std::filesystem::copy(Path("run"), old, std::filesystem::copy_options::recursive);
  std::filesystem::remove(old / "views.json");
  TakeLog();
  EXPECT_EQ(OpenRun(old, KnownMethods()).capture->views.size(), 9u);
  EXPECT_EQ(TakeLog(), "");
  const RunFolder run = RunFolder::Open(old);
  Json section = run.ReadConfigSection("train");
  section["capture_hash"] = "0123";
  run.WriteConfigSection("train", section);
  OpenRun(old, KnownMethods());
  EXPECT_MENTIONS(TakeLog(), "changed");
  section["capture"] = (*folder_ / "moved").string();
  section.erase("capture_relative");
  run.WriteConfigSection("train", section);
  EXPECT_NE(ErrorOf([&] { OpenRun(old, KnownMethods()); }), "");
}

TEST_F(OpenedRunTest, TheSplitStaysWhateverBecomesOfThePhotos) {
  CopyOfCapture("shrinking");
  const std::string run = Path("run of shrinking");
  RunTrain(TinyTraining(Path("shrinking"), run, 10), KnownMethods(), {});
  const OpenedRun whole = OpenRun(run, KnownMethods());
  std::filesystem::remove(*folder_ / "shrinking" / "images" / "001.jpg");
  TakeLog();
  const OpenedRun opened = OpenRun(run, KnownMethods());
  EXPECT_MENTIONS(TakeLog(), "1 of 9 photos are gone");
  ASSERT_EQ(opened.capture->views.size(), 9u);
  EXPECT_EQ(opened.capture->held_out, whole.capture->held_out);
  EXPECT_EQ(opened.capture->train, whole.capture->train);
  EXPECT_TRUE(opened.capture->views[1].image.empty());
  EXPECT_EQ(WithPhotos(*opened.capture, opened.capture->train).size(), whole.capture->train.size() - 1);
  // What is in the cube and where it lies must not hang on which photos are left.
  EXPECT_EQ(opened.capture->bounds.min, whole.capture->bounds.min);
  const View& view = whole.capture->views[1];
  EXPECT_EQ(opened.Field().Render(view.camera, view.world_from_camera, {}).rgb.data,
            whole.Field().Render(view.camera, view.world_from_camera, {}).rgb.data);
  EXPECT_MENTIONS(ErrorOf([&] { opened.store->Image(1); }), "--capture");
}

TEST_F(OpenedRunTest, RunAndCaptureMoveTogetherOrApart) {
  std::filesystem::create_directories(*folder_ / "here");
  CopyOfCapture("here/room");
  RunTrain(TinyTraining(Path("here/room"), Path("here/run"), 10), KnownMethods(), {});
  std::filesystem::rename(*folder_ / "here", *folder_ / "there");
  TakeLog();
  EXPECT_EQ(OpenRun(Path("there/run"), KnownMethods()).capture->path, Path("there/room"));
  EXPECT_EQ(TakeLog(), "");
  std::filesystem::rename(*folder_ / "there/room", *folder_ / "elsewhere");
  const OpenedRun alone = OpenRun(Path("there/run"), KnownMethods());
  EXPECT_MENTIONS(TakeLog(), "Say with --capture where it is");
  EXPECT_EQ(alone.capture->views.size(), 9u);
  EXPECT_TRUE(WithPhotos(*alone.capture, alone.capture->train).empty());
  const OpenedRun found = OpenRun(Path("there/run"), KnownMethods(), {.capture = Path("elsewhere")});
  EXPECT_EQ(WithPhotos(*found.capture, found.capture->train).size(), found.capture->train.size());
  KeepCapturePlace(found.folder, {.capture = Path("elsewhere")});
  TakeLog();
  OpenRun(Path("there/run"), KnownMethods());
  EXPECT_EQ(TakeLog(), "");
}

TEST_F(OpenedRunTest, AnotherCaptureIsNotTakenForTheRuns) {
  CopyOfCapture("moved poses");
  Json poses = ReadJsonFile(*folder_ / "moved poses" / "transforms.json");
  for (Json& frame : poses["frames"])
    frame["transform_matrix"][2][3] = frame["transform_matrix"][2][3].get<double>() + 0.5;
  WriteJsonFile(*folder_ / "moved poses" / "transforms.json", poses);
  EXPECT_MENTIONS(ErrorOf([] { OpenRun(Path("run"), KnownMethods(), {.capture = Path("moved poses")}); }),
                  "it is another capture");
  CopyOfCapture("other names");
  Json names = ReadJsonFile(*folder_ / "other names" / "transforms.json");
  std::filesystem::rename(*folder_ / "other names/images", *folder_ / "other names/photos");
  for (Json& frame : names["frames"]) {
    const std::string name = frame["file_path"].get<std::string>();
    frame["file_path"] = "photos" + name.substr(name.find('/'));
  }
  WriteJsonFile(*folder_ / "other names" / "transforms.json", names);
  EXPECT_MENTIONS(ErrorOf([] { OpenRun(Path("run"), KnownMethods(), {.capture = Path("other names")}); }),
                  "it is another capture");
}

// ---- Views ----

TEST_F(OpenedRunTest, FindsViewsByNameIndexAndSplit) {
  const Capture& capture = *run_->capture;
  const NamedView by_index = FindNamedView(capture, "2");
  EXPECT_EQ(by_index.index, 2);
  EXPECT_EQ(by_index.camera.width, 32);
  EXPECT_EQ(by_index.name.find_first_of("/ "), std::string::npos);
  EXPECT_EQ(FindNamedView(capture, "test:0").index, capture.held_out[0]);
  EXPECT_EQ(FindNamedView(capture, capture.views[4].name).index, 4);
  EXPECT_NE(ErrorOf([&] { FindNamedView(capture, "no such view"); }), "");
  EXPECT_NE(ErrorOf([&] { FindNamedView(capture, "9"); }), "");
  EXPECT_NE(ErrorOf([&] { FindNamedView(capture, "/nowhere/pose.json"); }), "");
}

TEST_F(OpenedRunTest, FindsListsOfViews) {
  const Capture& capture = *run_->capture;
  EXPECT_EQ(FindNamedViews(capture, "all").size(), 9u);
  EXPECT_EQ(FindNamedViews(capture, "train").size(), capture.train.size());
  EXPECT_EQ(FindNamedViews(capture, "test").size(), capture.held_out.size());
  const std::vector<NamedView> some = FindNamedViews(capture, "3,train:0,,1");
  ASSERT_EQ(some.size(), 3u);
  EXPECT_EQ(some[0].index, 3);
  EXPECT_EQ(some[1].index, capture.train[0]);
  EXPECT_EQ(some[2].index, 1);
  for (const char* text : {"", ",", "3,what", "all,3x"}) {
    EXPECT_NE(ErrorOf([&] { FindNamedViews(capture, text); }), "") << text;
  }
}

constexpr const char* kIdentity = "[[1,0,0,5],[0,1,0,6],[0,0,1,7],[0,0,0,1]]";

TEST_F(OpenedRunTest, PoseFilesAreInTheCapturesConvention) {
  const std::string text =
      std::string(R"({"w": 64, "h": 48, "fl_x": 50, "cx": 30, "transform_matrix": )") + kIdentity + "}";
  const NamedView view = FindNamedView(*run_->capture, WritePose(text));
  EXPECT_EQ(view.index, -1);
  EXPECT_EQ(view.name, "my_pose");
  EXPECT_EQ(view.camera.width, 64);
  EXPECT_EQ(view.camera.fy, 50);
  EXPECT_EQ(view.camera.cx, 30);
  EXPECT_EQ(view.camera.cy, 24);
  EXPECT_LT((view.world_from_camera.translation - Vec3(5, 6, 7)).norm(), 1e-12);
  // OpenGL's camera looks along -z; ours along +z.
  EXPECT_LT((view.world_from_camera.rotation.col(2) - Vec3(0, 0, -1)).norm(), 1e-12);
  const std::string ours =
      std::string(R"({"w": 64, "h": 48, "fl_x": 50, "world_from_camera": )") + kIdentity + "}";
  EXPECT_LT(
      (FindNamedView(*run_->capture, WritePose(ours)).world_from_camera.rotation - Mat3::Identity()).norm(),
      1e-12);
}

TEST_F(OpenedRunTest, NamesThatNoFileCanHaveAreJustNotThere) {
  EXPECT_NE(ErrorOf([] { FindNamedView(*run_->capture, std::string(5000, 'x') + ".json"); }), "");
}

TEST_F(OpenedRunTest, DamagedPoseFilesAreErrorsThatNameTheKey) {
  const auto with = [](const std::string& camera, const std::string& matrix) {
    return "{" + camera + R"(, "transform_matrix": )" + matrix + "}";
  };
  const std::string good = R"("w": 64, "h": 48, "fl_x": 50)";
  for (const std::string& matrix :
       {std::string("[]"), std::string("3"), std::string("null"), std::string("[[1,0,0],[0,1,0],[0,0,1]]"),
        std::string("[[1,0,0,0],[0,1,0,0],[0,0,\"1\",0]]"),
        std::string("[[2,0,0,0],[0,2,0,0],[0,0,2,0],[0,0,0,1]]"),
        std::string("[[1,0,0,0],[0,1,0,0],[0,0,-1,0],[0,0,0,1]]"),
        std::string("[[0,0,0,0],[0,0,0,0],[0,0,0,0]]"), std::string("[[1,0,0,null],[0,1,0,0],[0,0,1,0]]"),
        std::string("[1,2,3,4]")}) {
    EXPECT_NE(PoseError(with(good, matrix)).find("transform_matrix"), std::string::npos) << matrix;
  }
  for (const char* camera :
       {R"("h": 48, "fl_x": 50)", R"("w": 0, "h": 48, "fl_x": 50)", R"("w": -5, "h": 48, "fl_x": 50)",
        R"("w": 1e9, "h": 48, "fl_x": 50)", R"("w": "64", "h": 48, "fl_x": 50)", R"("w": 64, "h": 48)",
        R"("w": 64, "h": 48, "fl_x": 0)", R"("w": 64, "h": 48, "fl_x": 50, "fl_y": -1)",
        R"("w": 64, "h": 48, "fl_x": 50, "cx": "middle")", R"("w": 1e999, "h": 48, "fl_x": 50)"}) {
    EXPECT_NE(PoseError(with(camera, kIdentity)), "") << camera;
  }
  for (const char* text : {"", "{", "[]", "null", "\"pose\""}) EXPECT_NE(PoseError(text), "") << text;
}

TEST_F(OpenedRunTest, TheMethodOfARunIsTheOneThatConfigNames) {
  EXPECT_EQ(run_->train_config.at("method"), "radiance");
  const std::filesystem::path copy = *folder_ / "other";
  std::filesystem::copy(Path("run"), copy, std::filesystem::copy_options::recursive);
  const RunFolder folder = RunFolder::Open(copy);
  Json section = folder.ReadConfigSection("train");
  section["method"] = "radience";
  folder.WriteConfigSection("train", section);
  EXPECT_EQ(
      ErrorOf([&] { OpenRun(copy, KnownMethods()); }),
      "unknown method 'radience'; known are: radiance, feature_field, language_field, laser, gnesf, gp_nerf, "
      "feature_nerf");
  section.erase("method");  // as runs of older programs
  folder.WriteConfigSection("train", section);
  OpenRun(copy, KnownMethods());
}

}  // namespace
}  // namespace semfield
