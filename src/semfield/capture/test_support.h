#pragma once

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>
#include <vector>

#include "semfield/base/error.h"
#include "semfield/base/json.h"
#include "semfield/capture/reader.h"
#include "semfield/geometry/pose.h"
#include "semfield/image/codecs.h"

// What the tests of this room share: temporary folders and tiny captures.
namespace semfield::testing_support {

class TempFolder {
 public:
  explicit TempFolder(const std::string& name = "capture") {
    static int counter = 0;
    path_ = std::filesystem::temp_directory_path() /
            fmt::format("semfield-{}-{}-{}", name, static_cast<long>(getpid()), counter++);
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline Json MatrixJson(const Mat4& m) {
  Json rows = Json::array();
  for (int r = 0; r < 4; ++r) rows.push_back(Json::array({m(r, 0), m(r, 1), m(r, 2), m(r, 3)}));
  return rows;
}

// Pose i of n on a circle of radius 4 around the origin, looking at it; OpenCV axes.
inline Pose CirclePose(int i, int n) {
  const double angle = 2 * std::numbers::pi * i / n;
  return LookAt(Vec3(4 * std::cos(angle), 4 * std::sin(angle), 1.5), Vec3::Zero(), Vec3::UnitZ());
}

// A transforms.json of n frames "images/NNN.png" on a circle, and its images in one plain colour.
inline Json CircleJson(int n, int width = 16, int height = 12) {
  Json json;
  json["w"] = width;
  json["h"] = height;
  json["fl_x"] = 20.0;
  json["frames"] = Json::array();
  for (int i = 0; i < n; ++i) {
    Json frame;
    frame["file_path"] = fmt::format("images/{:03}.png", i);
    frame["transform_matrix"] = MatrixJson(FlipOpenGlOpenCv(CirclePose(i, n)).Matrix());
    json["frames"].push_back(frame);
  }
  return json;
}

inline void WriteImages(const std::filesystem::path& folder, int n, int width = 16, int height = 12,
                        int channels = 3) {
  for (int i = 0; i < n; ++i) {
    WritePng(folder / fmt::format("images/{:03}.png", i),
             ImageU8(width, height, channels, static_cast<uint8_t>(10 * i % 250)));
  }
}

// Without the fsync of the atomic writers, which is slow where a test writes hundreds of files.
inline void WriteBytes(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

// One plain PNG of that size under every name.
inline void WritePlainImages(const std::vector<std::filesystem::path>& files, int width, int height) {
  const std::vector<std::byte> png = EncodePng(ImageU8(width, height, 3, 50));
  for (const auto& file : files) WriteBytes(file, {reinterpret_cast<const char*>(png.data()), png.size()});
}

// The message of the Error that reading throws; empty when it does not throw.
inline std::string ReadError(const std::filesystem::path& path) {
  try {
    ReadCapture(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline bool Mentions(const std::vector<std::string>& texts, const std::string& part) {
  for (const std::string& text : texts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace semfield::testing_support
