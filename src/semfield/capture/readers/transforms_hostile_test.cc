#include <gtest/gtest.h>

#include <functional>

#include "semfield/base/atomic_file.h"
#include "semfield/base/random.h"
#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using namespace testing_support;

struct BadInput {
  const char* name;
  std::function<void(Json&)> spoil;
  const char* key;  // must be in the message, as the file must
};

const BadInput kBadInputs[] = {
    {"frames missing", [](Json& j) { j.erase("frames"); }, "frames: missing"},
    {"frames no list", [](Json& j) { j["frames"] = "x"; }, "frames"},
    {"frames empty", [](Json& j) { j["frames"] = Json::array(); }, "0 of 0"},
    {"frame no object", [](Json& j) { j["frames"][1] = 3; }, "frames[1]"},
    {"file_path missing", [](Json& j) { j["frames"][2].erase("file_path"); }, "frames[2].file_path"},
    {"file_path number", [](Json& j) { j["frames"][2]["file_path"] = 7; }, "frames[2].file_path"},
    {"file_path empty", [](Json& j) { j["frames"][2]["file_path"] = ""; }, "frames[2].file_path"},
    {"file_path with NUL",
     [](Json& j) { j["frames"][2]["file_path"] = std::string("images/002.png\0x", 16); },
     "frames[2].file_path"},
    {"file_path huge", [](Json& j) { j["frames"][2]["file_path"] = std::string(100000, 'a'); },
     "frames[2].file_path"},
    {"duplicate", [](Json& j) { j["frames"][3]["file_path"] = "./images/001.png"; }, "frames[3].file_path"},
    {"duplicate without extension", [](Json& j) { j["frames"][3]["file_path"] = "images/001"; },
     "frames[3].file_path"},
    {"matrix missing", [](Json& j) { j["frames"][0].erase("transform_matrix"); },
     "frames[0].transform_matrix"},
    {"matrix 3x4", [](Json& j) { j["frames"][3]["transform_matrix"].erase(3); },
     "frames[3].transform_matrix: expected 4x4, got 3x4"},
    {"matrix short row", [](Json& j) { j["frames"][3]["transform_matrix"][1].erase(0); },
     "frames[3].transform_matrix"},
    {"matrix of text", [](Json& j) { j["frames"][3]["transform_matrix"][1][2] = "0"; },
     "frames[3].transform_matrix[1][2]"},
    {"matrix null", [](Json& j) { j["frames"][3]["transform_matrix"][1][2] = nullptr; },
     "frames[3].transform_matrix[1][2]"},
    {"matrix huge", [](Json& j) { j["frames"][3]["transform_matrix"][0][3] = 1e300; },
     "frames[3].transform_matrix[0][3]"},
    {"matrix flat",
     [](Json& j) {
       j["frames"][3]["transform_matrix"] = Json::array({1, 0, 0, 0});
     },
     "frames[3].transform_matrix"},
    {"matrix zero", [](Json& j) { j["frames"][3]["transform_matrix"] = MatrixJson(Mat4::Zero()); },
     "frames[3].transform_matrix"},
    {"matrix transposed",
     [](Json& j) {
       j["frames"][3]["transform_matrix"] =
           MatrixJson(FlipOpenGlOpenCv(CirclePose(3, 8)).Matrix().transpose());
     },
     "frames[3].transform_matrix"},
    {"matrix singular",
     [](Json& j) {
       for (int c = 0; c < 3; ++c) j["frames"][3]["transform_matrix"][0][c] = 0;
     },
     "frames[3].transform_matrix"},
    {"matrix mirrored",
     [](Json& j) {
       for (int r = 0; r < 3; ++r) {
         auto& value = j["frames"][3]["transform_matrix"][r][0];
         value = -value.get<double>();
       }
     },
     "frames[3].transform_matrix"},
    {"matrix sheared",
     [](Json& j) {
       for (int r = 0; r < 3; ++r) {
         auto& value = j["frames"][3]["transform_matrix"][r][1];
         value = 2 * value.get<double>();
       }
     },
     "frames[3].transform_matrix"},
    {"w negative", [](Json& j) { j["w"] = -16; }, "w: -16"},
    {"w huge", [](Json& j) { j["w"] = 1e9; }, "w: "},
    {"w text", [](Json& j) { j["w"] = "16"; }, "w: expected a number"},
    {"h in frame huge", [](Json& j) { j["frames"][4]["h"] = 1e30; }, "frames[4].h"},
    {"fl_x missing", [](Json& j) { j.erase("fl_x"); }, "fl_x"},
    {"fl_x negative", [](Json& j) { j["fl_x"] = -5; }, "fl_x"},
    {"fl_x zero only", [](Json& j) { j["fl_x"] = 0; }, "fl_x"},
    {"fl_x list",
     [](Json& j) {
       j["fl_x"] = {1, 2};
     },
     "fl_x"},
    {"fl_x true", [](Json& j) { j["fl_x"] = true; }, "fl_x"},
    {"angle in degrees",
     [](Json& j) {
       j.erase("fl_x");
       j["camera_angle_x"] = 50;
     },
     "camera_angle_x"},
    {"angle pi",
     [](Json& j) {
       j.erase("fl_x");
       j["camera_angle_x"] = 3.14159265;
     },
     "camera_angle_x"},
    {"angle of a fisheye",
     [](Json& j) {
       j.erase("fl_x");
       j["camera_angle_x"] = 2;
       j["is_fisheye"] = true;
     },
     "camera_angle_x"},
    {"cx huge", [](Json& j) { j["cx"] = 1e20; }, "cx"},
    {"k1 huge", [](Json& j) { j["frames"][1]["k1"] = 1e20; }, "frames[1].k1"},
    {"model unknown", [](Json& j) { j["camera_model"] = "EQUIRECTANGULAR"; }, "OPENCV_FISHEYE"},
    {"model number", [](Json& j) { j["camera_model"] = 4; }, "camera_model"},
    {"is_fisheye text", [](Json& j) { j["is_fisheye"] = "yes"; }, "is_fisheye"},
    {"f-theta", [](Json& j) { j["ftheta_p0"] = 0.1; }, "ftheta_p0"},
    {"aabb flat", [](Json& j) { j["aabb"] = {0, 0, 0, 1, 1, 1}; }, "aabb"},
    {"aabb text",
     [](Json& j) {
       j["aabb"] = Json::array({{0, 0, "0"}, {1, 1, 1}});
     },
     "aabb[0][2]"},
    {"aabb turned over",
     [](Json& j) {
       j["aabb"] = Json::array({{1, 1, 1}, {0, 0, 0}});
     },
     "aabb"},
    {"applied_transform 2x4",
     [](Json& j) {
       j["applied_transform"] = Json::array({{1, 0, 0, 0}, {0, 1, 0, 0}});
     },
     "applied_transform"},
    {"applied_transform singular",
     [](Json& j) {
       j["applied_transform"] = Json::array({{0, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}});
     },
     "applied_transform"},
    {"applied_scale zero", [](Json& j) { j["applied_scale"] = 0; }, "applied_scale"},
    {"depth unit", [](Json& j) { j["depth_unit_m"] = -1; }, "depth_unit_m"},
    {"mask_path number", [](Json& j) { j["frames"][5]["mask_path"] = 5; }, "frames[5].mask_path"},
    {"sharpness text", [](Json& j) { j["frames"][5]["sharpness"] = "high"; }, "frames[5].sharpness"},
    {"test_filenames", [](Json& j) { j["test_filenames"] = Json::array({1}); }, "test_filenames[0]"},
};

