#include "semfield/image/codecs.h"

#include <gtest/gtest.h>
#include <spng.h>
#include <tinyexr.h>
#include <turbojpeg.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/random.h"
#include "semfield/image/rgba.h"

namespace semfield {
namespace {

using Bytes = std::vector<std::byte>;

template <class T>
Image<T> RandomImage(int width, int height, int channels, uint64_t seed) {
  Image<T> image(width, height, channels);
  Random random(seed);
  for (T& value : image.data) value = static_cast<T>(random.NextUint32() >> 7);
  return image;
}

ImageU8 SmoothImage(int width, int height, int channels) {
  ImageU8 image(width, height, channels);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        image.At(x, y, c) = static_cast<uint8_t>(120 + 80 * std::sin(0.05 * x + c) * std::cos(0.07 * y));
      }
    }
  }
  return image;
}

struct RawPng {
  int width = 0, height = 0, color_type = 0, bits = 8;
  std::vector<uint8_t> rows = {};
  std::vector<std::array<uint8_t, 4>> palette = {};  // alpha used when has_transparency
  bool has_transparency = false;
  bool interlaced = false;
};

Bytes EncodeRaw(const RawPng& raw) {
  spng_ctx* context = spng_ctx_new(SPNG_CTX_ENCODER);
  spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
  spng_ihdr ihdr{};
  ihdr.width = raw.width;
  ihdr.height = raw.height;
  ihdr.bit_depth = raw.bits;
  ihdr.color_type = raw.color_type;
  ihdr.interlace_method = raw.interlaced;
  EXPECT_EQ(spng_set_ihdr(context, &ihdr), 0);
  spng_plte palette{};
  spng_trns transparency{};
  for (const auto& color : raw.palette) {
    palette.entries[palette.n_entries++] = {color[0], color[1], color[2], 0};
    transparency.type3_alpha[transparency.n_type3_entries++] = color[3];
  }
  if (palette.n_entries > 0) {
    EXPECT_EQ(spng_set_plte(context, &palette), 0);
  }
  if (raw.has_transparency) {
    EXPECT_EQ(spng_set_trns(context, &transparency), 0);
  }
  EXPECT_EQ(spng_encode_image(context, raw.rows.data(), raw.rows.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE),
            0);
  size_t size = 0;
  int error = 0;
  void* data = spng_get_png_buffer(context, &size, &error);
  const auto* first = static_cast<const std::byte*>(data);
  Bytes bytes(first, first + size);
  std::free(data);
  spng_ctx_free(context);
  return bytes;
}

std::string MessageOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.what();
  }
  return "";
}

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / fmt::format("semfield_codecs_{}", getpid())) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

TEST(Png, RoundTripsExactly) {
  for (const int channels : {1, 3, 4}) {
    const ImageU8 image = RandomImage<uint8_t>(37, 23, channels, channels);
    const ImageU8 back = DecodeImage(EncodePng(image), "memory");
    EXPECT_EQ(back.width, 37);
    EXPECT_EQ(back.height, 23);
    EXPECT_EQ(back.channels, channels);
    EXPECT_EQ(back.data, image.data);
  }
  const ImageU16 depth = RandomImage<uint16_t>(31, 17, 1, 9);
  EXPECT_EQ(DecodeImage16(EncodePng16(depth), "memory").data, depth.data);
}

TEST(Png, SixteenBitsAreRoundedToEight) {
  ImageU16 wide(6, 1, 1);
  wide.data = {0, 128, 129, 257 * 7, 257 * 7 + 129, 65535};
  EXPECT_EQ(DecodeImage(EncodePng16(wide), "memory").data, (std::vector<uint8_t>{0, 0, 1, 7, 8, 255}));
  ImageU16 color(1, 1, 3);
  color.data = {257 * 3, 257 * 200, 65535};
  const ImageU8 narrow = DecodeImage(EncodePng16(color), "memory");
  EXPECT_EQ(narrow.channels, 3);
  EXPECT_EQ(narrow.data, (std::vector<uint8_t>{3, 200, 255}));
}

