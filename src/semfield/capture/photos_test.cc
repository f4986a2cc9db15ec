#include "semfield/capture/photos.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;
using Kind = PhotoSource::Kind;
using Bytes = std::vector<std::byte>;

constexpr int kWidth = 32, kHeight = 16;

// Red in the stored picture's first 16 columns, blue in the others.
ImageU8 TwoColors() {
  ImageU8 image(kWidth, kHeight, 3);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) image.At(x, y, x < kWidth / 2 ? 0 : 2) = 250;
  }
  return image;
}

// With an Exif segment of little-endian entries: orientation, and the focal length on film unless 0.
void WritePhoto(const fs::path& path, int orientation, int focal_35mm = 0) {
  const Bytes plain = EncodeJpeg(TwoColors(), 95);
  std::string exif = std::string("Exif\0\0II*\0\x08\0\0\0\x02\0", 16);
  exif += std::string("\x12\x01\x03\0\x01\0\0\0", 8) + static_cast<char>(orientation) + std::string(3, '\0');
  exif += std::string("\x69\x87\x04\0\x01\0\0\0\x26\0\0\0", 12) + std::string(4, '\0');
  exif += std::string("\x01\0\x05\xa4\x03\0\x01\0\0\0", 10) + static_cast<char>(focal_35mm) +
          std::string(7, '\0');
  std::string bytes = "\xff\xd8\xff\xe1";
  bytes += static_cast<char>((exif.size() + 2) >> 8);
  bytes += static_cast<char>((exif.size() + 2) & 0xff);
  bytes += exif;
  bytes.append(reinterpret_cast<const char*>(plain.data()) + 2, plain.size() - 2);
  WriteFileAtomically(path, bytes);
}

bool IsRed(const ImageU8& image, int x, int y) {
  return image.At(x, y, 0) > 150 && image.At(x, y, 2) < 100;
}

