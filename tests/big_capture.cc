#include "big_capture.h"

#include <fmt/format.h>

#include <algorithm>

#include "semfield/base/json.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/capture/reader.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {
namespace {

constexpr int kQuality = 88;  // as cameras write: half the colour resolution
constexpr float kNoise = 12;  // of 255, peak

ImageU8 Enlarge(const ImageU8& small, int width, int height, int seed) {
  ImageU8 image = Resize(small, width, height);
  Random random(seed);
  for (uint8_t& value : image.data) {
    value = static_cast<uint8_t>(
        std::clamp(static_cast<float>(value) + random.Uniform(-kNoise, kNoise), 0.0f, 255.0f));
  }
  return image;
}

}  // namespace

void WriteBigCapture(const BigCaptureOptions& options, const std::filesystem::path& folder) {
  const std::filesystem::path small = folder / "small";
  WriteSynthetic(
      {.views = options.pictures, .width = options.width / 4, .height = options.height / 4, .noise = 0},
      small);
  const Capture room = ReadCapture(small);
  std::filesystem::create_directories(folder / "images");
  const auto name = [&](int frame) { return fmt::format("images/{:05}.jpg", frame); };
  ParallelFor(options.pictures, [&](int64_t k, int) {
    const int picture = static_cast<int>(k);
    WriteJpeg(folder / name(picture),
              Enlarge(ReadImage(room.views[picture].image), options.width, options.height, picture),
              kQuality);
  });
  const Camera camera = room.views[0].camera.Resized(options.width, options.height);
  Json json = {{"w", options.width}, {"h", options.height}, {"fl_x", camera.fx},
               {"fl_y", camera.fy},  {"cx", camera.cx},     {"cy", camera.cy}};
  const Vec3 &low = room.bounds.min, &high = room.bounds.max;
  json["aabb"] = {{low.x(), low.y(), low.z()}, {high.x(), high.y(), high.z()}};
  for (int frame = 0; frame < options.frames; ++frame) {
    const int picture = frame % options.pictures;
    if (frame >= options.pictures) {
      std::filesystem::create_hard_link(folder / name(picture), folder / name(frame));
    }
    const Mat4 pose = FlipOpenGlOpenCv(room.views[picture].world_from_camera).Matrix();
    Json matrix = Json::array();
    for (int r = 0; r < 4; ++r) matrix.push_back({pose(r, 0), pose(r, 1), pose(r, 2), pose(r, 3)});
    json["frames"].push_back({{"file_path", name(frame)}, {"transform_matrix", matrix}});
  }
  WriteJsonFile(folder / "transforms.json", json);
  std::filesystem::remove_all(small);
}

}  // namespace semfield
