#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "semfield/image/image.h"

namespace semfield {

// What a camera wrote into a photo about how it was taken. Numbers are 0 where the file does not say.
struct ExifData {
  int orientation = 1;    // 1..8 (Exif 2.32, tag 0x0112): how the stored pixels are to be turned for showing
  double focal_mm = 0;    // of the lens
  double focal_35mm = 0;  // of the lens that sees as much on 36 mm x 24 mm film
  double pixels_per_mm = 0;  // on the sensor, for pictures `pixel_width` wide
  int pixel_width = 0;
  std::string make, model;  // of the camera; printable characters only
};

// Reads the Exif segment (APP1) of a JPEG. Whatever is missing, damaged or out of any sensible range is left
// at its default: never throws for what the bytes hold. Other kinds of files hold nothing.
ExifData ReadExif(std::span<const std::byte> bytes);
// The same from a file's first bytes. An unreadable file holds nothing.
ExifData ReadExif(const std::filesystem::path& path);

// Focal length in pixels of an image of that size, or 0 when the photo does not say. The equivalent on film
// compares diagonals (CIPA DCG-001).
double FocalLengthPixels(const ExifData& exif, int width, int height);

// The pixels turned and mirrored so that the picture stands as it is meant to be shown; what has orientation
// 1 is returned as it is.
ImageU8 Upright(const ImageU8& image, int orientation);

}  // namespace semfield
