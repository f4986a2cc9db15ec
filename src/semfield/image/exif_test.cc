#include "semfield/image/exif.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "semfield/base/atomic_file.h"
#include "semfield/base/test_folder.h"
#include "semfield/image/codecs.h"
#include "semfield/image/sharpness.h"

namespace semfield {
namespace {

using Bytes = std::vector<std::byte>;

// Writes an Exif segment as a camera would: a first directory, and one inside it.
class Writer {
 public:
  explicit Writer(bool big_endian) : big_endian_(big_endian) {}

  void Number(uint32_t value, int size) {
    for (int i = 0; i < size; ++i) {
      const int shift = 8 * (big_endian_ ? size - 1 - i : i);
      bytes.push_back(static_cast<std::byte>(value >> shift & 0xff));
    }
  }
  void Text(const std::string& text) {
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  }
  void Entry(uint32_t tag, uint32_t type, uint32_t count, uint32_t value) {
    Number(tag, 2);
    Number(type, 2);
    Number(count, 4);
    if (type == 3) {
      Number(value, 2);
      Number(0, 2);
    } else {
      Number(value, 4);
    }
  }
  Bytes bytes;

 private:
  bool big_endian_;
};

constexpr uint32_t kFirst = 8, kInner = 8 + 2 + 3 * 12 + 4, kData = kInner + 2 + 5 * 12 + 4;

Bytes Tiff(bool big_endian, int orientation) {
  Writer w(big_endian);
  w.Text(big_endian ? "MM" : "II");
  w.Number(42, 2);
  w.Number(kFirst, 4);
  w.Number(3, 2);
  w.Entry(0x0110, 2, 6, kData + 16);
  w.Entry(0x0112, 3, 1, static_cast<uint32_t>(orientation));
  w.Entry(0x8769, 4, 1, kInner);
  w.Number(0, 4);
  w.Number(5, 2);
  w.Entry(0x920a, 5, 1, kData);
  w.Entry(0xa002, 4, 1, 4000);
  w.Entry(0xa20e, 5, 1, kData + 8);
  w.Entry(0xa210, 3, 1, 3);
  w.Entry(0xa405, 3, 1, 26);
  w.Number(0, 4);
  for (const uint32_t number : {425u, 100u, 20000u, 10u}) w.Number(number, 4);  // 4.25 mm, 2000 pixels a cm
  w.Text("Cam 1");
  w.Number(0, 1);
  return w.bytes;
}

// A JPEG with the segment put in after its first two bytes.
Bytes JpegWith(const Bytes& tiff, const ImageU8& image = ImageU8(16, 8, 3, 100)) {
  const Bytes plain = EncodeJpeg(image);
  Writer w(true);
  w.bytes.assign(plain.begin(), plain.begin() + 2);
  w.Number(0xffe1, 2);
  w.Number(static_cast<uint32_t>(tiff.size() + 8), 2);
  w.Text("Exif");
  w.Number(0, 2);
  w.bytes.insert(w.bytes.end(), tiff.begin(), tiff.end());
  w.bytes.insert(w.bytes.end(), plain.begin() + 2, plain.end());
  return w.bytes;
}

TEST(Exif, ReadsBothByteOrders) {
  for (const bool big_endian : {false, true}) {
    const ExifData exif = ReadExif(JpegWith(Tiff(big_endian, 6)));
    EXPECT_EQ(exif.orientation, 6);
    EXPECT_DOUBLE_EQ(exif.focal_mm, 4.25);
    EXPECT_DOUBLE_EQ(exif.focal_35mm, 26);
    EXPECT_DOUBLE_EQ(exif.pixels_per_mm, 200);
    EXPECT_EQ(exif.pixel_width, 4000);
    EXPECT_EQ(exif.model, "Cam 1");
    EXPECT_EQ(exif.make, "");
  }
}

TEST(Exif, ReadsAFileAndOneThatIsNotThere) {
  TestFolder folder;
  WriteFileAtomically(folder / "a.jpg", JpegWith(Tiff(false, 3)));
  EXPECT_EQ(ReadExif(folder / "a.jpg").orientation, 3);
  EXPECT_EQ(ReadExif(folder / "b.jpg").orientation, 1);
}

TEST(Exif, OtherFilesHoldNothing) {
  EXPECT_EQ(ReadExif(Bytes{}).orientation, 1);
  EXPECT_EQ(ReadExif(EncodeJpeg(ImageU8(16, 8, 3, 100))).focal_35mm, 0);
  EXPECT_EQ(ReadExif(EncodePng(ImageU8(16, 8, 3, 100))).orientation, 1);
}

// Cut anywhere, or with any byte changed: no crash, no read beyond the end (the address sanitizer looks), and
// only values that make sense.
TEST(Exif, SurvivesDamage) {
  const Bytes whole = JpegWith(Tiff(true, 6));
  const size_t header = Tiff(true, 6).size() + 12;
  const auto check = [](const Bytes& bytes) {
    const ExifData exif = ReadExif(bytes);
    EXPECT_TRUE(exif.orientation >= 1 && exif.orientation <= 8);
    EXPECT_TRUE(exif.focal_35mm == 0 || (exif.focal_35mm >= 1 && exif.focal_35mm <= 5000));
    EXPECT_TRUE(std::isfinite(FocalLengthPixels(exif, 4000, 3000)));
    EXPECT_LE(exif.model.size(), 64u);
    for (const char c : exif.model) EXPECT_TRUE(c >= 32 && c < 127);
  };
  for (size_t size = 0; size <= header; ++size) check(Bytes(whole.begin(), whole.begin() + size));
  for (size_t i = 0; i < header; ++i) {
    for (const unsigned value : {0u, 1u, 0x7fu, 0x80u, 0xffu}) {
      Bytes changed = whole;
      changed[i] = static_cast<std::byte>(value);
      check(changed);
    }
  }
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    Bytes changed = whole;
    for (int k = 0; k < 8; ++k) changed[20 + random() % (header - 20)] = static_cast<std::byte>(random());
    check(changed);
  }
}

// A directory that points to itself, and offsets at the end of the address range.
TEST(Exif, CyclesAndHugeOffsetsEnd) {
  Bytes tiff = Tiff(false, 1);
  const auto put = [&](size_t at, uint32_t value) {
    for (int i = 0; i < 4; ++i) tiff[at + i] = static_cast<std::byte>(value >> 8 * i);
  };
  const size_t inner_value = kFirst + 2 + 2 * 12 + 8;
  put(inner_value, kFirst);
  EXPECT_EQ(ReadExif(JpegWith(tiff)).focal_35mm, 0);
  put(inner_value, 0xffffffff);
  EXPECT_EQ(ReadExif(JpegWith(tiff)).focal_35mm, 0);
  put(4, 0xfffffffe);
  EXPECT_EQ(ReadExif(JpegWith(tiff)).model, "");
}

TEST(Exif, FocalLengthInPixels) {
  // A 50 mm lens on film, 3:2 pictures 3600 pixels wide: 100 pixels a millimetre.
  EXPECT_NEAR(FocalLengthPixels({.focal_35mm = 50}, 3600, 2400), 5000, 1);
  EXPECT_NEAR(FocalLengthPixels({.focal_35mm = 50}, 2400, 3600), 5000, 1);
  // The sensor's own pixels, and the same picture at half the size.
  const ExifData sensor{.focal_mm = 20, .pixels_per_mm = 150, .pixel_width = 6000};
  EXPECT_NEAR(FocalLengthPixels(sensor, 6000, 4000), 3000, 1e-9);
  EXPECT_NEAR(FocalLengthPixels(sensor, 2000, 3000), 1500, 1e-9);
  EXPECT_EQ(FocalLengthPixels({}, 6000, 4000), 0);
  EXPECT_EQ(FocalLengthPixels({.focal_mm = 20}, 6000, 4000), 0);
}

// The definition (Exif 2.32, 4.6.4 A): where in the scene the stored picture's first row and first column
// are.
TEST(Upright, PutsTheFirstRowAndColumnWhereTheStandardSays) {
  ImageU8 stored(3, 2, 1);
  stored.At(0, 0) = 1;  // first row, first column
  stored.At(2, 0) = 2;  // the end of the first row
  stored.At(0, 1) = 3;  // the end of the first column
  struct Case {
    int orientation;
    const char* row;
    const char* column;
  };
  for (const Case& c : {Case{1, "top", "left"}, Case{2, "top", "right"}, Case{3, "bottom", "right"},
                        Case{4, "bottom", "left"}, Case{5, "left", "top"}, Case{6, "right", "top"},
                        Case{7, "right", "bottom"}, Case{8, "left", "bottom"}}) {
    const ImageU8 upright = Upright(stored, c.orientation);
    const std::string row = c.row, column = c.column;
    const bool turned = row == "left" || row == "right";
    ASSERT_EQ(upright.width, turned ? 2 : 3) << c.orientation;
    ASSERT_EQ(upright.height, turned ? 3 : 2) << c.orientation;
    const auto on = [&](const std::string& edge, int x, int y) {
      return edge == "top"      ? y == 0
             : edge == "bottom" ? y == upright.height - 1
             : edge == "left"   ? x == 0
                                : x == upright.width - 1;
    };
    for (int y = 0; y < upright.height; ++y) {
      for (int x = 0; x < upright.width; ++x) {
        const int value = upright.At(x, y);
        const bool in_row = value == 1 || value == 2, in_column = value == 1 || value == 3;
        EXPECT_TRUE(!in_row || on(row, x, y)) << c.orientation;
        EXPECT_TRUE(!in_column || on(column, x, y)) << c.orientation;
      }
    }
  }
}

TEST(LaplacianVariance, KnowsEdgesFromPlainsAndBlur) {
  EXPECT_EQ(LaplacianVariance(ImageU8(2, 2, 1, 7)), 0);
  EXPECT_EQ(LaplacianVariance(ImageU8(20, 10, 1, 7)), 0);
  // A slope has no curvature; a checkerboard of 0 and 1 answers 4 and -4.
  ImageU8 slope(20, 10, 1), checks(22, 12, 1), step(20, 10, 1), blurred(20, 10, 1);
  for (int y = 0; y < slope.height; ++y) {
    for (int x = 0; x < slope.width; ++x) {
      slope.At(x, y) = static_cast<uint8_t>(5 * x + 3 * y);
      step.At(x, y) = x < 10 ? 0 : 200;
      blurred.At(x, y) = static_cast<uint8_t>(x < 8 ? 0 : x < 12 ? 50 * (x - 7) : 200);
    }
  }
  for (int y = 0; y < checks.height; ++y) {
    for (int x = 0; x < checks.width; ++x) checks.At(x, y) = (x + y) % 2;
  }
  EXPECT_EQ(LaplacianVariance(slope), 0);
  EXPECT_DOUBLE_EQ(LaplacianVariance(checks), 16);
  EXPECT_GT(LaplacianVariance(step), 3 * LaplacianVariance(blurred));
}

}  // namespace
}  // namespace semfield
