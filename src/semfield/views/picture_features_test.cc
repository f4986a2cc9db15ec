#include "semfield/views/picture_features.h"

#include <gtest/gtest.h>

#include <fstream>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/training/safetensors.h"

namespace semfield {
namespace {

constexpr int kSide = 8;

ObjectPicture Picture(const std::string& name) {
  Camera camera = PinholeCamera(kSide, kSide, 1.0);
  return {ImageU8(kSide, kSide, 4, 255), camera, LookAt(Vec3(0, -2, 0), Vec3::Zero(), Vec3::UnitZ()), name};
}

class Files : public ::testing::Test {
 protected:
  // Two channels of 2 x 2 tokens: 1 2 3 4, and 0 but for the last.
  void Write(const std::string& name, std::vector<float> values = {1, 2, 3, 4, 0, 0, 0, 8},
             int channels = 2) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    const TensorView tensor = MakeTensorView<float>("features", {channels, 2, 2}, values);
    WriteSafetensors(folder_ / (name + ".safetensors"), {&tensor, 1}, {});
  }
  std::string Failure(const ObjectPicture& picture) {
    try {
      FileFeatures(folder_ / "f").See(picture, nullptr);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  TestFolder folder_;
};

TEST_F(Files, AreSampledBetweenTokensAndAtPlaces) {
  Write("f/chair_000/3");
  const FileFeatures features(folder_ / "f");
  EXPECT_EQ(features.channels(), 2);
  EXPECT_EQ(features.name(), "f");
  const ObjectPicture picture = Picture("chair_000/3");
  const auto seen = features.See(picture, nullptr);
  const FeatureMap map = seen->Render(picture.camera, picture.world_from_camera, 4, 4);
  // The middle tokens lie a quarter and three quarters of the way between those of the map.
  EXPECT_FLOAT_EQ(map.data[0], 1);
  EXPECT_FLOAT_EQ(map.data[4 + 1], 1 + 0.25f * 1 + 0.25f * 2);
  EXPECT_FLOAT_EQ(map.data[15], 4);
  EXPECT_FLOAT_EQ(map.data[16 + 10], 8 * 0.75f * 0.75f);
  // What the camera looks at lies at the middle of its picture; right of the camera is x, which grows.
  const std::vector<Vec3> places{Vec3::Zero(), Vec3(0.5, 0, 0), Vec3(0, -3, 0), Vec3(9, 0, 0)};
  std::vector<float> values(2 * places.size());
  seen->At(places, values);
  EXPECT_FLOAT_EQ(values[0], 2.5f);
  EXPECT_FLOAT_EQ(values[1], 2.0f);
  EXPECT_GT(values[2], 2.5f);
  EXPECT_EQ(values[4], 0);  // behind the camera
  EXPECT_EQ(values[6], 0);  // beside the picture
  EXPECT_EQ(seen->radiance(), nullptr);
  const Pose other = LookAt(Vec3(2, 0, 0), Vec3::Zero(), Vec3::UnitZ());
  EXPECT_THROW(seen->Render(picture.camera, other, 4, 4), Error);
}

TEST_F(Files, AreZeroWithoutAlpha) {
  Write("f/a");
  ObjectPicture picture = Picture("a");
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide / 2; ++x) picture.rgba.At(x, y, 3) = 0;
  }
  const FeatureMap map = FileFeatures(folder_ / "f")
                             .See(picture, nullptr)
                             ->Render(picture.camera, picture.world_from_camera, 2, 2);
  EXPECT_EQ(map.data, (std::vector<float>{0, 2, 0, 4, 0, 0, 0, 8}));
}

TEST_F(Files, ThatDoNotFitAreErrors) {
  EXPECT_THROW(FileFeatures(folder_ / "f"), Error);
  Write("f/a");
  EXPECT_EQ(Failure(Picture("a")), "");
  EXPECT_NE(Failure(Picture("")).find("has no name"), std::string::npos);
  EXPECT_NE(Failure(Picture("b")).find("b.safetensors"), std::string::npos);
  ObjectPicture opaque = Picture("a");
  opaque.rgba = ImageU8(kSide, kSide, 3);
  EXPECT_NE(Failure(opaque).find("has alpha"), std::string::npos);
  Write("f/a", {1, 2, 3, 4, 5, 6, 7, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_NE(Failure(Picture("a")).find("not finite"), std::string::npos);
}

}  // namespace
}  // namespace semfield
