#include "semfield/jobs/transfer.h"

#include <gtest/gtest.h>

#include "semfield/catalog/methods.h"
#include "semfield/evaluation/box_objects_test_util.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/edit.h"
#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {

class TransferTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
    WriteStandIn(user_.models(), "toy");
    BoxObjects objects(user_ / "box");
  }
  EditJobOptions Job(const std::string& source, const std::string& target) const {
    EditJobOptions job;
    job.run = "transfer";
    job.transfer.pictures = {source, target};
    job.transfer.teacher = "toy";
    job.transfer.out = (user_ / "out").string();
    return job;
  }
  std::string Failure(const EditJobOptions& job) const {
    return ErrorOf([&] { RunEdit(job, KnownMethods(), {}); });
  }
  std::string Box(const std::string& object) const { return (user_ / "box" / object).string(); }
  TestUser user_;
};

TEST_F(TransferTest, WritesTextureAndPartsOfTwoObjects) {
  const EditJobResult result = RunEdit(Job(Box("box_0:0"), Box("box_1:1")), KnownMethods(), {});
  ASSERT_TRUE(result.transfer);
  EXPECT_EQ(result.transfer->changed, 1);
  EXPECT_TRUE(result.transfer->part_iou);
  EXPECT_EQ(result.transfer->files, (std::vector<std::string>{"texture.png", "parts.png", "transfer.png"}));
  const ImageU8 texture = ReadImage(user_ / "out/texture.png");
  EXPECT_EQ(texture.channels, 4);
  EXPECT_EQ(texture.width, kBoxSide);
  EXPECT_EQ(ReadImage(user_ / "out/transfer.png").width, 5 * kBoxSide + 4 * 4);
  EXPECT_EQ(result.ToJson()["files"].size(), 3u);
}

TEST_F(TransferTest, TakesPicturesWithoutACorpus) {
  ImageU8 red(16, 16, 4, 255), blue = red;
  for (size_t i = 0; i < red.num_pixels(); ++i) {
    red.data[4 * i + 1] = red.data[4 * i + 2] = 0;
    blue.data[4 * i] = blue.data[4 * i + 1] = 0;
  }
  WritePng(user_ / "red.png", red);
  WritePng(user_ / "blue.png", blue);
  RunEdit(Job((user_ / "red.png").string(), (user_ / "blue.png").string()), KnownMethods(), {});
  EXPECT_EQ(ReadImage(user_ / "out/texture.png").data, red.data);
  EXPECT_FALSE(std::filesystem::exists(user_ / "out/parts.png"));
}

// Knows the camera of nothing: says that it looks from the right, and red, green and one as features.
class GuessingFeatures : public ObjectFeatures {
 public:
  class Seen : public SeenObject {
   public:
    explicit Seen(ObjectPicture picture) : picture_(std::move(picture)) {}
    FeatureMap Render(const Camera&, const Pose& pose, int width, int height,
                      const StopToken*) const override {
      EXPECT_EQ(pose.translation, Vec3(1, 0, 0));
      FeatureMap map{3, height, width, std::vector<float>(3 * picture_.rgba.num_pixels(), 1), ""};
      for (size_t i = 0; i < picture_.rgba.num_pixels(); ++i) {
        for (int c = 0; c < 2; ++c)
          map.data[c * picture_.rgba.num_pixels() + i] = picture_.rgba.data[4 * i + c];
      }
      return map;
    }
    void At(std::span<const Vec3>, std::span<float>, const StopToken*) const override {}
    const ObjectPicture picture_;
  };
  std::string name() const override { return "feature_nerf"; }
  int channels() const override { return 3; }
  bool sees_other_cameras() const override { return true; }
  std::unique_ptr<SeenObject> See(ObjectPicture picture, const StopToken*) const override {
    return std::make_unique<Seen>(std::move(picture));
  }
  Pose GuessPose(const ImageU8&, const Camera&, const StopToken*) const override {
    return {.rotation = Mat3::Identity(), .translation = Vec3(1, 0, 0)};
  }
};

class GuessingMethod : public Method {
 public:
  MethodInfo info() const override { return {.name = "feature_nerf"}; }
  AnyOptions NewOptions() const override { return {}; }
  OpenedFields Open(const OpenInputs&) const override { throw InputError("not a run's"); }
  std::unique_ptr<ObjectFeatures> OpenObjects(const ObjectInputs& inputs) const override {
    EXPECT_EQ(inputs.category, "box");
    return std::make_unique<GuessingFeatures>();
  }
};

TEST_F(TransferTest, AMethodOverObjectsTellsThePoseOfPictures) {
  ImageU8 red(2, 2, 4, 255), green = red;
  for (size_t i = 0; i < red.num_pixels(); ++i) red.data[4 * i + 1] = green.data[4 * i] = 0;
  green.data[0] = 255;  // one pixel is red
  green.data[1] = 0;
  WritePng(user_ / "red.png", red);
  WritePng(user_ / "green.png", green);
  EditJobOptions job = Job((user_ / "red.png").string(), (user_ / "green.png").string());
  job.transfer.category = "box";
  const MethodList methods({std::make_shared<GuessingMethod>()});
  EXPECT_EQ(RunEdit(job, methods, {}).transfer->features, "feature_nerf");
  EXPECT_EQ(ReadImage(user_ / "out/texture.png").data, red.data);
}

TEST_F(TransferTest, SaysWhatIsWrong) {
  EXPECT_MENTIONS(Failure(Job(Box("box_0:7"), Box("box_1:0"))), "views 0 to 1");
  EXPECT_MENTIONS(Failure(Job(Box("box_0"), Box("box_1:0"))), "say which view");
  EXPECT_MENTIONS(Failure(Job(Box("box_0:x"), Box("box_1:0"))), "no number of a view");
  WritePng(user_ / "rgb.png", ImageU8(4, 4, 3));
  EditJobOptions photo = Job((user_ / "rgb.png").string(), Box("box_1:0"));
  EXPECT_MENTIONS(Failure(photo), "has no alpha");
  EXPECT_MENTIONS(Failure(photo), "--source-click X,Y");
  EditJobOptions target = Job(Box("box_0:0"), (user_ / "rgb.png").string());
  EXPECT_MENTIONS(Failure(target), "--target-click X,Y");
  target.transfer.source_click = {"1,1"};
  EXPECT_MENTIONS(Failure(target), "--source-click 1,1: ");
  EditJobOptions part = Job(Box("box_0:0"), Box("box_1:0"));
  part.transfer.part = "roof";
  EXPECT_MENTIONS(Failure(part), "the source's are background, left, right");
  EditJobOptions weights = Job(Box("box_0:0"), Box("box_1:0"));
  weights.transfer.weights = "w.safetensors";
  EXPECT_MENTIONS(Failure(weights), "Give --category");
  EditJobOptions one = Job("a", "b");
  one.transfer.pictures.pop_back();
  EXPECT_MENTIONS(Failure(one), "takes two pictures");
  EditJobOptions run = Job("a", "b");
  run.run = "elsewhere";
  EXPECT_MENTIONS(Failure(run), "pictures belong to");
}

}  // namespace
}  // namespace semfield
