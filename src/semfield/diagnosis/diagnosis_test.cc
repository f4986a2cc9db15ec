// A rendered room is damaged in all the ways that users damage captures, and each damage must be named.
#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <memory>

#include "semfield/base/random.h"
#include "semfield/capture/bounds.h"
#include "semfield/diagnosis/diagnosis_test_util.h"
#include "semfield/diagnosis/photos.h"

namespace semfield {
namespace {

using namespace testing_support;

constexpr int kViews = 14, kWidth = 240, kHeight = 180;

// Cameras on an arc through the synthetic room, at changing heights, all looking at its far side.
std::vector<Pose> ArcPoses(const Vec3& middle) {
  std::vector<Pose> poses;
  for (int i = 0; i < kViews; ++i) {
    const double angle = (-40 + 80.0 * i / (kViews - 1)) * std::numbers::pi / 180;
    const Vec3 eye =
        middle + Vec3(-1.7 * std::cos(angle), 1.7 * std::sin(angle), 0.35 + 0.3 * std::sin(2.0 * i));
    poses.push_back(LookAt(eye, middle + Vec3(0.8, 0.15 * std::cos(1.0 * i), -0.3), Vec3::UnitZ()));
  }
  return poses;
}

ImageU8 Photo(const SyntheticScene& scene, const Camera& camera, const Pose& pose) {
  const Camera twice = camera.Resized(2 * camera.width, 2 * camera.height);
  const std::vector<Ray> rays = MakeRays(twice, pose);
  ImageU8 image(twice.width, twice.height, 3);
  for (size_t i = 0; i < rays.size(); ++i) {
    const SyntheticHit hit = scene.Trace(rays[i]);
    for (int c = 0; c < 3; ++c) image.data[3 * i + c] = static_cast<uint8_t>(255 * hit.rgb[c] + 0.5f);
  }
  return Resize(image, camera.width, camera.height);
}

class DiagnosisTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder("diagnosis");
    const SyntheticScene scene({.views = 3, .width = kWidth, .height = kHeight});
    const Camera camera = PinholeCamera(kWidth, kHeight, 1.0);
    const std::vector<Pose> poses = ArcPoses(scene.Bounds().Center());
    Json json{
        {"w", kWidth}, {"h", kHeight}, {"fl_x", camera.fx}, {"fl_y", camera.fy}, {"frames", Json::array()}};
    for (int i = 0; i < kViews; ++i) {
      json["frames"].push_back({{"file_path", fmt::format("images/{:02}.png", i)},
                                {"transform_matrix", MatrixJson(FlipOpenGlOpenCv(poses[i]).Matrix())}});
    }
    std::filesystem::create_directories(*folder_ / "images");
    ParallelFor(kViews, [&](int64_t i, int) {
      WritePng(*folder_ / fmt::format("images/{:02}.png", i), Photo(scene, camera, poses[i]));
    });
    WriteJsonFile(*folder_ / "transforms.json", json);
    good_ = new Capture(ReadCapture(folder_->path(), {.warnings = WarningLog::kNothing}));
  }
  static void TearDownTestSuite() {
    delete good_;
    delete folder_;
  }
  std::filesystem::path Scratch(const std::string& name) { return scratch_ / name; }

  static TempFolder* folder_;
  static Capture* good_;
  TempFolder scratch_{"diagnosis-photo"};
};
TempFolder* DiagnosisTest::folder_ = nullptr;
Capture* DiagnosisTest::good_ = nullptr;

#define SF_EXPECT_NAMES(diagnosis, ...) EXPECT_TRUE(Names(diagnosis, __VA_ARGS__)) << AllFindings(diagnosis)

