#include "semfield/capture/capture_files.h"

#include <gtest/gtest.h>

#include "semfield/capture/readers/colmap_test_support.h"
#include "semfield/capture/test_support.h"
#include "semfield/capture/view_files.h"
#include "semfield/capture/writers/writer.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;
using namespace testing_support;

constexpr const char* kAdvice = "--allow-outside";

// A capture of 4 views in <folder>/cap and further images outside of it, in <folder>/elsewhere.
class CaptureOutside : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteImages(cap_, 4);
    WriteImages(elsewhere_, 4);
    WriteJsonFile(cap_ / "transforms.json", CircleJson(4));
  }
  static std::string Failure(const fs::path& path, bool allow_outside = false) {
    try {
      ReadCapture(path, {.allow_outside = allow_outside});
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      return error.what();
    }
    return "";
  }
  // The error, which must say where, what and the way out; with the option there is none.
  void ExpectRefusedUnlessAllowed(const fs::path& path, const std::string& where, const std::string& what) {
    const std::string message = Failure(path);
    for (const std::string& part : {where, what, std::string(kAdvice)})
      EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
    EXPECT_EQ(Failure(path, true), "");
  }
  void Replace(const char* file, const fs::path& target) {
    fs::remove_all(cap_ / file);
    fs::create_symlink(target, cap_ / file);
  }

  TempFolder folder_{"outside"};
  fs::path cap_ = folder_ / "cap", elsewhere_ = folder_ / "elsewhere";
};

