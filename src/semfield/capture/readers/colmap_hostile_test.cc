#include <gtest/gtest.h>

#include <limits>

#include "semfield/base/atomic_file.h"
#include "semfield/base/random.h"
#include "semfield/base/text.h"
#include "semfield/capture/readers/colmap_test_support.h"
#include "semfield/capture/writers/colmap_files.h"

namespace semfield {
namespace {

using namespace testing_support;
namespace fs = std::filesystem;

class ColmapHostile : public ::testing::Test {
 protected:
  void SetUp() override {
    model_ = CircleModel();
    std::vector<fs::path> files;
    for (const ColmapImage& image : model_.images) files.push_back(folder_ / ("images/" + image.name));
    WritePlainImages(files, 64, 48);
  }
  std::string FailureOf(bool binary = true) {
    WriteColmapModel(model_, folder_ / "sparse/0", binary);
    return ReadError(folder_.path());
  }
  std::string FileFailure(const std::string& name, const std::string& bytes) {
    WriteBytes(folder_ / ("sparse/0/" + name), bytes);
    return ReadError(folder_.path());
  }
  std::string Bytes(const std::string& name) { return ReadTextFile(folder_ / ("sparse/0/" + name)); }

  TempFolder folder_{"colmap-hostile"};
  ColmapModel model_;
};

TEST_F(ColmapHostile, HugeCountsAreRefusedBeforeAnythingIsAllocated) {
  WriteColmapModel(model_, folder_ / "sparse/0", true);
  for (const char* name : {"cameras.bin", "images.bin", "points3D.bin"}) {
    const std::string good = Bytes(name);
    for (const uint64_t count : {~uint64_t{0}, uint64_t{1} << 61, uint64_t{1} << 40}) {
      std::string bad;
      Put(&bad, count);
      const std::string message = FileFailure(name, bad + good.substr(8));
      EXPECT_NE(message.find(name), std::string::npos) << message;
      EXPECT_NE(message.find("announces"), std::string::npos) << message;
    }
    EXPECT_EQ(FileFailure(name, good), "");
  }
}

TEST_F(ColmapHostile, TruncatedFilesAreErrors) {
  WriteColmapModel(model_, folder_ / "sparse/0", true);
  for (const char* name : {"cameras.bin", "images.bin", "points3D.bin"}) {
    const std::string good = Bytes(name);
    for (const size_t length :
         {size_t{0}, size_t{7}, size_t{8}, size_t{20}, good.size() / 2, good.size() - 1}) {
      EXPECT_NE(FileFailure(name, good.substr(0, length)).find(name), std::string::npos) << name << length;
    }
    EXPECT_NE(FileFailure(name, good + "x").find("left over"), std::string::npos);
    FileFailure(name, good);
  }
}

TEST_F(ColmapHostile, NumbersThatAreNone) {
  const ColmapModel good = model_;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const bool binary : {true, false}) {
    model_ = good;
    model_.images[2].camera_from_world.translation.x() = nan;
    EXPECT_NE(FailureOf(binary).find("translation"), std::string::npos);
    model_ = good;
    model_.cameras[4].parameters[1] = nan;
    EXPECT_NE(FailureOf(binary).find("camera 4"), std::string::npos);
    model_.cameras[4].parameters[1] = -5;
    EXPECT_NE(FailureOf(binary).find("focal length"), std::string::npos);
    model_ = good;
    model_.cameras[4].width = uint64_t{1} << 40;
    EXPECT_NE(FailureOf(binary).find("pixels, expected 1 to"), std::string::npos);
    model_ = good;
    for (const double far : {std::numeric_limits<double>::infinity(), nan, 1e300}) {
      model_.points[103].position.y() = far;
      EXPECT_NE(FailureOf(binary).find("position is not finite or too large"), std::string::npos) << far;
    }
    model_ = good;
    model_.images[1].camera_id = 99;
    EXPECT_NE(FailureOf(binary).find("camera 99"), std::string::npos);
    model_ = good;
    model_.images[1].id = model_.images[0].id;
    EXPECT_NE(FailureOf(binary).find("occurs twice"), std::string::npos);
    fs::remove_all(folder_ / "sparse");
  }
}

TEST_F(ColmapHostile, NamesThatLeaveTheFolderOrAreNotUtf8) {
  const ColmapModel good = model_;
  WritePlainImages({folder_ / "secret.png"}, 64, 48);
  for (const std::string& name :
       {std::string("../../secret.png"), (folder_.path() / "../secret.png").string(),
        std::string("cam0/../../../secret.png"), std::string("/etc/passwd")}) {
    model_ = good;
    model_.images[0].name = name;
    EXPECT_NE(FailureOf().find("leaves the folder"), std::string::npos) << name;
  }
  model_ = good;
  model_.images[0].name = "caf\xe9.png";
  WritePlainImages({folder_ / "images/caf\xe9.png"}, 64, 48);
  const std::string message = FailureOf();
  EXPECT_NE(message.find("caf\\xe9.png"), std::string::npos) << message;
  EXPECT_TRUE(IsUtf8(message));
  model_.images[0].name = "caf\xc3\xa9.png";
  WritePlainImages({folder_ / "images/caf\xc3\xa9.png"}, 64, 48);
  EXPECT_EQ(FailureOf(), "");
  model_.images[0].name = model_.images[1].name;
  EXPECT_NE(FailureOf().find("twice"), std::string::npos);
}

TEST_F(ColmapHostile, LoopsOfLinksEnd) {
  fs::create_directories(folder_ / "sparse");
  fs::create_directory_symlink(folder_.path(), folder_ / "sparse/loop");
  fs::create_symlink("self.png", folder_ / "images/self.png");
  EXPECT_EQ(FailureOf(), "");
  model_.images[0].name = "self.png";
  EXPECT_NE(FailureOf().find("loop of links"), std::string::npos);
}

TEST_F(ColmapHostile, TextThatIsDamagedNamesTheLine) {
  WriteColmapModel(model_, folder_ / "sparse/0", false);
  const std::string cameras = Bytes("cameras.txt");
  EXPECT_NE(FileFailure("cameras.txt", "4 OPENCV 64 48 60 61").find("line 1: OPENCV has 8 parameters, got 2"),
            std::string::npos);
  EXPECT_NE(FileFailure("cameras.txt", "4 MAGIC 64 48 60 61").find("'MAGIC' is unknown"), std::string::npos);
  EXPECT_NE(FileFailure("cameras.txt", "4 PINHOLE -64 48 60 61 1 1").find("'-64' is no valid width"),
            std::string::npos);
  FileFailure("cameras.txt", cameras);
  EXPECT_NE(FileFailure("images.txt", "1 1 0 0 0 0 0 0 4 a.png\n1 2\n").find("line 2: ends before"),
            std::string::npos);
  EXPECT_NE(FileFailure("images.txt", "1 0 0 0 0 0 0 0 4 a.png\n\n").find("no rotation"), std::string::npos);
}

TEST_F(ColmapHostile, DamagedBytesNeverCrash) {
  WriteColmapModel(model_, folder_ / "sparse/0", true);
  const std::string files[] = {"cameras.bin", "images.bin", "points3D.bin"};
  Random random(11);
  for (int round = 0; round < 60; ++round) {
    const std::string& name = files[round % 3];
    const std::string good = Bytes(name);
    std::string bad = good;
    for (int k = 0; k < 4; ++k) {
      bad[random.Below(static_cast<uint32_t>(bad.size()))] = static_cast<char>(random.Below(256));
    }
    WriteBytes(folder_ / ("sparse/0/" + name), bad);
    try {
      ReadColmapModel(folder_ / "sparse/0");
    } catch (const Error&) {
    }
    WriteBytes(folder_ / ("sparse/0/" + name), good);
  }
}

}  // namespace
}  // namespace semfield
