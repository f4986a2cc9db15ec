// The protocols of objects on two made-up objects whose answers are counted by hand.
#include "semfield/evaluation/object_walk.h"

#include <gtest/gtest.h>

#include "semfield/base/test_folder.h"
#include "semfield/capture/readers/object_sheets.h"
#include "semfield/evaluation/box_objects_test_util.h"

namespace semfield {
namespace {

class ObjectWalkTest : public ::testing::Test {
 protected:
  TestFolder folder_;
  const BoxObjects objects_{folder_.path()};
};

// One channel says red, a constant one makes it a direction.
class RedFeatures : public ObjectFeatures {
 public:
  class Seen : public SeenObject {
   public:
    explicit Seen(ImageU8 rgba) : rgba_(std::move(rgba)) {}
    FeatureMap Render(const Camera&, const Pose&, int width, int height, const StopToken*) const override {
      EXPECT_EQ(width, rgba_.width);
      FeatureMap map{2, height, width, std::vector<float>(2 * rgba_.num_pixels(), 1), ""};
      for (size_t i = 0; i < rgba_.num_pixels(); ++i) map.data[i] = rgba_.data[4 * i] / 100.0f;
      return map;
    }
    void At(std::span<const Vec3>, std::span<float>, const StopToken*) const override { FAIL(); }
    const ImageU8 rgba_;
  };
  std::string name() const override { return "red"; }
  int channels() const override { return 2; }
  bool sees_other_cameras() const override { return false; }
  std::unique_ptr<SeenObject> See(ObjectPicture picture, const StopToken*) const override {
    names.push_back(picture.name);
    return std::make_unique<Seen>(std::move(picture.rgba));
  }
  mutable std::vector<std::string> names;
};

TEST_F(ObjectWalkTest, PartsAreCountedAsByHand) {
  const auto red = std::make_shared<RedFeatures>();
  const ObjectProtocolInputs inputs{.categories = {folder_.path()},
                                    .lists = {kCrossInstance, kNovelView},
                                    .features = [&](const std::string&) {
                                      return std::vector<std::shared_ptr<const ObjectFeatures>>{red};
                                    }};
  const ProtocolResult result = FindObjectProtocol("parts")->Run(inputs, {});
  const Json& cross = result.metrics["box"][kCrossInstance];
  EXPECT_EQ(cross["pairs"], 1);
  // The same place calls the second of four columns wrongly: part 1 has 8 of 12 pixels, part 2 4 of 8.
  EXPECT_NEAR(cross["same place"]["part_iou"].get<double>(), (8.0 / 12 + 4.0 / 8) / 2, 1e-12);
  EXPECT_EQ(cross["red"]["part_iou"], 1);
  EXPECT_EQ(cross["red"]["part_iou_mask_free"], 1);
  EXPECT_FALSE(cross["red"].contains("psnr"));
  EXPECT_EQ(result.metrics["box"][kNovelView]["same place"]["part_iou"], 1);
  EXPECT_EQ(red->names, (std::vector<std::string>{"box_0/0", "box_1/0", "box_0/1"}));
  EXPECT_EQ(result.per_view.size(), 2u);
}

TEST_F(ObjectWalkTest, KeypointsAreCountedAsByHand) {
  const auto red = std::make_shared<RedFeatures>();
  const ObjectProtocolInputs inputs{
      .categories = {folder_.path()}, .lists = {kCrossInstance}, .features = [&](const std::string&) {
        return std::vector<std::shared_ptr<const ObjectFeatures>>{red};
      }};
  const ProtocolResult result = FindObjectProtocol("keypoints")->Run(inputs, {});
  const Json& same = result.metrics["box"][kCrossInstance]["same place"];
  // The keypoint moves by one of four pixels.
  EXPECT_EQ(same["pck_0.1"], 0);
  // It lies on part 2 of both; the first pixel of that part in the target is the last of the first row, at
  // (3.5, 0.5), and the true place is at (3.5, 1.5).
  EXPECT_EQ(result.metrics["box"][kCrossInstance]["red"]["pck_0.1"], 0);
  EXPECT_EQ(result.definitions.size(), 9u);
}

TEST_F(ObjectWalkTest, OtherViewsShareTwoPartsAndAreDrawnOnce) {
  const LoadedObjects objects(ReadObjectCategory(folder_.path()));
  // From each of two objects' views to the other view of the other one.
  const std::vector<ObjectPair> pairs = PairsOf(objects, kOtherView, 0);
  EXPECT_EQ(pairs.size(), 4u);
  for (const ObjectPair& pair : pairs) {
    EXPECT_NE(pair.source, pair.target);
    EXPECT_NE(pair.source_view, pair.target_view);
  }
  EXPECT_EQ(MakeOtherViewPairs(objects, 2), (std::vector<ObjectPair>{pairs[0], pairs[1]}));
  EXPECT_EQ(PairsOf(objects, kOtherView, 2), (std::vector<ObjectPair>{pairs[0], pairs[2]}));
}

}  // namespace
}  // namespace semfield
