#include "semfield/image/codecs.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string_view>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/image/codecs_internal.h"
#include "semfield/image/rgba.h"

namespace semfield {
namespace internal {

void CheckImageSize(int64_t width, int64_t height, double min_bytes, size_t bytes, const std::string& where) {
  if (width <= 0 || height <= 0)
    throw InputError("{}: the image is empty ({} x {} pixels)", where, width, height);
  if (width > kMaxPixels || height > kMaxPixels || width * height > kMaxPixels) {
    throw InputError("{}: {} x {} pixels, more than the {} that are read; shrink the image first", where,
                     width, height, kMaxPixels);
  }
  if (min_bytes > static_cast<double>(bytes)) {
    throw InputError("{}: {} bytes cannot hold {} x {} pixels; the file is truncated or damaged{}", where,
                     bytes, width, height, kWhatToDo);
  }
}

}  // namespace internal

namespace {

bool StartsWith(std::span<const std::byte> bytes, size_t offset, std::string_view prefix) {
  return bytes.size() >= offset + prefix.size() &&
         std::memcmp(bytes.data() + offset, prefix.data(), prefix.size()) == 0;
}

[[noreturn]] void ThrowUnsupported(const std::string& format, const std::string& where) {
  if (format == "heic") {
    const std::filesystem::path path(where);
    throw InputError("{}: HEIC images are not read; convert to JPEG, e.g. `heif-convert {} {}`", where,
                     path.filename().string(), path.filename().replace_extension(".jpg").string());
  }
  if (format == "unknown") {
    throw InputError(
        "{}: not an image that can be read: expected JPEG or PNG; the file is damaged or of another kind{}",
        where, internal::kWhatToDo);
  }
  throw InputError("{}: {} images are not read: expected JPEG or PNG; convert it first", where, format);
}

void CheckNotEmpty(std::span<const std::byte> bytes, const std::string& where) {
  if (bytes.empty()) throw InputError("{}: the file is empty; expected a JPEG or PNG image", where);
}

ImageInfo InfoOf(std::span<const std::byte> bytes, const std::string& where) {
  CheckNotEmpty(bytes, where);
  const std::string format = SniffImageFormat(bytes);
  if (format == "jpeg") return internal::JpegInfo(bytes, where);
  if (format == "png") return internal::PngInfo(bytes, where);
  ThrowUnsupported(format, where);
}

std::vector<std::byte> ReadPrefix(const std::filesystem::path& path, size_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> bytes(max_bytes);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(max_bytes));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(0, file.gcount())));
  return bytes;
}

}  // namespace

std::string SniffImageFormat(std::span<const std::byte> bytes) {
  using std::string_view_literals::operator""sv;
  if (StartsWith(bytes, 0, "\xff\xd8\xff"sv)) return "jpeg";
  if (StartsWith(bytes, 0, "\x89PNG\r\n\x1a\n"sv)) return "png";
  if (StartsWith(bytes, 4, "ftyp"sv)) {
    for (const std::string_view brand : {"avif"sv, "avis"sv}) {
      if (StartsWith(bytes, 8, brand)) return "avif";
    }
    for (const std::string_view brand :
         {"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "hevx"sv, "mif1"sv, "msf1"sv}) {
      if (StartsWith(bytes, 8, brand)) return "heic";
    }
  }
  if (StartsWith(bytes, 0, "RIFF"sv) && StartsWith(bytes, 8, "WEBP"sv)) return "webp";
  if (StartsWith(bytes, 0, "GIF8"sv)) return "gif";
  if (StartsWith(bytes, 0, "\x76\x2f\x31\x01"sv)) return "exr";
  if (StartsWith(bytes, 0, "II*\0"sv) || StartsWith(bytes, 0, "MM\0*"sv)) return "tiff";
  if (StartsWith(bytes, 0, "BM"sv)) return "bmp";
  return "unknown";
}

ImageInfo ReadImageInfo(const std::filesystem::path& path) {
  // Headers may carry thumbnails and colour profiles before the size, so the prefix grows until it is enough.
  std::error_code ignored;
  const auto size = std::filesystem::file_size(path, ignored);
  if (!ignored) {
    for (const size_t prefix : {size_t{1} << 16, size_t{1} << 21}) {
      if (size <= prefix) break;
      try {
        return InfoOf(ReadPrefix(path, prefix), path.string());
      } catch (const Error&) {
      }
    }
  }
  return InfoOf(ReadFile(path), path.string());
}

ImageU8 DecodeImage(std::span<const std::byte> bytes, const std::string& where) {
  CheckNotEmpty(bytes, where);
  const std::string format = SniffImageFormat(bytes);
  if (format == "jpeg") return internal::DecodeJpeg(bytes, where);
  if (format == "png") return internal::DecodePng(bytes, where);
  ThrowUnsupported(format, where);
}

ImageU16 DecodeImage16(std::span<const std::byte> bytes, const std::string& where) {
  CheckNotEmpty(bytes, where);
  const std::string format = SniffImageFormat(bytes);
  if (format == "png") return internal::DecodePng16(bytes, where);
  if (format != "jpeg") ThrowUnsupported(format, where);
  const ImageU8 image = internal::DecodeJpeg(bytes, where);
  if (image.channels != 1) {
    throw InputError("{}: expected one channel (labels or depth), got {}", where, image.channels);
  }
  ImageU16 wide = internal::AllocateImage<uint16_t>(image.width, image.height, 1, where);
  std::copy(image.data.begin(), image.data.end(), wide.data.begin());
  return wide;
}

bool HasTransparency(const std::filesystem::path& path, int opaque) {
  const std::vector<std::byte> bytes = ReadFile(path);
  CheckNotEmpty(bytes, path.string());
  return SniffImageFormat(bytes) == "png" && internal::PngHasTransparency(bytes, opaque, path.string());
}

ImageU8 ReadImage(const std::filesystem::path& path) {
  return DecodeImage(ReadFile(path), path.string());
}
ImageU16 ReadImage16(const std::filesystem::path& path) {
  return DecodeImage16(ReadFile(path), path.string());
}

void WritePng(const std::filesystem::path& path, const ImageU8& image) {
  WriteFileAtomically(path, EncodePng(image));
}
void WritePng16(const std::filesystem::path& path, const ImageU16& image) {
  WriteFileAtomically(path, EncodePng16(image));
}
void WriteJpeg(const std::filesystem::path& path, const ImageU8& image, int quality) {
  WriteFileAtomically(path, EncodeJpeg(image, quality));
}
void WriteExr(const std::filesystem::path& path, const ImageF& image) {
  WriteFileAtomically(path, EncodeExr(image));
}

}  // namespace semfield
