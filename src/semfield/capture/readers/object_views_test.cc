#include <gtest/gtest.h>

#include <cstdlib>

#include "semfield/capture/readers/npz.h"
#include "semfield/capture/readers/object_sheets.h"
#include "semfield/capture/readers/shapenet_renders.h"
#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;
using testing_support::MatrixJson;
using testing_support::TempFolder;
using testing_support::WriteBytes;

// xyz: float16 [2, 3] of 0.5 -0.25 0 1 2 -3; part: uint8 [2] of 1 2; deflated by Python's zipfile.
constexpr const char* kNpz =
    "504b03041400000008000000215c48a17b96520000008c0000000700000078797a2e6e70799bec17ea1b10c9c850c650"
    "ad9e925a9c5ca46ea5a06e9366a4aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a463a"
    "0ac69a3a0ab50a64032e060b862d0c0c0c360c0e0c8700504b03041400000008000000215c6202655f46000000820000"
    "0008000000706172742e6e70799bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a05e536aa8aea3a09e965f54529498"
    "179f5f94920a12774bcc294e058a17672416a402f91a463a9a3a0ab50a14002e462600504b0102140314000000080000"
    "00215c48a17b96520000008c00000007000000000000000000000080010000000078797a2e6e7079504b010214031400"
    "000008000000215c6202655f4600000082000000080000000000000000000000800177000000706172742e6e7079504b"
    "050600000000020002006b000000e30000000000";

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::strtol(hex.substr(i, 2).c_str(), nullptr, 16)));
  return bytes;
}

