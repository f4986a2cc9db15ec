#include "semfield/methods/radiance/views/view_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/methods/radiance/model/hash_radiance_field.h"
#include "semfield/methods/radiance/radiance_test_util.h"
#include "semfield/methods/radiance/training/radiance_trainer.h"
#include "semfield/methods/radiance/views/pose_test_util.h"

namespace semfield {
namespace {

constexpr float kBlack[3] = {0, 0, 0};
constexpr int kView = 5;  // a training view: the field is clean there

// A small field and its own rendering of a view, as a photo that is known exactly.
class ViewFitTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    data_ = new TestCapture({.views = 16, .width = 96, .height = 72, .scene = "object"});
    const RadianceOptions options = ResolveRadianceOptions(SmallRadianceOptions(300), data_->capture);
    trainer_ = new RadianceTrainer(data_->capture, *data_->store, options);
    while (!trainer_->Done()) trainer_->Step();
  }
  static void TearDownTestSuite() {
    delete trainer_;
    delete data_;
  }
  ViewFitTest()
      : camera_(data_->store->CameraOf(kView)), truth_(data_->capture.views[kView].world_from_camera) {
    photo_ = HashRadianceField(&model()).Render(camera_, truth_, {.background = {0, 0, 0}}).rgb;
  }
  static const RadianceModel& model() { return trainer_->model(); }

  static TestCapture* data_;
  static RadianceTrainer* trainer_;
  Camera camera_;
  Pose truth_;
  ImageF photo_;
};
TestCapture* ViewFitTest::data_ = nullptr;
RadianceTrainer* ViewFitTest::trainer_ = nullptr;

TEST_F(ViewFitTest, FindsThePoseAndTheExposureOfAPhoto) {
  Random random(3, 1);
  Pose given = truth_;
  given.rotation =
      Eigen::AngleAxisd(0.5 * M_PI / 180, RandomDirection(random)).toRotationMatrix() * given.rotation;
  ViewFit change;
  for (int k = 0; k < 3; ++k) change.exposure[k] = 0.1f + 0.05f * static_cast<float>(k);
  change.Show(&photo_);
  const ViewFit fit = FitLeftHalf(model(), camera_, given, photo_, nullptr, kBlack, {});
  const Pose found = fit.correction.Apply(given, model().map.half_extent);
  EXPECT_LT(RotationAngle(found.rotation, truth_.rotation) * 180 / M_PI, 0.2);
  EXPECT_LT((found.translation - truth_.translation).norm(), 0.02);
  for (int k = 0; k < 3; ++k) EXPECT_NEAR(fit.exposure[k], change.exposure[k], 0.05);
}

TEST_F(ViewFitTest, SeesNothingOfTheRightHalfAndOfWhatIsMasked) {
  const ViewFitOptions options = {.pose = true, .exposure = true, .steps = 10, .rays = 256, .seed = 1};
  const ViewFit fit = FitLeftHalf(model(), camera_, truth_, photo_, nullptr, kBlack, options);
  ImageF changed = photo_;
  for (int y = 0; y < photo_.height; ++y) {
    for (int x = FittedColumns(photo_.width); x < photo_.width; ++x) changed.At(x, y, 1) = NAN;
  }
  const ScopedThreads one(1);
  const ViewFit same = FitLeftHalf(model(), camera_, truth_, changed, nullptr, kBlack, options);
  EXPECT_EQ(fit.correction.rotation, same.correction.rotation);
  EXPECT_EQ(fit.correction.shift, same.correction.shift);
  for (int k = 0; k < 6; ++k) EXPECT_EQ(fit.exposure[k], same.exposure[k]);
  ImageU8 right(photo_.width, photo_.height, 1, 0);
  for (int y = 0; y < photo_.height; ++y) right.At(photo_.width - 1, y) = 255;
  const ViewFit none = FitLeftHalf(model(), camera_, truth_, photo_, &right, kBlack, options);
  EXPECT_EQ(none.correction.rotation.norm(), 0);
  EXPECT_EQ(none.exposure[0], 0);
}

TEST_F(ViewFitTest, FitsOnlyWhatIsAskedFor) {
  ViewFitOptions options = {.pose = false, .exposure = true, .steps = 5, .rays = 256, .seed = 1};
  const ViewFit exposure = FitLeftHalf(model(), camera_, truth_, photo_, nullptr, kBlack, options);
  EXPECT_EQ(exposure.correction.rotation.norm(), 0);
  EXPECT_NE(exposure.exposure[0], 0);
  options.pose = true;
  options.exposure = false;
  const ViewFit pose = FitLeftHalf(model(), camera_, truth_, photo_, nullptr, kBlack, options);
  EXPECT_GT(pose.correction.rotation.norm(), 0);
  EXPECT_EQ(pose.exposure[0], 0);
}

}  // namespace
}  // namespace semfield
