#include "semfield/capture/view_files.h"

#include <algorithm>
#include <cmath>
#include <exception>

#include "semfield/base/error.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Compares the digit runs at a[*i] and b[*j] as numbers and moves behind them.
int CompareNumbers(const std::string& a, size_t* i, const std::string& b, size_t* j) {
  const auto run = [](const std::string& s, size_t* at) {
    while (*at < s.size() && s[*at] == '0') ++*at;
    const size_t begin = *at;
    while (*at < s.size() && IsDigit(s[*at])) ++*at;
    return s.substr(begin, *at - begin);
  };
  const std::string number_a = run(a, i), number_b = run(b, j);
  if (number_a.size() != number_b.size()) return number_a.size() < number_b.size() ? -1 : 1;
  return number_a.compare(number_b);
}

// Bytes of the UTF-8 character that begins at text[at]; 0 when none does.
size_t Utf8Length(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xc2 && first < 0xe0   ? 2
                        : (first & 0xf0) == 0xe0        ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(at + 1);
  // Overlong forms, surrogates and what lies beyond U+10FFFF.
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return length;
}

}  // namespace

bool IsFile(const fs::path& path) {
  std::error_code error;  // over-long or odd names are "not there", not a failure
  return fs::is_regular_file(path, error) && !error;
}

bool IsUtf8(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = Utf8Length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string PrintableText(const std::string& text) {
  constexpr size_t kLongest = 120;
  std::string shown;
  for (size_t at = 0; at < text.size();) {
    if (shown.size() >= kLongest) return shown + "...";
    const size_t length = Utf8Length(text, at);
    if (length == 0 || static_cast<unsigned char>(text[at]) < 32 || text[at] == 127) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at++]));
      continue;
    }
    shown += text.substr(at, length);
    at += length;
  }
  return shown;
}

bool NaturalLess(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (IsDigit(a[i]) && IsDigit(b[j])) {
      const int order = CompareNumbers(a, &i, b, &j);
      if (order != 0) return order < 0;
    } else if (a[i] != b[j]) {
      return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    } else {
      ++i;
      ++j;
    }
  }
  if ((i < a.size()) != (j < b.size())) return j < b.size();
  return a < b;  // "01" and "1" are the same numbers: still a total order
}

fs::path FindImageFile(const fs::path& folder, const std::string& file_path) {
  std::string turned = file_path;
  std::replace(turned.begin(), turned.end(), '\\', '/');
  for (const std::string& text : {file_path, turned}) {
    const fs::path base = (folder / text).lexically_normal();
    if (IsFile(base)) return base;
    for (const char* extension : {".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG"}) {
      const fs::path candidate = base.string() + extension;
      if (IsFile(candidate)) return candidate;
    }
    fs::path once = base;
    once.replace_extension();
    if (once.extension() == base.extension() && !base.extension().empty() && IsFile(once)) return once;
  }
  return {};
}

std::string ViewName(const fs::path& folder, const fs::path& file) {
  return file.lexically_normal().lexically_relative(folder.lexically_normal()).generic_string();
}

std::vector<ImageInfo> ReadImageInfos(const std::vector<fs::path>& files) {
  std::vector<ImageInfo> infos(files.size());
  std::vector<std::exception_ptr> failures(files.size());
  ParallelFor(static_cast<int64_t>(files.size()), [&](int64_t i, int) {
    try {
      if (!files[i].empty()) infos[i] = ReadImageInfo(files[i]);
    } catch (...) {
      failures[i] = std::current_exception();
    }
  });
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return infos;
}

bool SameAspect(int width_a, int height_a, int width_b, int height_b) {
  const double scale_x = static_cast<double>(width_b) / width_a;
  const double scale_y = static_cast<double>(height_b) / height_a;
  if (std::abs(scale_x / scale_y - 1) <= 0.005) return true;
  return std::abs(width_a * scale_y - width_b) <= 1 || std::abs(height_a * scale_x - height_b) <= 1;
}

Camera FitCameraToImage(const Camera& camera, int width, int height, const std::string& where,
                        bool* resized) {
  const bool differs = camera.width != width || camera.height != height;
  if (resized != nullptr) *resized = differs;
  if (!differs) return camera;
  if (!SameAspect(camera.width, camera.height, width, height)) {
    const bool turned = SameAspect(camera.height, camera.width, width, height);
    throw InputError(
        "{}: the camera is {}x{} but the image is {}x{}, which is no scaling of it. {}", where, camera.width,
        camera.height, width, height,
        turned ? "The image looks turned by 90 degrees: apply its EXIF orientation or export it upright."
               : "Use the images the poses were made from, uncropped.");
  }
  return camera.Resized(width, height);
}

}  // namespace semfield