template <class Call>
std::string MessageOf(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

constexpr int kViews = 3, kSide = 4, kColumns = 2;

// Two objects of three views. The picture of view v has red 10 v + 1 everywhere, and its part is v.
class ObjectSheets : public ::testing::Test {
 protected:
  ObjectSheets() : folder_("objects") {
    category_ = {{"category", "stool"},
                 {"parts", {"background", "seat", "leg"}},
                 {"keypoints", {"left", "right", "top"}},
                 {"mirrored_keypoints", Json::array({Json::array({"left", "right"})})},
                 {"near", 0.5},
                 {"far", 2.0},
                 {"objects", Json::array({{{"id", "b"}}, {{"id", "a"}}})}};
    pairs_ = {{"objects", {"b", "a"}},
              {"cross_instance", Json::array({Json::array({0, 1, 2})})},
              {"novel_view", Json::array({Json::array({1, 0, 2})})}};
    for (const char* id : {"a", "b"}) WriteObject(folder_ / id);
    Write();
  }

  void WriteObject(const fs::path& object) {
    ImageU8 rgba(kColumns * kSide, 2 * kSide, 4), parts(kColumns * kSide, 2 * kSide, 1);
    ImageU16 depth(kColumns * kSide / 2, kSide, 1);
    Json frames = Json::array();
    for (int view = 0; view < kViews; ++view) {
      const int left = view % kColumns * kSide, top = view / kColumns * kSide;
      for (int i = 0; i < kSide * kSide; ++i) {
        uint8_t* pixel = &rgba.At(left + i % kSide, top + i / kSide);
        pixel[0] = static_cast<uint8_t>(10 * view + 1);
        pixel[3] = 255;
        parts.At(left + i % kSide, top + i / kSide) = static_cast<uint8_t>(view);
      }
      depth.At(left / 2, top / 2) = static_cast<uint16_t>(100 * (view + 1));
      frames.push_back({{"tile", view},
                        {"transform_matrix",
                         MatrixJson(FlipOpenGlOpenCv(testing_support::CirclePose(view, 3)).Matrix())}});
    }
    WritePng(object / "rgba_sheet.png", rgba);
    WritePng(object / "parts_sheet.png", parts);
    WritePng16(object / "depth_sheet.png", depth);
    WriteBytes(object / "points.npz", FromHex(kNpz));
    transforms_ = {{"w", kSide},
                   {"h", kSide},
                   {"fl_x", 5.0},
                   {"fl_y", 5.0},
                   {"cx", 2.0},
                   {"cy", 2.0},
                   {"sheet_columns", kColumns},
                   {"rgba_sheet", "rgba_sheet.png"},
                   {"parts_sheet", "parts_sheet.png"},
                   {"depth_sheet", "depth_sheet.png"},
                   {"depth_unit", 0.01},
                   {"object", {{"parts_present", {2, 1}}}},
                   {"frames", frames}};
    keypoints_ = {
        {"keypoints",
         Json::array({{{"name", "right"}, {"xyz", {0.1, 0.2, 0.3}}, {"part", "seat"}, {"visible", {1, 0, 1}}},
                      {{"name", "top"}, {"xyz", nullptr}}})}};
    WriteJsonFile(object / "transforms.json", transforms_);
    WriteJsonFile(object / "keypoints.json", keypoints_);
  }

  void Write() {
    WriteJsonFile(folder_ / "category.json", category_);
    WriteJsonFile(folder_ / "pairs.json", pairs_);
    WriteJsonFile(folder_ / "b" / "transforms.json", transforms_);
    WriteJsonFile(folder_ / "b" / "keypoints.json", keypoints_);
  }

  std::string Failure() {
    Write();
    return MessageOf([&] {
      const ObjectCategory category = ReadObjectCategory(folder_.path());
      ReadObjectPairs(category);
      category.objects[0]->Pictures();
      category.objects[0]->PartMaps();
      category.objects[0]->Depths();
      category.objects[0]->Points();
    });
  }

  TempFolder folder_;
  Json category_, pairs_, transforms_, keypoints_;
};

TEST_F(ObjectSheets, AreReadWithEverythingThatTheyHold) {
  const ObjectCategory category = ReadObjectCategory(folder_.path());
  EXPECT_EQ(category.name, "stool");
  EXPECT_EQ(category.parts, (std::vector<std::string>{"background", "seat", "leg"}));
  EXPECT_EQ(category.mirrored, (std::vector<int>{1, 0, 2}));
  EXPECT_EQ(category.near, 0.5);
  ASSERT_EQ(category.objects.size(), 2u);
  const ObjectViews& object = *category.objects[0];
  EXPECT_EQ(object.id, "b");
  EXPECT_EQ(object.parts_present, (std::vector<int>{1, 2}));
  ASSERT_EQ(object.num_views(), kViews);
  const Pose truth = testing_support::CirclePose(1, 3);
  EXPECT_LT((object.world_from_camera[1].Matrix() - truth.Matrix()).norm(), 1e-9);
  EXPECT_EQ(object.camera.fx, 5);
  const std::vector<ImageU8> pictures = object.Pictures(), parts = object.PartMaps();
  const std::vector<ImageF> depths = object.Depths();
  ASSERT_EQ(pictures.size(), 3u);
  for (int view = 0; view < kViews; ++view) {
    EXPECT_EQ(pictures[view].At(kSide - 1, kSide - 1, 0), 10 * view + 1);
    EXPECT_EQ(pictures[view].At(0, 0, 3), 255);
    EXPECT_EQ(parts[view].At(0, kSide - 1), view);
    EXPECT_FLOAT_EQ(depths[view].At(0, 0), static_cast<float>(view + 1));
    EXPECT_EQ(depths[view].At(1, 1), 0);
  }
  EXPECT_FALSE(object.keypoints[0].position);
  EXPECT_EQ(*object.keypoints[1].position, Vec3(0.1, 0.2, 0.3));
  EXPECT_EQ(object.keypoints[1].visible, (std::vector<uint8_t>{1, 0, 1}));
  const SurfacePoints points = object.Points();
  EXPECT_EQ(points.parts, (std::vector<uint8_t>{1, 2}));
  EXPECT_EQ(points.positions[1], Vec3(1, 2, -3));
  const ObjectPairLists pairs = ReadObjectPairs(category);
  EXPECT_EQ(pairs.cross_instance, (std::vector<ObjectPair>{{0, 2, 1, 2}}));
  EXPECT_EQ(pairs.novel_view, (std::vector<ObjectPair>{{1, 0, 1, 2}}));
  EXPECT_EQ(FindObjectCategories(folder_.path().parent_path() / folder_.path().filename()).size(), 1u);
}

TEST_F(ObjectSheets, HostileFilesAreErrorsThatNameTheKey) {
  const Json category = category_, transforms = transforms_, keypoints = keypoints_, pairs = pairs_;
  const auto fails = [&](Json* json, const std::string& pointer, const Json& value, const char* expected) {
    (*json)[Json::json_pointer(pointer)] = value;
    const std::string message = Failure();
    EXPECT_NE(message.find(expected), std::string::npos) << pointer << ": " << message;
    category_ = category, transforms_ = transforms, keypoints_ = keypoints, pairs_ = pairs;
  };
  fails(&category_, "/objects/0/id", "../b", "no name of a folder");
  fails(&category_, "/objects/0/id", "a", "listed twice");
  fails(&category_, "/objects", Json::array(), "objects: empty");
  fails(&category_, "/parts", {"background", "background"}, "named twice");
  fails(&category_, "/mirrored_keypoints/0/0", "nose", "'nose' is not among");
  fails(&category_, "/far", 0.1, "not above near");
  fails(&transforms_, "/sheet_columns", 3, "expected 3 x 1 tiles");
  fails(&transforms_, "/sheet_columns", 1e9, "sheet_columns");
  fails(&transforms_, "/frames/1/tile", 0, "frames[1].tile: expected 1");
  fails(&transforms_, "/frames/1/transform_matrix/0/0", 7, "frames[1].transform_matrix");
  fails(&transforms_, "/rgba_sheet", "../a/rgba_sheet.png", "leaves the folder");
  fails(&transforms_, "/rgba_sheet", "parts_sheet.png", "of 1 channels");
  fails(&transforms_, "/depth_sheet", "none.png", "no such file");
  fails(&transforms_, "/object/parts_present/0", 9, "parts_present");
  fails(&keypoints_, "/keypoints/0/visible", {1}, "expected one of each of 3 views");
  fails(&keypoints_, "/keypoints/0/xyz", {1}, "expected 3 numbers");
  fails(&pairs_, "/novel_view/0", {1, 0, 3}, "novel_view[0]");
  fails(&pairs_, "/objects", {"a", "b"}, "its order");
  EXPECT_EQ(Failure(), "");
}

TEST(Npz, ReadsWhatOthersDeflatedAndRefusesDamage) {
  const TempFolder folder("npz");
  const fs::path file = folder / "a.npz";
  const std::string good = FromHex(kNpz);
  WriteBytes(file, good);
  EXPECT_EQ(ReadNpz(file).at("xyz").data, (std::vector<double>{0.5, -0.25, 0, 1, 2, -3}));
  int refused = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x55);
    WriteBytes(file, bad);
    refused += !MessageOf([&] { ReadNpz(file); }).empty();
    WriteBytes(file, good.substr(0, at));
    EXPECT_FALSE(MessageOf([&] { ReadNpz(file); }).empty()) << "cut at " << at;
  }
  // Dates, attributes and names may be anything.
  EXPECT_GT(refused, static_cast<int>(good.size()) / 2);
}