TEST_F(DiagnosisTest, AGoodCaptureIsFineAndComparable) {
  const Diagnosis diagnosis = Diagnose(*good_, {});
  EXPECT_TRUE(diagnosis.findings.empty()) << AllFindings(diagnosis);
  EXPECT_EQ(diagnosis.num_judged, kViews);
  EXPECT_GT(diagnosis.agreeing, 0.9);
  EXPECT_GE(diagnosis.median_error, 0);
  EXPECT_LT(diagnosis.median_error, 1.5);
  EXPECT_GT(diagnosis.parallax_degrees, 5);
}

TEST_F(DiagnosisTest, NamesSwappedPoses) {
  Capture capture = *good_;
  SwapPoses(&capture, 3, 9);
  const Diagnosis diagnosis = Diagnose(capture, {});
  SF_EXPECT_NAMES(diagnosis, "swapped-views", "images/03.png");
  SF_EXPECT_NAMES(diagnosis, "swapped-views", "images/09.png");
  EXPECT_EQ(diagnosis.findings.size(), 1u) << AllFindings(diagnosis);
}

TEST_F(DiagnosisTest, NamesAWrongFocalLength) {
  for (const double factor : {1.5, 0.7}) {
    Capture capture = *good_;
    ScaleFocal(&capture, factor);
    const Diagnosis diagnosis = Diagnose(capture, {});
    SF_EXPECT_NAMES(diagnosis, "wrong-focal-length");
    ASSERT_FALSE(diagnosis.findings.empty());
    double found = 1;
    for (const auto& finding : diagnosis.findings) {
      if (finding.kind == "wrong-focal-length") found *= finding.numbers.at("factor").get<double>();
    }
    EXPECT_NEAR(found, 1 / factor, 0.1 / factor);
  }
}

TEST_F(DiagnosisTest, NamesTheOtherCameraAxes) {
  Capture capture = *good_;
  FlipAxes(&capture);
  const Diagnosis diagnosis = Diagnose(capture, {});
  SF_EXPECT_NAMES(diagnosis, "camera-axes");
  EXPECT_EQ(diagnosis.findings.size(), 1u) << AllFindings(diagnosis);
  EXPECT_NE(diagnosis.findings[0].message.find("OpenCV's"), std::string::npos);
}

TEST_F(DiagnosisTest, LooksThroughFisheyeAndDistortedLenses) {
  const SyntheticScene scene({.views = 3, .width = kWidth, .height = kHeight});
  Camera fisheye = PinholeCamera(kWidth, kHeight, 1.3);
  fisheye.model = CameraModel::kFisheye;
  fisheye.k1 = 0.02;
  Camera barrel = PinholeCamera(kWidth, kHeight, 1.0);
  barrel.k1 = -0.12;
  barrel.p1 = 0.002;
  for (const Camera& camera : {fisheye, barrel}) {
    Capture capture = *good_;
    ParallelFor(kViews, [&](int64_t i, int) {
      View& view = capture.views[i];
      view.camera = camera;
      view.image = Scratch(fmt::format("{}.png", i));
      WritePng(view.image, Photo(scene, camera, view.world_from_camera));
    });
    const Diagnosis fine = Diagnose(capture, {});
    EXPECT_TRUE(fine.findings.empty()) << AllFindings(fine);
    EXPECT_GE(fine.num_judged, kViews - 2);
    SwapPoses(&capture, 3, 9);
    SF_EXPECT_NAMES(Diagnose(capture, {}), "swapped-views", "images/03.png");
  }
}

TEST_F(DiagnosisTest, NamesInvertedPosesAndPosesOutOfStep) {
  Capture inverse = *good_;
  for (View& view : inverse.views) {
    view.world_from_camera = FlipOpenGlOpenCv(FlipOpenGlOpenCv(view.world_from_camera).Inverse());
  }
  SF_EXPECT_NAMES(Diagnose(inverse, {}), "inverse-poses");
  Capture shifted = *good_;
  for (int i = 0; i < kViews; ++i)
    shifted.views[i].world_from_camera = good_->views[(i + 3) % kViews].world_from_camera;
  SF_EXPECT_NAMES(Diagnose(shifted, {}), "shifted-poses");
}