TEST(HostileTransforms, EveryBadInputIsAnErrorThatNamesFileAndKey) {
  TempFolder folder("hostile");
  WriteImages(folder.path(), 8);
  for (const BadInput& bad : kBadInputs) {
    Json json = CircleJson(8);
    bad.spoil(json);
    WriteJsonFile(folder / "transforms.json", json);
    const std::string error = ReadError(folder.path());
    EXPECT_NE(error.find(bad.key), std::string::npos) << bad.name << ": " << error;
    EXPECT_NE(error.find(folder.path().filename().string()), std::string::npos) << bad.name << ": " << error;
    EXPECT_LT(error.size(), 1000u) << bad.name;
  }
}

TEST(HostileTransforms, NoJsonIsAnErrorThatNamesTheFile) {
  TempFolder folder("hostile");
  WriteImages(folder.path(), 8);
  const std::string deep(100000, '[');
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"), deep,
        std::string("{\"frames\": [NaN]}"), std::string("{\"fl_x\": 1e999}"),
        std::string("{\"frames\": [{\"file_path\": \"\xff\"}]}"), std::string("\0\0\0", 3)}) {
    WriteFileAtomically(folder / "transforms.json", text);
    EXPECT_NE(ReadError(folder.path()).find(folder.path().filename().string()), std::string::npos)
        << text.substr(0, 40);
    ReadOptions forced;
    forced.format = "transforms";
    EXPECT_THROW(ReadCapture(folder.path(), forced), Error) << text.substr(0, 40);
  }
}