TEST(Png, TransparencyIsFoundWithoutDecoding) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("alpha-{}.png", ::getpid());
  const auto has = [&](const std::vector<std::byte>& bytes) {
    WriteFileAtomically(path, bytes);
    return HasTransparency(path, 250);
  };
  ImageU8 narrow = RandomImage<uint8_t>(40, 30, 4, 3);
  ImageU16 wide = RandomImage<uint16_t>(40, 30, 4, 4);
  for (size_t p = 3; p < narrow.data.size(); p += 4) narrow.data[p] = 250, wide.data[p] = 64300;
  EXPECT_FALSE(has(EncodePng(narrow)));
  EXPECT_FALSE(has(EncodePng16(wide)));
  narrow.At(39, 29, 3) = 249;
  wide.At(39, 29, 3) = 63900;
  EXPECT_TRUE(has(EncodePng(narrow)));
  EXPECT_TRUE(has(EncodePng16(wide)));
  EXPECT_FALSE(has(EncodePng(RandomImage<uint8_t>(40, 30, 3, 5))));
  EXPECT_FALSE(has(EncodeJpeg(RandomImage<uint8_t>(40, 30, 3, 6))));
  auto cut = EncodePng16(wide);
  cut.resize(cut.size() / 2);
  EXPECT_THROW(has(cut), Error);
  std::filesystem::remove(path);
}

TEST(Png, PaletteIsColorOrIndices) {
  RawPng raw{.width = 3, .height = 2, .color_type = SPNG_COLOR_TYPE_INDEXED};
  raw.rows = {0, 1, 2, 2, 1, 0};
  raw.palette = {{10, 20, 30, 255}, {40, 50, 60, 128}, {70, 80, 90, 0}};
  const Bytes opaque = EncodeRaw(raw);
  const ImageU8 rgb = DecodeImage(opaque, "memory");
  EXPECT_EQ(rgb.channels, 3);
  EXPECT_EQ(rgb.At(2, 0, 1), 80);
  EXPECT_EQ(DecodeImage16(opaque, "memory").data, (std::vector<uint16_t>{0, 1, 2, 2, 1, 0}));
  raw.has_transparency = true;
  const Bytes transparent = EncodeRaw(raw);
  const ImageU8 rgba = DecodeImage(transparent, "memory");
  EXPECT_EQ(rgba.channels, 4);
  EXPECT_EQ(rgba.At(1, 0, 0), 40);
  EXPECT_EQ(rgba.At(1, 0, 3), 128);
  EXPECT_EQ(DecodeImage16(transparent, "memory").data, (std::vector<uint16_t>{0, 1, 2, 2, 1, 0}));
}

TEST(Png, FewBitsAreUnpackedUnscaledForLabels) {
  RawPng raw{.width = 5, .height = 2, .color_type = SPNG_COLOR_TYPE_INDEXED, .bits = 2};
  raw.rows = {0b00011011, 0b11000000, 0b11100100, 0b00000000};
  raw.palette = {{0, 0, 0, 255}, {1, 1, 1, 255}, {2, 2, 2, 255}, {3, 3, 3, 255}};
  const std::vector<uint16_t> expected = {0, 1, 2, 3, 3, 3, 2, 1, 0, 0};
  EXPECT_EQ(DecodeImage16(EncodeRaw(raw), "memory").data, expected);
  raw.interlaced = true;
  EXPECT_EQ(DecodeImage16(EncodeRaw(raw), "memory").data, expected);
  raw.interlaced = false;
  raw.color_type = SPNG_COLOR_TYPE_GRAYSCALE;
  raw.palette.clear();
  EXPECT_EQ(DecodeImage16(EncodeRaw(raw), "memory").data, expected);
  const ImageU8 gray = DecodeImage(EncodeRaw(raw), "memory");  // a picture: 3 of 3 is white
  EXPECT_EQ(gray.channels, 1);
  EXPECT_EQ(gray.data, (std::vector<uint8_t>{0, 85, 170, 255, 255, 255, 170, 85, 0, 0}));
}

