#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <mutex>
#include <numbers>

#include "semfield/base/error.h"
#include "semfield/base/json.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/image/codecs.h"
#include "semfield/image/srgb.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr double kDepthUnit = 0.001;
constexpr double kBoundsPadding = 0.05;  // fields fade at their border
constexpr const char* kPoseFiles[] = {"transforms.json", "transforms_train.json", "transforms_val.json",
                                      "transforms_test.json"};

// Where the files of one view go, relative to the capture.
struct ViewFiles {
  std::string image, depth, semantic, instance;
};

ViewFiles FilesOf(bool is_room, int index, int num_test) {
  if (is_room) {
    const std::string stem = fmt::format("{:03}.", index);
    return {"images/" + stem + "jpg", "depth/" + stem + "png", "semantic/" + stem + "png",
            "instance/" + stem + "png"};
  }
  const bool test = index < num_test;
  const std::string stem =
      fmt::format("{}/r_{}.png", test ? "test" : "train", test ? index : index - num_test);
  return {stem, "depth/" + stem, "semantic/" + stem, "instance/" + stem};
}

double Gaussian(Random& random) {
  const double u = std::max(static_cast<double>(random.Uniform()), 1e-9);
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * static_cast<double>(random.Uniform()));
}

// Four rays a pixel; alpha is the share that hits, the colour their mean.
ImageU8 RenderColors(const SyntheticScene& scene, const Camera& camera, const Pose& pose, bool alpha) {
  ImageU8 image(camera.width, camera.height, alpha ? 4 : 3);
  for (int y = 0; y < camera.height; ++y) {
    for (int x = 0; x < camera.width; ++x) {
      double sum[3] = {0, 0, 0};
      int hits = 0;
      for (int sample = 0; sample < 4; ++sample) {
        const Vec2 pixel(x + 0.25 + 0.5 * (sample & 1), y + 0.25 + 0.5 * (sample >> 1));
        const SyntheticHit hit = scene.Trace(MakeRay(camera, pose, pixel));
        if (!hit.hit) continue;
        ++hits;
        for (int c = 0; c < 3; ++c) sum[c] += hit.rgb[c];
      }
      for (int c = 0; c < 3 && hits > 0; ++c) {
        image.At(x, y, c) = static_cast<uint8_t>(std::lround(255 * sum[c] / hits));
      }
      if (alpha) image.At(x, y, 3) = static_cast<uint8_t>(std::lround(255 * hits / 4.0));
    }
  }
  return image;
}

void AddNoise(double deviation, Random random, ImageU8* image) {
  for (size_t p = 0; p < image->num_pixels(); ++p) {
    for (int c = 0; c < 3; ++c) {
      uint8_t& value = image->data[p * image->channels + c];
      value = static_cast<uint8_t>(std::lround(std::clamp(value + deviation * Gaussian(random), 0.0, 255.0)));
    }
  }
}

// What a camera would have written with `stops` more light.
void Expose(double stops, ImageU8* image) {
  uint8_t shown[256];
  for (int value = 0; value < 256; ++value) {
    const double light = LinearFromSrgb(value / 255.0) * std::exp2(stops);
    shown[value] = static_cast<uint8_t>(std::lround(255 * SrgbFromLinear(std::min(light, 1.0))));
  }
  for (size_t p = 0; p < image->num_pixels(); ++p) {
    for (int c = 0; c < 3; ++c) {
      uint8_t& value = image->data[p * image->channels + c];
      value = shown[value];
    }
  }
}

void WriteLabelMaps(const SyntheticScene& scene, const Camera& camera, const Pose& pose,
                    const fs::path& folder, const ViewFiles& files) {
  ImageU16 depth(camera.width, camera.height, 1);
  ImageU8 semantic(camera.width, camera.height, 1, 255), instance(camera.width, camera.height, 1);
  for (int y = 0; y < camera.height; ++y) {
    for (int x = 0; x < camera.width; ++x) {
      const Ray ray = MakeRay(camera, pose, Vec2(x + 0.5, y + 0.5));
      const SyntheticHit hit = scene.Trace(ray);
      if (!hit.hit) continue;
      const double steps = hit.distance * ray.z_scale / kDepthUnit;
      depth.At(x, y) = static_cast<uint16_t>(std::clamp(std::lround(steps), 1L, 65534L));
      semantic.At(x, y) = static_cast<uint8_t>(hit.class_id);
      instance.At(x, y) = static_cast<uint8_t>(hit.instance);
    }
  }
  WritePng16(folder / files.depth, depth);
  WritePng(folder / files.semantic, semantic);
  WritePng(folder / files.instance, instance);
}

Json Vec3Json(const Vec3& v) {
  return Json::array({v.x(), v.y(), v.z()});
}

Json PoseFileJson(const SyntheticScene& scene, const Camera& camera, double padding) {
  Json json;
  json["camera_model"] = "PINHOLE";
  json["w"] = camera.width;
  json["h"] = camera.height;
  json["fl_x"] = camera.fx;
  json["fl_y"] = camera.fy;
  json["cx"] = camera.cx;
  json["cy"] = camera.cy;
  json["camera_angle_x"] = 2 * std::atan(0.5 * camera.width / camera.fx);
  json["depth_unit_m"] = kDepthUnit;
  const Box3 box = scene.Bounds();
  json["aabb"] =
      Json::array({Vec3Json(box.min - Vec3::Constant(padding)), Vec3Json(box.max + Vec3::Constant(padding))});
  json["frames"] = Json::array();
  return json;
}