TEST(ShapeNetRenders, AreReadAsPixelNerfTakesThem) {
  const TempFolder parent("renders");
  const fs::path folder = parent / "cars_test", object = folder / "1a2b";
  ImageU8 picture(kSide, kSide, 3, 255);
  picture.At(1, 2, 0) = 7;
  const Mat4 pose = testing_support::CirclePose(1, 3).Matrix();
  std::string text;
  for (int i = 0; i < 16; ++i) text += fmt::format("{} ", pose(i / 4, i % 4));
  for (const char* name : {"000000", "000001"}) {
    WritePng(object / "rgb" / fmt::format("{}.png", name), picture);
    WriteBytes(object / "pose" / fmt::format("{}.txt", name), text);
  }
  WriteBytes(object / "pose" / "000002.txt", text);  // without a picture
  WriteBytes(object / "intrinsics.txt", "131.25 2. 2. 0.\n0. 0. 0.\n1.\n4 4\n");
  const ObjectCategory category = ReadObjectCategory(folder);
  EXPECT_EQ(category.name, "cars");
  ASSERT_EQ(category.objects.size(), 1u);
  const ObjectViews& views = *category.objects[0];
  EXPECT_EQ(views.id, "1a2b");
  ASSERT_EQ(views.num_views(), 2);
  EXPECT_EQ(views.camera.fx, 131.25);
  EXPECT_EQ(views.camera.cy, 2);
  EXPECT_LT((views.world_from_camera[0].Matrix() - pose).norm(), 1e-9);
  const ImageU8 rgba = views.Pictures()[1];
  EXPECT_EQ(rgba.At(1, 2, 3), 255);
  EXPECT_EQ(rgba.At(1, 2, 0), 7);
  EXPECT_EQ(rgba.At(0, 0, 3), 0);
  EXPECT_EQ(rgba.At(0, 0, 0), 0);

  const auto failure = [&] { return MessageOf([&] { ReadObjectCategory(folder); }); };
  WriteBytes(object / "pose" / "000000.txt", "1 2 3");
  EXPECT_NE(failure().find("3 numbers, expected 4 x 4"), std::string::npos);
  WriteBytes(object / "pose" / "000000.txt", text + "x");
  EXPECT_NE(failure().find("expected numbers only"), std::string::npos);
  WriteBytes(object / "pose" / "000000.txt", "7 " + text.substr(text.find(' ')));
  EXPECT_NE(failure().find("no rotation"), std::string::npos);
  WriteBytes(object / "pose" / "000000.txt", text);
  WriteBytes(object / "intrinsics.txt", "131.25 2 2 0 0 0 0 1 4 -4");
  EXPECT_NE(failure().find("cannot be"), std::string::npos);
}