TEST(HostileTransforms, CutAndFlippedFilesNeverCrash) {
  TempFolder folder("hostile");
  WriteImages(folder.path(), 4);
  const std::string good = CircleJson(4).dump();
  Random random(3);
  for (int trial = 0; trial < 300; ++trial) {
    std::string text = good;
    if (trial % 3 == 0) text.resize(random.Below(static_cast<uint32_t>(text.size())));
    for (uint32_t k = 1 + random.Below(4); k > 0 && !text.empty(); --k) {
      text[random.Below(static_cast<uint32_t>(text.size()))] = "0919-.eE[]{}\",:x"[random.Below(16)];
    }
    WriteFileAtomically(folder / "transforms.json", text);
    try {
      const Capture capture = ReadCapture(folder.path());
      EXPECT_GE(capture.views.size(), 3u);
      for (const View& view : capture.views) EXPECT_TRUE(IsRigid(view.world_from_camera));
    } catch (const Error&) {
    }
  }
}

TEST(HostileTransforms, DamagedImagesAreNamed) {
  TempFolder folder("hostile");
  WriteImages(folder.path(), 8);
  WriteJsonFile(folder / "transforms.json", CircleJson(8));
  WriteFileAtomically(folder / "images/004.png", "no image");
  EXPECT_NE(ReadError(folder.path()).find("004.png"), std::string::npos);
}

TEST(HostileTransforms, BadLabelsNameFileAndKey) {
  TempFolder folder("hostile");
  WriteImages(folder.path(), 8);
  WriteJsonFile(folder / "transforms.json", CircleJson(8));
  const std::pair<const char*, const char*> kBad[] = {
      {"[]", "labels.json"},
      {R"({"classes": {}})", "classes"},
      {R"({"classes": [1]})", "classes[0]"},
      {R"({"instances": []})", "instances"},
      {R"({"instances": {"x": {}}})", "instances"},
      {R"({"instances": {"0": {}}})", "instances"},
      {R"({"instances": {"70000": {}}})", "instances"},
      {R"({"instances": {"3": 5}})", "instances.3"},
      {R"({"instances": {"3": {"name": 5}}})", "instances.3.name"},
      {R"({"classes": ["a"], "instances": {"3": {"class_id": 1}}})", "instances.3.class_id"},
      {R"({"instances": {"3": {"class_id": 1e9}}})", "instances.3.class_id"},
  };
  for (const auto& [text, key] : kBad) {
    WriteFileAtomically(folder / "labels.json", text);
    const std::string error = ReadError(folder.path());
    EXPECT_NE(error.find("labels.json"), std::string::npos) << text << ": " << error;
    EXPECT_NE(error.find(key), std::string::npos) << text << ": " << error;
  }
}

TEST(ReadCapture, SaysWhatItKnowsWhenItCannotRead) {
  TempFolder folder("hostile");
  EXPECT_NE(ReadError(folder.path()).find("transforms"), std::string::npos);
  EXPECT_NE(ReadError(folder / "none").find("no such file"), std::string::npos);
  WriteFileAtomically(folder / "other.json", R"({"a": 1})");
  EXPECT_NE(ReadError(folder / "other.json").find("not a capture"), std::string::npos);
  ReadOptions options;
  options.format = "transform";
  try {
    ReadCapture(folder.path(), options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("Did you mean 'transforms'"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace semfield
