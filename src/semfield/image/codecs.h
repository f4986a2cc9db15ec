#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "semfield/image/image.h"

namespace semfield {

// What a file is by its first bytes, for messages: "jpeg", "png", "heic", "avif", "webp", "gif", "exr",
// "tiff", "bmp", "unknown". Names of files are never looked at.
std::string SniffImageFormat(std::span<const std::byte> bytes);

struct ImageInfo {
  int width = 0, height = 0;
  int channels = 0;  // what ReadImage gives
  int bits = 8;      // a sample of the file: 1, 2, 4, 8 or 16
};

// Reads only the header. Unknown or damaged: Error naming the file (HEIC gets advice how to convert).
ImageInfo ReadImageInfo(const std::filesystem::path& path);

// Decodes JPEG or PNG to 8 bit with the file's own channel count (16 -> 8 bit by v / 257, rounded), except
// that grey + alpha, palettes and transparent colours become RGB or RGBA. Truncated, damaged, CMYK or over
// 2^28 pixels: Error naming the file. No sRGB handling, and EXIF orientation is ignored on purpose: camera
// poses belong to the pixels as they are stored (image/exif.h has what photos without poses need).
ImageU8 ReadImage(const std::filesystem::path& path);
// Single-channel 16-bit values (depth maps, ids); a file of fewer bits is widened without scaling. A palette
// file gives its indices. A file with colour or alpha: Error.
ImageU16 ReadImage16(const std::filesystem::path& path);
// The same from memory; `where` names the source in errors.
ImageU8 DecodeImage(std::span<const std::byte> bytes, const std::string& where);
ImageU16 DecodeImage16(std::span<const std::byte> bytes, const std::string& where);

// Writers are atomic (base/atomic_file.h). 1, 3 or 4 channels; JPEG 1 or 3.
void WritePng(const std::filesystem::path& path, const ImageU8& image);
void WritePng16(const std::filesystem::path& path, const ImageU16& image);
void WriteJpeg(const std::filesystem::path& path, const ImageU8& image, int quality = 92);
// 32-bit float samples, channels Y, RGB or RGBA.
void WriteExr(const std::filesystem::path& path, const ImageF& image);
std::vector<std::byte> EncodePng(const ImageU8& image);
std::vector<std::byte> EncodePng16(const ImageU16& image);
std::vector<std::byte> EncodeJpeg(const ImageU8& image, int quality = 92);
std::vector<std::byte> EncodeExr(const ImageF& image);

}  // namespace semfield