TEST(SharedObjects, TestChairs) {
  const char* shared = std::getenv("SEMFIELD_SHARED");
  const fs::path folder = shared == nullptr ? "" : fs::path(shared) / "data/objects/test/chair";
  if (shared == nullptr || !fs::exists(folder)) GTEST_SKIP() << "SEMFIELD_SHARED has no objects";
  const ObjectCategory category = ReadObjectCategory(folder);
  ASSERT_EQ(category.objects.size(), 20u);
  const ObjectViews& object = *category.objects[0];
  ASSERT_EQ(object.num_views(), 24);
  EXPECT_EQ(object.Points().positions.size(), 2048u);
  // A visible keypoint lies on what the view shows there.
  const Vec3 place = object.world_from_camera[0].Inverse() * *object.keypoints[0].position;
  const Vec2 pixel = *object.camera.Project(place);
  EXPECT_GT(object.PartMaps()[0].At(static_cast<int>(pixel.x()), static_cast<int>(pixel.y())), 0);
  const float depth = object.Depths()[0].At(static_cast<int>(pixel.x() / 2), static_cast<int>(pixel.y() / 2));
  EXPECT_NEAR(depth, place.z(), 0.03);
  const ObjectPairLists pairs = ReadObjectPairs(category);
  EXPECT_EQ(pairs.cross_instance.size(), 1000u);
  EXPECT_EQ(pairs.cross_instance[1], (ObjectPair{0, 12, 1, 12}));
}

}  // namespace
}  // namespace semfield