Json FrameJson(const ViewFiles& files, const Pose& pose) {
  const Mat4 matrix = FlipOpenGlOpenCv(pose).Matrix();
  Json rows = Json::array();
  for (int r = 0; r < 4; ++r)
    rows.push_back(Json::array({matrix(r, 0), matrix(r, 1), matrix(r, 2), matrix(r, 3)}));
  Json frame;
  frame["file_path"] = files.image;
  frame["depth_path"] = files.depth;
  frame["semantic_path"] = files.semantic;
  frame["instance_path"] = files.instance;
  frame["transform_matrix"] = std::move(rows);
  return frame;
}

Json LabelsJson(const SyntheticScene& scene) {
  Json json;
  json["classes"] = scene.class_names();
  json["instances"] = Json::object();
  for (const auto& [id, label] : scene.instances()) {
    Json entry;
    entry["name"] = label.name;
    entry["class"] = label.class_name;
    entry["class_id"] = label.class_id;
    json["instances"][std::to_string(id)] = std::move(entry);
  }
  return json;
}

Vec3 RandomDirection(Random& random) {
  for (;;) {
    Vec3 direction;
    for (int k = 0; k < 3; ++k) direction[k] = random.Uniform(-1, 1);
    if (const double norm = direction.norm(); norm > 0.1 && norm < 1) return direction / norm;
  }
}

// The pose as it is written: off by what the options ask for. Held-out views stay true, so that they can
// judge.
Pose WrittenPose(const SyntheticOptions& options, int index, bool held_out, const Pose& pose) {
  if (held_out) return pose;
  Random random(static_cast<uint64_t>(options.seed), 100000 + static_cast<uint64_t>(index));
  const Eigen::AngleAxisd turn(options.pose_error_degrees * std::numbers::pi / 180, RandomDirection(random));
  return {turn.toRotationMatrix() * pose.rotation,
          pose.translation + options.pose_error_shift * RandomDirection(random)};
}

// Stops by which the photos are exposed wrongly, zero for held-out views: [views].
std::vector<double> ExposureErrors(const SyntheticOptions& options, const std::vector<bool>& held_out) {
  std::vector<double> stops(held_out.size(), 0.0);
  double sum = 0, least = 0, most = 0;
  int count = 0;
  Random random(static_cast<uint64_t>(options.seed), 200000);
  for (size_t i = 0; i < stops.size(); ++i) {
    if (held_out[i]) continue;
    stops[i] = random.Uniform(-1, 1);
    sum += stops[i];
    ++count;
  }
  if (count == 0) return stops;
  for (size_t i = 0; i < stops.size(); ++i) {
    if (!held_out[i]) stops[i] -= sum / count;
    least = std::min(least, stops[i]);
    most = std::max(most, stops[i]);
  }
  for (double& value : stops) value *= options.exposure_error_stops / std::max({-least, most, 1e-9});
  return stops;
}

void PrepareFolder(const fs::path& folder, bool overwrite) {
  std::error_code error;
  for (const char* name : kPoseFiles) {
    if (!fs::exists(folder / name, error)) continue;
    if (!overwrite) {
      throw InputError("{}: exists. The folder holds a capture already: choose another or allow overwriting.",
                       (folder / name).string());
    }
    fs::remove(folder / name,
               error);  // written last, so that a capture cut short is not taken for a whole one
  }
}

}  // namespace

void WriteSynthetic(const SyntheticOptions& options, const fs::path& folder, bool overwrite,
                    const JobControl& control) {
  const SyntheticScene scene(options);
  PrepareFolder(folder, overwrite);
  const std::vector<std::pair<Camera, Pose>> cameras = scene.Cameras();
  const bool is_room = options.scene == "room";
  const int count = static_cast<int>(cameras.size());
  const int num_test = is_room ? 0 : (count + kSyntheticHeldOutEvery - 1) / kSyntheticHeldOutEvery;
  std::vector<bool> held_out(count);
  for (int i = 0; i < count; ++i) held_out[i] = is_room ? i % kSyntheticHeldOutEvery == 0 : i < num_test;
  const std::vector<double> stops = ExposureErrors(options, held_out);
  std::mutex reporting;
  int done = 0;
  ParallelFor(count, [&](int64_t i, int) {
    control.ThrowIfStopped();
    const auto& [camera, pose] = cameras[i];
    const ViewFiles files = FilesOf(is_room, static_cast<int>(i), num_test);
    ImageU8 image = RenderColors(scene, camera, pose, !is_room);
    if (stops[i] != 0) Expose(stops[i], &image);
    if (options.noise > 0) {
      AddNoise(options.noise, Random(static_cast<uint64_t>(options.seed), 1000 + static_cast<uint64_t>(i)),
               &image);
    }
    if (is_room) {
      WriteJpeg(folder / files.image, image, 95);
    } else {
      WritePng(folder / files.image, image);
    }
    WriteLabelMaps(scene, camera, pose, folder, files);
    const std::lock_guard<std::mutex> lock(reporting);
    control.Report({.stage = "synth",
                    .done = static_cast<double>(++done),
                    .total = static_cast<double>(count),
                    .detail = files.image});
  });
  control.ThrowIfStopped();
  WriteJsonFile(folder / "labels.json", LabelsJson(scene));
  Json train = PoseFileJson(scene, cameras.front().first, kBoundsPadding), test = train;
  for (int i = 0; i < count; ++i) {
    (i < num_test ? test : train)["frames"].push_back(
        FrameJson(FilesOf(is_room, i, num_test), WrittenPose(options, i, held_out[i], cameras[i].second)));
  }
  if (!is_room) WriteJsonFile(folder / "transforms_test.json", test);
  WriteJsonFile(folder / (is_room ? "transforms.json" : "transforms_train.json"), train);
}

}  // namespace semfield
