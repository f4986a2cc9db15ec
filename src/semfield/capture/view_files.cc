#include "semfield/capture/view_files.h"

#include <algorithm>
#include <cctype>
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

}  // namespace

bool IsFile(const fs::path& path) {
  std::error_code error;  // over-long or odd names are "not there", not a failure
  return fs::is_regular_file(path, error) && !error;
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

fs::path FindOtherCase(const fs::path& folder, const std::string& file_path) {
  const auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
  };
  const fs::path wanted = (folder / file_path).lexically_normal();
  const std::string name = lower(wanted.filename().string());
  std::error_code error;
  for (fs::directory_iterator entry(wanted.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    if (lower(entry->path().filename().string()) == name) return entry->path();
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
