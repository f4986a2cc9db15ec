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
  ViewFit Fit(const Pose& given, const ImageF& photo, const ImageU8* mask,
              const ViewFitOptions& options) const {
    return FitLeftHalf(
        model(),
        {.camera = camera_, .world_from_camera = given, .rgb = photo, .mask = mask, .background = kBlack},
        options);
  }

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
  for (int k = 0; k < 3; ++k) change.exposure.log_gain[k] = 0.1f + 0.05f * static_cast<float>(k);
  for (size_t i = 0; i < photo_.data.size(); i += 3) change.exposure.Show(&photo_.data[i], &photo_.data[i]);
  const ViewFit fit = Fit(given, photo_, nullptr, {});
  const Pose found = fit.correction.Apply(given, model().map.half_extent);
  EXPECT_LT(RotationAngle(found.rotation, truth_.rotation) * 180 / M_PI, 0.2);
  EXPECT_LT((found.translation - truth_.translation).norm(), 0.02);
  for (int k = 0; k < 3; ++k) EXPECT_NEAR(fit.exposure.log_gain[k], change.exposure.log_gain[k], 0.05);
}

TEST_F(ViewFitTest, SeesNothingOfTheRightHalfAndOfWhatIsMasked) {
  const ViewFitOptions options = {.pose = true, .exposure = true, .steps = 10, .rays = 256, .seed = 1};
  const ViewFit fit = Fit(truth_, photo_, nullptr, options);
  ImageF changed = photo_;
  for (int y = 0; y < photo_.height; ++y) {
    for (int x = FittedColumns(photo_.width); x < photo_.width; ++x) changed.At(x, y, 1) = NAN;
  }
  const ScopedThreads one(1);
  const ViewFit same = Fit(truth_, changed, nullptr, options);
  EXPECT_EQ(fit.correction.rotation, same.correction.rotation);
  EXPECT_EQ(fit.correction.shift, same.correction.shift);
  for (int k = 0; k < 3; ++k) {
    EXPECT_EQ(fit.exposure.log_gain[k], same.exposure.log_gain[k]);
    EXPECT_EQ(fit.exposure.offset[k], same.exposure.offset[k]);
  }
  ImageU8 right(photo_.width, photo_.height, 1, 0);
  for (int y = 0; y < photo_.height; ++y) right.At(photo_.width - 1, y) = 255;
  const ViewFit none = Fit(truth_, photo_, &right, options);
  EXPECT_EQ(none.correction.rotation.norm(), 0);
  EXPECT_EQ(none.exposure.log_gain[0], 0);
}

TEST_F(ViewFitTest, FitsOnlyWhatIsAskedFor) {
  ViewFitOptions options = {.pose = false, .exposure = true, .steps = 5, .rays = 256, .seed = 1};
  const ViewFit exposure = Fit(truth_, photo_, nullptr, options);
  EXPECT_EQ(exposure.correction.rotation.norm(), 0);
  EXPECT_NE(exposure.exposure.log_gain[0], 0);
  options.pose = true;
  options.exposure = false;
  const ViewFit pose = Fit(truth_, photo_, nullptr, options);
  EXPECT_GT(pose.correction.rotation.norm(), 0);
  EXPECT_EQ(pose.exposure.log_gain[0], 0);
}

}  // namespace
}  // namespace semfield