TEST_F(CaptureOutside, NamesThatLeadOutsideAreRefused) {
  for (const std::string& name :
       {std::string("../elsewhere/images/001.png"), std::string("images/../../elsewhere/images/001"),
        std::string("..\\elsewhere\\images\\001.png"), (elsewhere_ / "images/001.png").string()}) {
    for (const char* key : {"file_path", "mask_path", "depth_path", "semantic_path", "instance_path"}) {
      Json json = CircleJson(4);
      json["frames"][1][key] = name;
      WriteJsonFile(cap_ / "transforms.json", json);
      const std::string message = Failure(cap_);
      for (const std::string& part :
           {std::string("transforms.json: frames[1].") + key, name, std::string(kAdvice)})
        EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }
  Json json = CircleJson(4);
  json["frames"][1]["file_path"] = "../elsewhere/images/001.png";
  WriteJsonFile(cap_ / "transforms.json", json);
  const Capture capture = ReadCapture(cap_, {.allow_outside = true});
  EXPECT_EQ(capture.views.front().name, "../elsewhere/images/001.png");
}

TEST_F(CaptureOutside, WhetherAFileIsThereIsNotTold) {
  for (const char* name : {"../elsewhere/images/001.png", "../elsewhere/images/none.png"}) {
    Json json = CircleJson(4);
    json["frames"][1]["file_path"] = name;
    WriteJsonFile(cap_ / "transforms.json", json);
    EXPECT_NE(Failure(cap_).find("leaves the folder"), std::string::npos);
  }
}

TEST_F(CaptureOutside, PathsThatStayInsideAreFine) {
  Json json = CircleJson(4);
  json["frames"][0]["file_path"] = (cap_ / "images/000.png").string();
  json["frames"][1]["file_path"] = "images/../images/001.png";
  json["frames"][2]["file_path"] = "../cap/images/002.png";
  WriteJsonFile(cap_ / "transforms.json", json);
  EXPECT_EQ(Failure(cap_), "");
  EXPECT_EQ(Failure(cap_ / "transforms.json"), "");
  // Links that stay inside too, and a capture that is itself reached by one.
  fs::rename(cap_ / "images", cap_ / "photos");
  fs::create_directory_symlink("photos", cap_ / "images");
  EXPECT_EQ(Failure(cap_), "");
  fs::create_directory_symlink(cap_, folder_ / "link");
  EXPECT_EQ(Failure(folder_ / "link"), "");
  EXPECT_EQ(Failure(folder_ / "link/transforms.json"), "");
}

TEST_F(CaptureOutside, LinksThatLeadOutsideAreRefused) {
  Replace("images/002.png", elsewhere_ / "images/002.png");
  ExpectRefusedUnlessAllowed(cap_, "transforms.json: frames[2].file_path", "images/002.png");
  Replace("images", elsewhere_ / "images");
  ExpectRefusedUnlessAllowed(cap_, "transforms.json: frames[0].file_path", "images/000.png");
  fs::remove(cap_ / "images");
  WriteImages(cap_, 4);
  EXPECT_EQ(Failure(cap_), "");
  Replace("images/dynamic_mask_001.png", elsewhere_ / "images/001.png");
  ExpectRefusedUnlessAllowed(cap_, "dynamic_mask_001.png", "elsewhere/images/001.png");
  fs::remove(cap_ / "images/dynamic_mask_001.png");
  WriteBytes(elsewhere_ / "labels.json", R"({"classes": ["cup"]})");
  Replace("labels.json", elsewhere_ / "labels.json");
  ExpectRefusedUnlessAllowed(cap_, "labels.json", "elsewhere/labels.json");
}

TEST_F(CaptureOutside, TheFileThatTheUserNamesIsHisOwnDecision) {
  fs::rename(cap_ / "transforms.json", elsewhere_ / "poses.json");
  Replace("transforms.json", elsewhere_ / "poses.json");
  ExpectRefusedUnlessAllowed(cap_, "transforms.json", "elsewhere/poses.json");
  EXPECT_EQ(Failure(cap_ / "transforms.json"), "");
}

TEST_F(CaptureOutside, LoopsOfLinksAreErrors) {
  Replace("images/001.png", "002.png");
  Replace("images/002.png", "001.png");
  EXPECT_NE(Failure(cap_).find("frames[1].file_path: "), std::string::npos);
  EXPECT_NE(Failure(cap_).find("loop of links"), std::string::npos);
  EXPECT_NE(Failure(cap_, true).find("loop of links"), std::string::npos);
  Replace("images", "images");
  EXPECT_NE(Failure(cap_).find("loop of links"), std::string::npos);
  Replace("transforms.json", "transforms.json");
  EXPECT_NE(Failure(cap_), "");
}

TEST_F(CaptureOutside, EveryFormatRefusesAnImageThatIsALinkToOutside) {
  const Capture capture = ReadCapture(cap_);
  for (const char* format : {"transforms", "colmap", "colmap-text", "llff"}) {
    const fs::path out = folder_ / format;
    WriteCapture(capture, out, format);
    EXPECT_EQ(Failure(out), "") << format;
    for (const auto& entry : fs::directory_iterator(out / "images")) {
      fs::remove(entry.path());
      fs::create_symlink(elsewhere_ / "images/001.png", entry.path());
    }
    const std::string message = Failure(out);
    EXPECT_NE(message.find("leaves the folder"), std::string::npos) << format << ": " << message;
    EXPECT_EQ(Failure(out, true), "") << format;
  }
}

TEST_F(CaptureOutside, EveryFormatRefusesAPoseFileThatIsALinkToOutside) {
  const Capture capture = ReadCapture(cap_);
  for (const auto& [format, file] : {std::pair{"colmap", "sparse/0/images.bin"},
                                     {"colmap-text", "sparse/0/cameras.txt"},
                                     {"llff", "poses_bounds.npy"}}) {
    const fs::path out = folder_ / format;
    WriteCapture(capture, out, format);
    fs::rename(out / file, folder_ / "moved");
    fs::create_symlink(folder_ / "moved", out / file);
    const std::string message = Failure(out);
    EXPECT_NE(message.find("leaves the folder"), std::string::npos) << format << ": " << message;
    EXPECT_EQ(Failure(out, true), "") << format;
  }
  for (const char* name : {"reconstruction.json", "metadata.json", "bundle.out", "bundle/bundle.out"}) {
    const fs::path out = folder_ / "named";
    fs::remove_all(out);
    fs::create_directories(out / "bundle");
    WriteBytes(out / "list.txt", "images/000.png\n");
    fs::create_symlink(elsewhere_ / "images/000.png", out / name);
    const std::string message = Failure(out);
    EXPECT_NE(message.find(kAdvice), std::string::npos) << name << ": " << message;
  }
}

TEST_F(CaptureOutside, AStoppedExportLeavesNothing) {
  const Capture capture = ReadCapture(cap_);
  StopToken stop;
  int told = 0;
  JobControl control{.progress =
                         [&](const Progress&) {
                           if (++told == 2) stop.RequestStop();
                         },
                     .stop = &stop};
  const fs::path out = folder_ / "stopped";
  EXPECT_ANY_THROW(WriteCapture(capture, out, "colmap", control));
  EXPECT_EQ(told, 2);
  EXPECT_TRUE(fs::is_empty(out));
  EXPECT_NO_THROW(WriteCapture(capture, out, "colmap"));
}

TEST_F(CaptureOutside, MasksBesideTheImagesStayInside) {
  const Capture capture = ReadCapture(cap_);
  const fs::path out = folder_ / "colmap";
  WriteCapture(capture, out, "colmap");
  fs::create_directory_symlink(elsewhere_ / "images", out / "masks");
  const std::string message = Failure(out);
  EXPECT_NE(message.find("leaves the folder"), std::string::npos) << message;
  EXPECT_EQ(Failure(out, true), "");
}

}  // namespace
}  // namespace semfield
