#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "semfield/base/half.h"
#include "semfield/field/object_features.h"
#include "semfield/perception/object_teacher.h"

namespace semfield {

// A map of features over a picture, of which only tokens that are not 0 are kept, in half precision.
struct SparseFeatures {
  int channels = 0, width = 0, height = 0;  // tokens
  std::vector<int32_t> tokens;              // row-major indices, increasing
  std::vector<Half> values;                 // [tokens, channels]

  static SparseFeatures Of(const FeatureMap& map);
};

// An object of which no more is known than features over its one picture: between the four nearest tokens,
// and of places wherever the picture shows them, be it what hides them.
class SeenPicture final : public SeenObject {
 public:
  // The map lies over the left upper covered_width x covered_height pixels of the picture's camera.
  SeenPicture(SparseFeatures features, const Camera& camera, const Pose& world_from_camera,
              double covered_width, double covered_height);

  FeatureMap Render(const Camera& camera, const Pose& world_from_camera, int width, int height,
                    const StopToken* stop) const override;
  void At(std::span<const Vec3> places, std::span<float> features, const StopToken* stop) const override;

 private:
  // Adds nothing where no token is near. out: [channels], 0 before.
  void Sample(const Vec2& pixel, float* out) const;

  const SparseFeatures features_;
  const Camera camera_;
  const Pose world_from_camera_;
  const double tokens_per_pixel_x_, tokens_per_pixel_y_;
  std::vector<int32_t> row_of_token_;  // [height, width] into features_.values, -1: none
};

struct TeacherFeaturesOptions {
  ObjectTeacherOptions teacher;
  std::filesystem::path folder;  // where what it says is kept, a file a picture; empty: nowhere
};

// The teacher of objects asked about each picture itself: what features that were distilled from it are
// measured against. Other cameras than the picture's it does not know.
class TeacherFeatures final : public ObjectFeatures {
 public:
  // As ObjectTeacher.
  explicit TeacherFeatures(const TeacherFeaturesOptions& options);

  std::string name() const override { return "teacher"; }
  int channels() const override { return channels_; }
  bool sees_other_cameras() const override { return false; }
  // Files that belong to another picture or teacher, or are damaged, are made again; disk full:
  // ErrorKind::kResource.
  std::unique_ptr<SeenObject> See(ObjectPicture picture, const StopToken* stop) const override;

 private:
  SparseFeatures Look(const ImageU8& rgba, const StopToken* stop) const;

  mutable std::mutex mutex_;  // of the teacher
  mutable ObjectTeacher teacher_;
  const std::filesystem::path folder_;
  int channels_ = 0;
};

// Features of pictures that another program made (DINO's, a diffusion model's): files FOLDER/<name of the
// picture>.safetensors with one tensor "features" of float32 or float16, [channels, height, width] over the
// whole picture.
class FileFeatures final : public ObjectFeatures {
 public:
  // The folder holds no file: InputError.
  explicit FileFeatures(const std::filesystem::path& folder);

  std::string name() const override { return folder_.filename().string(); }
  int channels() const override { return channels_; }
  bool sees_other_cameras() const override { return false; }
  // A picture without a name, or whose file is missing or of another width: InputError naming the file.
  // Tokens where the picture has no alpha are 0.
  std::unique_ptr<SeenObject> See(ObjectPicture picture, const StopToken* stop) const override;

 private:
  const std::filesystem::path folder_;
  int channels_ = 0;
};

}  // namespace semfield