TEST(Png, GrayWithAlphaBecomesRgba) {
  RawPng raw{.width = 2, .height = 1, .color_type = SPNG_COLOR_TYPE_GRAYSCALE_ALPHA};
  raw.rows = {9, 255, 200, 7};
  const Bytes bytes = EncodeRaw(raw);
  const ImageU8 image = DecodeImage(bytes, "memory");
  EXPECT_EQ(image.channels, 4);
  EXPECT_EQ(image.data, (std::vector<uint8_t>{9, 9, 9, 255, 200, 200, 200, 7}));
  EXPECT_NE(MessageOf([&] { DecodeImage16(bytes, "labels.png"); }).find("labels.png: expected one channel"),
            std::string::npos);
}

TEST(Png, EightBitLabelsAreWidenedAndColorIsRefused) {
  const ImageU8 labels = RandomImage<uint8_t>(9, 5, 1, 4);
  const ImageU16 wide = DecodeImage16(EncodePng(labels), "memory");
  for (size_t i = 0; i < labels.data.size(); ++i) EXPECT_EQ(wide.data[i], labels.data[i]);
  EXPECT_NE(MessageOf([&] { DecodeImage16(EncodePng(ImageU8(2, 2, 3)), "x.png"); }).find("colour"),
            std::string::npos);
}

TEST(Jpeg, KeepsSmoothImagesAndChannelCounts) {
  for (const int channels : {1, 3}) {
    const ImageU8 image = SmoothImage(61, 47, channels);
    const ImageU8 back = DecodeImage(EncodeJpeg(image, 95), "memory");
    ASSERT_EQ(back.channels, channels);
    ASSERT_EQ(back.data.size(), image.data.size());
    for (size_t i = 0; i < image.data.size(); ++i) ASSERT_NEAR(back.data[i], image.data[i], 8);
  }
  EXPECT_LT(EncodeJpeg(SmoothImage(200, 200, 3), 50).size(), EncodeJpeg(SmoothImage(200, 200, 3), 95).size());
  EXPECT_EQ(DecodeImage16(EncodeJpeg(ImageU8(8, 8, 1, 77)), "memory").At(3, 3), 77);
}

TEST(Jpeg, CmykIsRefusedInWords) {
  const std::vector<uint8_t> pixels(16 * 16 * 4, 100);
  tjhandle handle = tjInitCompress();
  unsigned char* encoded = nullptr;
  unsigned long size = 0;
  ASSERT_EQ(tjCompress2(handle, pixels.data(), 16, 0, 16, TJPF_CMYK, &encoded, &size, TJSAMP_444, 90, 0), 0);
  const auto* first = reinterpret_cast<const std::byte*>(encoded);
  const Bytes bytes(first, first + size);
  tjFree(encoded);
  tjDestroy(handle);
  EXPECT_NE(MessageOf([&] { DecodeImage(bytes, "print.jpg"); }).find("CMYK"), std::string::npos);
}

TEST(Exr, HoldsTheSameFloats) {
  for (const int channels : {1, 3, 4}) {
    ImageF image(19, 33, channels);
    for (size_t i = 0; i < image.data.size(); ++i) image.data[i] = 0.37f * static_cast<float>(i) - 100;
    const Bytes bytes = EncodeExr(image);
    EXPECT_EQ(SniffImageFormat(bytes), "exr");
    float* rgba = nullptr;
    int width = 0, height = 0;
    const char* message = nullptr;
    ASSERT_EQ(LoadEXRFromMemory(&rgba, &width, &height, reinterpret_cast<const unsigned char*>(bytes.data()),
                                bytes.size(), &message),
              TINYEXR_SUCCESS);
    ASSERT_EQ(width, 19);
    ASSERT_EQ(height, 33);
    for (size_t i = 0; i < image.num_pixels(); ++i) {
      for (int c = 0; c < channels; ++c) ASSERT_EQ(rgba[4 * i + c], image.data[i * channels + c]);
    }
    std::free(rgba);
  }
}

