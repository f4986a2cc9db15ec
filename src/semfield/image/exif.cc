#include "semfield/image/exif.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <vector>

#include "semfield/base/check.h"

namespace semfield {
namespace {

constexpr size_t kFilePrefix = 512 << 10;  // segments before the picture, with room for thumbnails
constexpr int kMostEntries = 512;          // of one directory
constexpr size_t kLongestText = 64;
constexpr double kFilmDiagonal = 43.2666;  // mm

enum Tag : uint16_t {
  kMake = 0x010f,
  kModel = 0x0110,
  kOrientation = 0x0112,
  kExifDirectory = 0x8769,
  kFocalLength = 0x920a,
  kPixelWidth = 0xa002,
  kFocalPlaneXResolution = 0xa20e,
  kFocalPlaneUnit = 0xa210,
  kFocalLength35mm = 0xa405,
};
enum Type : uint16_t { kAscii = 2, kShort = 3, kLong = 4, kRational = 5 };

// The TIFF structure inside the segment: offsets count from its start, and every read is checked against its
// end.
class Tiff {
 public:
  explicit Tiff(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // Offset of the first directory.
  std::optional<uint32_t> Start() {
    if (bytes_.size() < 8) return std::nullopt;
    if (std::memcmp(bytes_.data(), "II*\0", 4) == 0) {
      big_endian_ = false;
    } else if (std::memcmp(bytes_.data(), "MM\0*", 4) == 0) {
      big_endian_ = true;
    } else {
      return std::nullopt;
    }
    return U32(4);
  }

  std::optional<uint32_t> U16(size_t at) const { return Number(at, 2); }
  std::optional<uint32_t> U32(size_t at) const { return Number(at, 4); }

  // An entry's value: SHORT, LONG or RATIONAL, the first if there are several.
  std::optional<double> Value(size_t entry) const {
    const auto type = U16(entry + 2), count = U32(entry + 4);
    if (!type || !count || *count < 1) return std::nullopt;
    std::optional<uint32_t> whole;
    if (*type == kShort) whole = U16(entry + 8);
    if (*type == kLong) whole = U32(entry + 8);
    if (whole) return *whole;
    if (*type != kRational) return std::nullopt;
    const auto at = U32(entry + 8);
    if (!at) return std::nullopt;
    const auto numerator = U32(*at), denominator = U32(size_t{*at} + 4);
    if (!numerator || !denominator || *denominator == 0) return std::nullopt;
    return static_cast<double>(*numerator) / *denominator;
  }

  std::string Text(size_t entry) const {
    const auto type = U16(entry + 2), count = U32(entry + 4), offset = U32(entry + 8);
    if (!type || *type != kAscii || !count || !offset) return {};
    const size_t at = *count <= 4 ? entry + 8 : *offset;
    std::string text;
    for (size_t i = 0; i < *count && i < kLongestText && at + i < bytes_.size(); ++i) {
      const auto c = static_cast<unsigned char>(bytes_[at + i]);
      if (c == 0) break;
      text += c >= 32 && c < 127 ? static_cast<char>(c) : '?';
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
  }

 private:
  std::optional<uint32_t> Number(size_t at, size_t size) const {
    if (at > bytes_.size() || bytes_.size() - at < size) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value = value << 8 | static_cast<uint32_t>(bytes_[at + (big_endian_ ? i : size - 1 - i)]);
    }
    return value;
  }

  std::span<const std::byte> bytes_;
  bool big_endian_ = false;
};

// Sensible or nothing: what is absurd came from a damaged or hostile file.
double Within(std::optional<double> value, double least, double most) {
  return value && *value >= least && *value <= most ? *value : 0;
}

class Parser {
 public:
  explicit Parser(std::span<const std::byte> bytes) : tiff_(bytes) {}

  ExifData Parse() {
    const auto start = tiff_.Start();
    if (!start) return {};
    ReadDirectory(*start);
    // A directory inside is read once and never leads further: there are no cycles to run in.
    if (const uint32_t inner = inner_; inner != 0) ReadDirectory(inner);
    const double unit_mm = plane_unit_ == 3 ? 10 : plane_unit_ == 4 ? 1 : plane_unit_ == 5 ? 0.001 : 25.4;
    data_.pixels_per_mm = Within(plane_resolution_ / unit_mm, 10, 10000);
    return data_;
  }