TEST_F(DiagnosisTest, NamesTurnedAndMirroredPhotos) {
  Capture turned = *good_;
  EditPhoto(&turned, 6, Scratch("a.png"), TurnPhoto);
  SF_EXPECT_NAMES(Diagnose(turned, {}), "turned-photos", "images/06.png");
  Capture mirrored = *good_;
  EditPhoto(&mirrored, 6, Scratch("b.png"), MirrorPhoto);
  const Diagnosis diagnosis = Diagnose(mirrored, {});
  // A mirrored photo matches nothing, as its descriptors are mirrored too: then it is at least not judged.
  EXPECT_TRUE(Names(diagnosis, "mirrored", "images/06.png") ||
              std::count(diagnosis.not_judged.begin(), diagnosis.not_judged.end(), "images/06.png") > 0)
      << AllFindings(diagnosis);
}

TEST_F(DiagnosisTest, NamesAViewWhosePoseIsOff) {
  Capture capture = *good_;
  Pose& pose = capture.views[5].world_from_camera;
  pose.rotation = pose.rotation * LookAt(Vec3::Zero(), Vec3(0.12, 0.12, 1), -Vec3::UnitY()).rotation;
  const Diagnosis diagnosis = Diagnose(capture, {});
  ASSERT_EQ(diagnosis.findings.size(), 1u) << AllFindings(diagnosis);
  EXPECT_EQ(diagnosis.findings[0].views, std::vector<std::string>{"images/05.png"});
}

// Two reconstructions in one file: each half is right in itself.
TEST_F(DiagnosisTest, NamesPosesThatDoNotClose) {
  Capture capture = *good_;
  const Vec3 middle = capture.views[kViews / 2].world_from_camera.translation;
  const Mat3 turn = Eigen::AngleAxisd(0.15, Vec3::UnitZ()).toRotationMatrix();
  for (int v = kViews / 2; v < kViews; ++v) {
    Pose& pose = capture.views[v].world_from_camera;
    pose = {turn * pose.rotation, middle + turn * (pose.translation - middle)};
  }
  const Diagnosis diagnosis = Diagnose(capture, {});
  SF_EXPECT_NAMES(diagnosis, "open-loop");
  EXPECT_FALSE(Names(Diagnose(*good_, {}), "open-loop"));
}

TEST_F(DiagnosisTest, NamesBlurAndExposure) {
  Capture blurred = *good_;
  EditPhoto(&blurred, 4, Scratch("a.png"), [](ImageU8* image) { BlurPhoto(image, 4); });
  SF_EXPECT_NAMES(Diagnose(blurred, {}), "blurred-photo", "images/04.png");
  Capture bright = *good_;
  EditPhoto(&bright, 8, Scratch("b.png"), [](ImageU8* image) { BrightenPhoto(image, 2.5); });
  SF_EXPECT_NAMES(Diagnose(bright, {}), "over-exposed-photo", "images/08.png");
}

TEST_F(DiagnosisTest, NamesDuplicates) {
  Capture capture = *good_;
  View copy = capture.views[2];
  copy.name = "images/copy.png";
  copy.image = Scratch("copy.png");
  std::filesystem::copy_file(capture.views[2].image, copy.image);
  capture.views.push_back(copy);
  const Diagnosis diagnosis = Diagnose(capture, {});
  SF_EXPECT_NAMES(diagnosis, "duplicate-photos", "images/copy.png");
  SF_EXPECT_NAMES(diagnosis, "duplicate-photos", "images/02.png");
}