TEST(Files, AreKnownByContentNotByName) {
  const Folder folder;
  const ImageU8 image = SmoothImage(40, 30, 3);
  WritePng(folder / "photo.jpg", image);
  EXPECT_EQ(ReadImage(folder / "photo.jpg").data, image.data);
  WriteJpeg(folder / "photo.png", image);
  const ImageInfo info = ReadImageInfo(folder / "photo.png");
  EXPECT_EQ(info.width, 40);
  EXPECT_EQ(info.height, 30);
  EXPECT_EQ(info.channels, 3);
  WritePng16(folder / "depth.png", ImageU16(5, 4, 1, 1234));
  EXPECT_EQ(ReadImageInfo(folder / "depth.png").bits, 16);
  EXPECT_EQ(ReadImage16(folder / "depth.png").At(4, 3), 1234);
  WriteExr(folder / "depth.exr", ImageF(5, 4, 1, 2.5f));
  EXPECT_GT(std::filesystem::file_size(folder / "depth.exr"), 100u);
}

TEST(Files, HeaderBehindALongProfileIsFound) {
  const Folder folder;
  Bytes bytes = EncodeJpeg(SmoothImage(48, 32, 3));
  Bytes segment(2 + 65000, std::byte{0});  // APP2
  segment[0] = std::byte{0xff};
  segment[1] = std::byte{0xe2};
  segment[2] = std::byte{65000 >> 8};
  segment[3] = std::byte{65000 & 255};
  for (int i = 0; i < 3; ++i) bytes.insert(bytes.begin() + 2, segment.begin(), segment.end());
  WriteFileAtomically(folder / "profile.jpg", bytes);
  EXPECT_EQ(ReadImageInfo(folder / "profile.jpg").width, 48);
}