 private:
  void ReadDirectory(size_t at) {
    const auto count = tiff_.U16(at);
    if (!count) return;
    for (size_t i = 0; i < *count && i < kMostEntries; ++i) {
      const size_t entry = at + 2 + 12 * i;
      const auto tag = tiff_.U16(entry);
      if (!tag) return;
      ReadEntry(*tag, entry);
    }
  }

  void ReadEntry(uint32_t tag, size_t entry) {
    const auto whole = [&](double least, double most) {
      return static_cast<int>(Within(tiff_.Value(entry), least, most));
    };
    switch (tag) {
      case kMake:
        data_.make = tiff_.Text(entry);
        break;
      case kModel:
        data_.model = tiff_.Text(entry);
        break;
      case kOrientation:
        data_.orientation = std::max(1, whole(1, 8));
        break;
      case kExifDirectory:
        if (tiff_.U16(entry + 2) == uint32_t{kLong}) inner_ = tiff_.U32(entry + 8).value_or(0);
        break;
      case kFocalLength:
        data_.focal_mm = Within(tiff_.Value(entry), 0.1, 5000);
        break;
      case kFocalLength35mm:
        data_.focal_35mm = Within(tiff_.Value(entry), 1, 5000);
        break;
      case kPixelWidth:
        data_.pixel_width = whole(1, 1 << 20);
        break;
      case kFocalPlaneXResolution:
        plane_resolution_ = Within(tiff_.Value(entry), 1e-3, 1e9);
        break;
      case kFocalPlaneUnit:
        plane_unit_ = whole(1, 5);
        break;
      default:
        break;
    }
  }

  Tiff tiff_;
  ExifData data_;
  uint32_t inner_ = 0;
  double plane_resolution_ = 0;
  int plane_unit_ = 2;
};

// The TIFF structure of the first Exif segment; empty when there is none.
std::span<const std::byte> FindExif(std::span<const std::byte> bytes) {
  const auto at = [&](size_t i) { return static_cast<unsigned>(bytes[i]); };
  if (bytes.size() < 4 || at(0) != 0xff || at(1) != 0xd8) return {};
  size_t i = 2;
  while (i + 4 <= bytes.size() && at(i) == 0xff) {
    const unsigned marker = at(i + 1);
    if (marker == 0xff) {  // padding
      ++i;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) return {};  // the picture begins: no segment follows
    const size_t length = at(i + 2) << 8 | at(i + 3);
    if (length < 2 || bytes.size() - i - 2 < length) return {};
    const std::span<const std::byte> payload = bytes.subspan(i + 4, length - 2);
    if (marker == 0xe1 && payload.size() > 6 && std::memcmp(payload.data(), "Exif\0\0", 6) == 0) {
      return payload.subspan(6);
    }
    i += 2 + length;
  }
  return {};
}

}  // namespace

ExifData ReadExif(std::span<const std::byte> bytes) {
  return Parser(FindExif(bytes)).Parse();
}

ExifData ReadExif(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> bytes(kFilePrefix);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(0, file.gcount())));
  return ReadExif(bytes);
}

double FocalLengthPixels(const ExifData& exif, int width, int height) {
  if (exif.focal_35mm > 0) return exif.focal_35mm / kFilmDiagonal * std::hypot(width, height);
  if (exif.focal_mm <= 0 || exif.pixels_per_mm <= 0) return 0;
  // Sizes are compared by the longer side: the photo may have been turned since.
  const double shrunk =
      exif.pixel_width > 0 ? std::max(width, height) / static_cast<double>(exif.pixel_width) : 1;
  return shrunk <= 1.01 ? exif.focal_mm * exif.pixels_per_mm * shrunk : 0;
}

ImageU8 Upright(const ImageU8& image, int orientation) {
  SF_CHECK(orientation >= 1 && orientation <= 8);
  if (orientation == 1) return image;
  // Exif 2.32, 4.6.4 A: which edges of the scene the first row and the first column are.
  const bool transposed = orientation >= 5;
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  ImageU8 upright(transposed ? image.height : image.width, transposed ? image.width : image.height,
                  image.channels);
  for (int y = 0; y < upright.height; ++y) {
    for (int x = 0; x < upright.width; ++x) {
      int from_x = transposed ? y : x, from_y = transposed ? x : y;
      if (flip_x) from_x = image.width - 1 - from_x;
      if (flip_y) from_y = image.height - 1 - from_y;
      for (int c = 0; c < image.channels; ++c) upright.At(x, y, c) = image.At(from_x, from_y, c);
    }
  }
  return upright;
}

}  // namespace semfield