TEST_F(DiagnosisTest, NamesAMissingBaseline) {
  // Photos and poses agree, but the camera only turned on the spot (5 mm between views).
  const SyntheticScene scene({.views = 3, .width = kWidth, .height = kHeight});
  Capture capture = *good_;
  capture.views.resize(6);
  const Vec3 middle = scene.Bounds().Center();
  ParallelFor(6, [&](int64_t i, int) {
    View& view = capture.views[i];
    view.world_from_camera =
        LookAt(middle + Vec3(-1.7, 0.005 * i, 0.3), middle + Vec3(0.8, -0.5 + 0.2 * i, -0.3), Vec3::UnitZ());
    view.image = Scratch(fmt::format("{}.png", i));
    WritePng(view.image, Photo(scene, view.camera, view.world_from_camera));
  });
  const Diagnosis diagnosis = Diagnose(capture, {});
  SF_EXPECT_NAMES(diagnosis, "missing-baseline");
  EXPECT_EQ(diagnosis.findings.size(), 1u) << AllFindings(diagnosis);
}

TEST_F(DiagnosisTest, SaysWhenNothingCanBeCompared) {
  Capture capture = *good_;
  for (size_t i = 0; i < capture.views.size(); ++i) {
    EditPhoto(&capture, i, Scratch(fmt::format("{}.png", i)), [&](ImageU8* image) {
      std::fill(image->data.begin(), image->data.end(), static_cast<uint8_t>(100 + i));
    });
  }
  const Diagnosis diagnosis = Diagnose(capture, {});
  EXPECT_EQ(diagnosis.num_judged, 0);
  EXPECT_LT(diagnosis.agreeing, 0);
  EXPECT_TRUE(diagnosis.findings.empty()) << AllFindings(diagnosis);
}

// A ball that all cameras look at, its masks kept, inverted, and inverted in one view.
TEST(CheckMasks, NamesWrongPolarity) {
  TempFolder folder("masks");
  Capture capture;
  for (int i = 0; i < 12; ++i) {
    View view;
    view.name = fmt::format("{:02}.png", i);
    view.camera = PinholeCamera(80, 60, 0.7);
    view.world_from_camera = CirclePose(i, 12);
    view.image = folder / view.name;
    view.mask = folder / ("mask" + view.name);
    ImageU8 mask(80, 60, 1);
    for (int y = 0; y < 60; ++y) {
      for (int x = 0; x < 80; ++x) {
        const Vec3 ray = view.world_from_camera.rotation * view.camera.DirectionAt(Vec2(x + 0.5, y + 0.5));
        const Vec3 eye = view.world_from_camera.translation;
        mask.At(x, y) = (eye - eye.dot(ray) * ray).norm() < 0.8 ? 255 : 0;
      }
    }
    WritePng(view.mask, mask);
    WritePng(view.image, ImageU8(80, 60, 3, 90));
    capture.views.push_back(view);
  }
  EXPECT_TRUE(diagnosis::CheckMasks(capture).empty());
  capture.views[4].mask_inverted = true;
  diagnosis::Findings found = diagnosis::CheckMasks(capture);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, "mask-polarity");
  EXPECT_EQ(found[0].views, std::vector<std::string>{"04.png"});
  for (View& view : capture.views) view.mask_inverted = true;
  found = diagnosis::CheckMasks(capture);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, "mask-polarity");
  EXPECT_TRUE(found[0].views.empty());
  // Left out is what differs from view to view (people who walk by): that is what such masks are for.
  for (int i = 0; i < 12; ++i) {
    ImageU8 mask(80, 60, 1, 255);
    for (int y = 15; y < 45; ++y) std::fill_n(&mask.At(20 + (7 * i) % 25, y), 15, uint8_t{0});
    capture.views[i].mask_inverted = false;
    WritePng(capture.views[i].mask, mask);
  }
  EXPECT_TRUE(diagnosis::CheckMasks(capture).empty());
  WritePng(capture.views[7].mask, ImageU8(80, 60, 1, 0));
  found = diagnosis::CheckMasks(capture);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, "empty-masks");
}

// Views without photos, on a circle around the origin.
Capture CircleOfViews(int count) {
  Capture capture;
  for (int i = 0; i < count; ++i) {
    View view;
    view.name = std::to_string(i);
    view.camera = PinholeCamera(400, 300, 0.9);
    view.world_from_camera = CirclePose(i, count);
    capture.views.push_back(view);
  }
  return capture;
}