Bytes Text(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

TEST(Files, ErrorsNameTheFileAndSayWhatToDo) {
  const Folder folder;
  const auto message_for = [&](const std::string& name, const Bytes& bytes) {
    WriteFileAtomically(folder / name, bytes);
    const std::string message = MessageOf([&] { ReadImage(folder / name); });
    EXPECT_NE(message.find(name), std::string::npos) << message;
    EXPECT_EQ(MessageOf([&] { ReadImageInfo(folder / name); }), message);
    return message;
  };
  using std::string_view_literals::operator""sv;
  EXPECT_NE(message_for("a.heic", Text("\0\0\0\x18"
                                       "ftypheic\0\0\0\0"sv))
                .find("heif-convert a.heic a.jpg"),
            std::string::npos);
  EXPECT_NE(message_for("a.webp", Text("RIFF1234WEBPVP8 "sv)).find("webp"), std::string::npos);
  EXPECT_NE(message_for("a.gif", Text("GIF89a......"sv)).find("gif"), std::string::npos);
  EXPECT_NE(message_for("a.png", Text("<html>not found</html>"sv)).find("expected JPEG or PNG"),
            std::string::npos);
  EXPECT_NE(message_for("zero.png", {}).find("empty"), std::string::npos);
  EXPECT_NE(MessageOf([&] { ReadImage(folder / "missing.png"); }).find("missing.png"), std::string::npos);
}

TEST(Hostile, HugeDimensionsAreRefusedBeforeMemoryIsTaken) {
  Bytes png = EncodePng(ImageU8(8, 8, 3));
  const auto put32 = [](Bytes& bytes, size_t at, uint32_t value) {
    for (int i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
  };
  // IHDR: width at 16, height at 20; the checksum at 29 covers the 17 bytes from 12.
  const auto crc = [](const Bytes& bytes) {
    uint32_t c = 0xffffffffu;
    for (size_t i = 12; i < 29; ++i) {
      c ^= static_cast<uint32_t>(bytes[i]);
      for (int k = 0; k < 8; ++k) c = (c >> 1) ^ (0xedb88320u & (0u - (c & 1)));
    }
    return ~c;
  };
  for (const auto& [width, height] : {std::pair<uint32_t, uint32_t>{30000, 30000},
                                      {16000, 16000},
                                      {0x7fffffff, 0x7fffffff},
                                      {0xffffffff, 1},
                                      {0, 8},
                                      {8, 0},
                                      {1, 0x10000001}}) {
    put32(png, 16, width);
    put32(png, 20, height);
    put32(png, 29, crc(png));
    EXPECT_NE(MessageOf([&] { DecodeImage(png, "huge.png"); }), "") << width;
    EXPECT_NE(MessageOf([&] { DecodeImage16(png, "huge.png"); }), "") << width;
  }
  Bytes jpeg = EncodeJpeg(ImageU8(8, 8, 3));
  for (size_t i = 0; i + 8 < jpeg.size(); ++i) {
    if (jpeg[i] != std::byte{0xff} || jpeg[i + 1] != std::byte{0xc0}) continue;
    for (size_t k = 5; k < 9; ++k) jpeg[i + k] = std::byte{0xf0};  // 61680 x 61680
    break;
  }
  EXPECT_NE(MessageOf([&] { DecodeImage(jpeg, "huge.jpg"); }).find("pixels"), std::string::npos);
}

std::vector<Bytes> Seeds() {
  RawPng palette{.width = 13, .height = 11, .color_type = SPNG_COLOR_TYPE_INDEXED, .bits = 4};
  palette.rows.assign(7 * 11, 0x21);
  palette.palette = {{0, 0, 0, 255}, {1, 2, 3, 4}, {9, 9, 9, 0}};
  palette.has_transparency = true;
  RawPng interlaced{.width = 12, .height = 9, .color_type = SPNG_COLOR_TYPE_TRUECOLOR, .interlaced = true};
  interlaced.rows.assign(12 * 9 * 3, 88);
  return {EncodePng(SmoothImage(20, 14, 3)),
          EncodePng16(RandomImage<uint16_t>(9, 9, 1, 3)),
          EncodeRaw(palette),
          EncodeRaw(interlaced),
          EncodeJpeg(SmoothImage(40, 24, 3), 80),
          EncodeJpeg(SmoothImage(33, 17, 1))};
}

// Cut anywhere, a file is an Error: half a picture must not be trained on.
TEST(Hostile, TruncatedAtAnyByteIsAnError) {
  for (const Bytes& whole : Seeds()) {
    const ImageU8 expected = DecodeImage(whole, "whole");
    for (size_t size = 0; size < whole.size(); ++size) {
      const std::span<const std::byte> cut(whole.data(), size);
      const Bytes copy(cut.begin(), cut.end());  // its own block, so that sanitizers see reads past the end
      bool equal = false;
      const std::string message = MessageOf([&] { equal = DecodeImage(copy, "cut").data == expected.data; });
      // The end mark alone may be damaged without harm to a pixel: its checksum in PNG, all of it in JPEG.
      ASSERT_TRUE(message != "" || (equal && size + 4 >= whole.size())) << size << " of " << whole.size();
    }
  }
}

TEST(Hostile, FlippedBitsNeverCrash) {
  Random random(11);
  int refused = 0;
  for (const Bytes& whole : Seeds()) {
    for (int trial = 0; trial < 400; ++trial) {
      Bytes damaged = whole;
      const int flips = 1 + static_cast<int>(random.Below(6));
      for (int i = 0; i < flips; ++i) {
        damaged[random.Below(static_cast<uint32_t>(damaged.size()))] ^=
            static_cast<std::byte>(1 << random.Below(8));
      }
      const auto decode = [&] {
        const ImageU8 image = DecodeImage(damaged, "damaged");
        SF_CHECK_EQ(image.data.size(), image.num_pixels() * image.channels);
      };
      const auto decode16 = [&] {
        const ImageU16 image = DecodeImage16(damaged, "damaged");
        SF_CHECK_EQ(image.data.size(), image.num_pixels());
      };
      refused += MessageOf(decode) != "";
      MessageOf(decode16);
    }
  }
  EXPECT_GT(refused, 200);  // checksums find nearly all of it in PNG
}

}  // namespace
}  // namespace semfield