std::string ErrorOfReading(const fs::path& path) {
  try {
    ReadCapture(path);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(FindPhotos, TellsPhotosFromVideosAndTheRest) {
  TestFolder folder;
  EXPECT_EQ(FindPhotos(folder / "absent").kind, Kind::kNone);
  EXPECT_EQ(FindPhotos(folder.path()).kind, Kind::kNone);
  for (const char* name : {"b.JPG", "a.jpg", ".hidden.jpg", "notes.txt"}) WritePhoto(folder / name, 1);
  const PhotoSource photos = FindPhotos(folder.path());
  EXPECT_EQ(photos.kind, Kind::kPhotos);
  EXPECT_EQ(photos.names, (std::vector<std::string>{"a.jpg", "b.JPG"}));
  EXPECT_EQ(FindPhotos(folder / "a.jpg").kind, Kind::kNone);

  using namespace std::string_literals;
  WriteFileAtomically(folder / "a.mp4",
                      "\0\0\0\x18"
                      "ftypisom\0\0\0\0"s);
  WriteFileAtomically(folder / "b",
                      "\x1a\x45\xdf\xa3"
                      "12345678"s);
  WriteFileAtomically(folder / "c.mov",
                      "\0\0\0\x18"
                      "ftypqt  \0\0\0\0"s);
  WriteFileAtomically(folder / "d.mp4",
                      "\0\0\0\x18"
                      "ftypheic\0\0\0\0"s);
  WriteFileAtomically(folder / "e.mp4", "short"s);
  for (const char* name : {"a.mp4", "b", "c.mov"}) EXPECT_EQ(FindPhotos(folder / name).kind, Kind::kVideo);
  for (const char* name : {"d.mp4", "e.mp4"}) EXPECT_EQ(FindPhotos(folder / name).kind, Kind::kNone);
}

// A capture whose pose file is damaged is a damaged capture, not a folder of photos.
TEST(FindPhotos, PoseFilesAreNotPassedOver) {
  TestFolder folder;
  WritePhoto(folder / "images/a.jpg", 1);
  WriteFileAtomically(folder / "transforms.json", "");
  EXPECT_EQ(FindPhotos(folder.path()).kind, Kind::kNone);
}

TEST(FindPhotos, LooksIntoTheUsualFolders) {
  TestFolder folder;
  WritePhoto(folder / "images/a.jpg", 1);
  fs::create_directories(folder / "masks");
  const PhotoSource photos = FindPhotos(folder.path());
  EXPECT_EQ(photos.path, folder / "images");
  EXPECT_EQ(photos.masks, folder / "masks");
}

TEST(FindPhotos, MessagesSayWhatToDo) {
  TestFolder folder;
  WritePhoto(folder / "jpeg/a.jpg", 1);
  const std::string jpeg = ErrorOfReading(folder / "jpeg");
  EXPECT_NE(jpeg.find("1 photos without poses. \"semfield poses"), std::string::npos) << jpeg;
  WriteFileAtomically(folder / "heic/IMG 1.HEIC", "");
  const std::string heic = ErrorOfReading(folder / "heic");
  EXPECT_NE(heic.find("heif-convert -q 95 IMG 1.HEIC IMG 1.jpg"), std::string::npos) << heic;
  WriteFileAtomically(folder / "half/poses.json", "{}");
  const std::string half = ErrorOfReading(folder / "half");
  EXPECT_NE(half.find("goes on where it stopped"), std::string::npos) << half;
}

// The rule: the pixels that are stored in the capture stand as a viewer shows the photo.
TEST(TakeInPhotos, LyingPhotosAreCopiedUprightAndTheOthersLinked) {
  TestFolder folder;
  WritePhoto(folder / "photos/up.jpg", 1);
  WritePhoto(folder / "photos/turned.jpg", 6);  // the stored left side is what a viewer shows on top
  const Bytes before = ReadFile(folder / "photos/turned.jpg");
  const PhotoIntake intake = TakeInPhotos(FindPhotos(folder / "photos"), folder / "capture", false, {});
  EXPECT_EQ(intake.num_turned, 1);
  EXPECT_TRUE(intake.warnings.empty());
  EXPECT_TRUE(fs::equivalent(folder / "capture/images/up.jpg", folder / "photos/up.jpg"));
  EXPECT_EQ(ReadFile(folder / "capture/images/up.jpg"), ReadFile(folder / "photos/up.jpg"));
  const ImageU8 turned = ReadImage(folder / "capture/images/turned.jpg");
  ASSERT_EQ(turned.width, kHeight);
  ASSERT_EQ(turned.height, kWidth);
  EXPECT_TRUE(IsRed(turned, 3, 3));
  EXPECT_TRUE(IsRed(turned, 12, 3));
  EXPECT_FALSE(IsRed(turned, 3, 28));
  EXPECT_EQ(ReadFile(folder / "photos/turned.jpg"), before);
}

// A folder of photos from elsewhere may not make semfield read what lies outside of it.
TEST(TakeInPhotos, LinksThatLeadOutsideAreLeftOutUnlessAllowed) {
  TestFolder folder;
  WritePhoto(folder / "photos/a.jpg", 1);
  WritePhoto(folder / "elsewhere/b.jpg", 1);
  fs::create_symlink(folder / "elsewhere/b.jpg", folder / "photos/b.jpg");
  fs::create_symlink("a.jpg", folder / "photos/c.jpg");
  const PhotoSource source = FindPhotos(folder / "photos");
  const PhotoIntake intake = TakeInPhotos(source, folder / "capture", false, {});
  ASSERT_EQ(intake.cameras.size(), 1u);
  EXPECT_EQ(intake.cameras[0].names, (std::vector<std::string>{"a.jpg", "c.jpg"}));
  ASSERT_EQ(intake.warnings.size(), 1u);
  EXPECT_NE(intake.warnings[0].find("--allow-outside"), std::string::npos);
  const PhotoIntake all = TakeInPhotos(source, folder / "capture", true, {});
  ASSERT_EQ(all.cameras.size(), 1u);
  EXPECT_EQ(all.cameras[0].names.size(), 3u);
  EXPECT_FALSE(fs::is_symlink(folder / "capture/images/b.jpg"));
}

TEST(TakeInPhotos, CamerasAreToldApartBySizeAndFocalLength) {
  TestFolder folder;
  WritePhoto(folder / "photos/a.jpg", 1, 30);
  WritePhoto(folder / "photos/b.jpg", 3, 30);
  WritePhoto(folder / "photos/c.jpg", 6, 30);
  WritePhoto(folder / "photos/d.jpg", 1, 60);
  WritePhoto(folder / "photos/e.jpg", 1);
  const PhotoIntake intake = TakeInPhotos(FindPhotos(folder / "photos"), folder / "capture", false, {});
  ASSERT_EQ(intake.cameras.size(), 4u);
  int with_two = 0, unknown = 0;
  for (const PhotoCamera& camera : intake.cameras) {
    if (camera.names.size() == 2) {
      ++with_two;
      EXPECT_EQ(camera.names, (std::vector<std::string>{"a.jpg", "b.jpg"}));
      EXPECT_EQ(camera.width, kWidth);
      EXPECT_NEAR(camera.focal_pixels, 30 * std::hypot(kWidth, kHeight) / 43.2666, 1e-3);
    }
    unknown += camera.focal_pixels == 0;
  }
  EXPECT_EQ(with_two, 1);
  EXPECT_EQ(unknown, 1);
  const Json json = ToJson(intake.cameras);
  EXPECT_EQ(ToJson(PhotoCamerasFromJson(json, "x")), json);
  for (const char* damage : {"3", "[{}]", R"([{"width": 0, "height": 1, "focal_pixels": 0, "names": ["a"]}])",
                             R"([{"width": 1, "height": 1, "focal_pixels": 0, "names": ["../a"]}])",
                             R"([{"width": 1, "height": 1, "focal_pixels": 0, "names": ["a\nb"]}])"}) {
    EXPECT_THROW(PhotoCamerasFromJson(Json::parse(damage), "x"), Error) << damage;
  }
}

TEST(TakeInPhotos, HostileNamesAreWrittenAnewAndKeptApart) {
  TestFolder folder;
  const std::vector<std::string> names = {"a\nb.jpg", "a_b.jpg", "a\tb.jpg", "\xff.jpg",
                                          "-rf $(x) ; 'y'.jpg"};
  for (const std::string& name : names) WritePhoto(folder / "photos" / name, 1);
  TakeInPhotos(FindPhotos(folder / "photos"), folder / "capture", false, {});
  std::set<std::string> got;
  for (const auto& entry : fs::directory_iterator(folder / "capture/images"))
    got.insert(entry.path().filename().string());
  EXPECT_EQ(got, (std::set<std::string>{"a_b.jpg", "a_b_2.jpg", "a_b_3.jpg", "_.jpg", "-rf $(x) ; 'y'.jpg"}));
}

TEST(TakeInPhotos, MasksFollowTheirPhotos) {
  TestFolder folder;
  WritePhoto(folder / "photos/up.jpg", 1);
  WritePhoto(folder / "photos/turned.jpg", 6);
  WritePhoto(folder / "photos/stands.jpg", 6);
  ImageU8 left(kWidth / 2, kHeight / 2, 1), top(kHeight, kWidth, 3);
  for (int y = 0; y < left.height; ++y) {
    for (int x = 0; x < left.width / 2; ++x) left.At(x, y) = 255;
  }
  for (int y = 0; y < top.height / 2; ++y) {
    for (int x = 0; x < top.width; ++x) top.At(x, y, 1) = 255;
  }
  fs::create_directories(folder / "photos/masks");
  WritePng(folder / "photos/masks/up.png", left);
  WritePng(folder / "photos/masks/turned.jpg.png", left);
  WritePng(folder / "photos/masks/stands.png", top);
  const PhotoIntake intake = TakeInPhotos(FindPhotos(folder / "photos"), folder / "capture", false, {});
  EXPECT_EQ(intake.num_masks, 3);
  const ImageU8 up = ReadImage(folder / "capture/masks/up.jpg.png");
  EXPECT_EQ(up.width, kWidth);
  EXPECT_EQ(up.At(3, 12), 255);
  EXPECT_EQ(up.At(28, 3), 0);
  for (const char* name : {"turned", "stands"}) {
    const ImageU8 mask = ReadImage(folder / fmt::format("capture/masks/{}.jpg.png", name));
    ASSERT_EQ(mask.width, kHeight) << name;
    EXPECT_EQ(mask.At(12, 3), 255) << name;
    EXPECT_EQ(mask.At(3, 28), 0) << name;
  }
}

TEST(TakeInPhotos, DamagedPhotosAreLeftOutAndNamed) {
  TestFolder folder;
  WritePhoto(folder / "photos/a.jpg", 1);
  WriteFileAtomically(folder / "photos/b.jpg", "no picture");
  WriteFileAtomically(folder / "photos/c.HEIC", "");
  const PhotoIntake intake = TakeInPhotos(FindPhotos(folder / "photos"), folder / "capture", false, {});
  ASSERT_EQ(intake.cameras.size(), 1u);
  EXPECT_EQ(intake.cameras[0].names, (std::vector<std::string>{"a.jpg"}));
  ASSERT_EQ(intake.warnings.size(), 2u);
  EXPECT_NE(intake.warnings[0].find("b.jpg"), std::string::npos);
  EXPECT_NE(intake.warnings[1].find("c.HEIC"), std::string::npos);
}

}  // namespace
}  // namespace semfield