TEST(CheckIntrinsics, NamesThoseOfOtherPhotos) {
  const Capture capture = CircleOfViews(6);
  EXPECT_TRUE(diagnosis::CheckIntrinsics(capture).empty());
  const auto message = [&](const std::function<void(Camera*)>& change) {
    Capture damaged = capture;
    for (View& view : damaged.views) change(&view.camera);
    const diagnosis::Findings found = diagnosis::CheckIntrinsics(damaged);
    return found.size() == 1 && found[0].kind == "wrong-intrinsics" ? found[0].message : std::string("none");
  };
  const auto expect = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  expect(message([](Camera* c) { c->fx *= 4, c->fy *= 4, c->cx *= 4, c->cy *= 4; }), "4 times as large");
  expect(message([](Camera* c) { c->fx /= 2, c->fy /= 2, c->cx /= 2, c->cy /= 2; }), "0.5 times as large");
  expect(message([](Camera* c) { std::swap(c->cx, c->cy); }), "turned by 90 degrees");
  expect(message([](Camera* c) { c->cy = 20; }), "far from the middle");
  expect(message([](Camera* c) { c->fy *= 1.8; }), "1.80 times fl_x");
  expect(message([](Camera* c) { c->fx = c->fy = 20000; }), "field of view");
}

TEST(CheckIntrinsics, NamesFocalLengthsThatStandApart) {
  Capture capture;
  const std::vector<double> focals = {700, 702, 698, 452, 701, 700, 699, 943,
                                      700, 703, 700, 698, 700, 701, 700};
  for (size_t i = 0; i < focals.size(); ++i) {
    View view;
    view.name = fmt::format("{:03}.jpg", i);
    view.camera = PinholeCamera(640, 480, 1.0);
    view.camera.fx = view.camera.fy = focals[i];
    capture.views.push_back(view);
  }
  const auto findings = diagnosis::CheckIntrinsics(capture);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, "focal-length-apart");
  EXPECT_EQ(findings[0].views, (std::vector<std::string>{"003.jpg", "007.jpg"}));
  EXPECT_NE(findings[0].message.find("452, 943"), std::string::npos) << findings[0].message;
  // Two lenses are no mistake.
  for (size_t i = 0; i < 6; ++i) capture.views[i].camera.fx = capture.views[i].camera.fy = 1400;
  for (const auto& finding : diagnosis::CheckIntrinsics(capture))
    EXPECT_NE(finding.kind, "focal-length-apart");
}

TEST(CheckSparsePoints, NamesTheViewThatDisagrees) {
  Random random(9);
  Capture capture = CircleOfViews(8);
  for (uint32_t p = 0; p < 60; ++p) {
    SparsePoint point;
    point.position = Vec3(random.Uniform(-1, 1), random.Uniform(-1, 1), random.Uniform(-1, 1));
    capture.points.push_back(point);
    for (uint32_t v = 0; v < 8; ++v) {
      const View& view = capture.views[v];
      const auto pixel = view.camera.Project(view.world_from_camera.Inverse() * capture.points[p].position);
      capture.observations.push_back({v, p, static_cast<float>(pixel->x() + random.Uniform(-1, 1)),
                                      static_cast<float>(pixel->y() + random.Uniform(-1, 1))});
    }
  }
  EXPECT_TRUE(diagnosis::CheckSparsePoints(capture).empty());
  capture.views[3].world_from_camera.translation += Vec3(0.2, 0.2, 0);
  const diagnosis::Findings found = diagnosis::CheckSparsePoints(capture);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].views, std::vector<std::string>{"3"});
  for (View& view : capture.views) view.world_from_camera.translation.z() += 1;
  EXPECT_EQ(diagnosis::CheckSparsePoints(capture).at(0).views.size(), 0u);
}

}  // namespace
}  // namespace semfield
