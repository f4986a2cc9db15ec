#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/image/image.h"
#include "semfield/perception/classifier.h"
#include "semfield/perception/feature_map.h"
#include "semfield/perception/image_encoder.h"

namespace semfield {

struct ObjectTeacherOptions {
  // Model cards of kind "classifier" or "sam", joined by "+".
  std::string models = "imagenet+sam";
  int threads = 0;          // as EncoderOptions
  std::string onnxruntime;  // as EncoderOptions
};

// What trained networks see of pictures of objects: stages of a classifier (strides 8, 16 and 32 of 512
// pixels a side) and of an image encoder (its card's "stage4", else its final map), each of unit length at
// every place, joined. This is what FeatureNeRF's features are distilled from (its section 3.2, with other
// networks). One call at a time.
class ObjectTeacher {
 public:
  static constexpr int kGrid = 64;  // tokens a side of a map

  // No such model, or one of another kind: InputError; files or a runtime that are missing: as
  // LoadImageEncoder.
  explicit ObjectTeacher(const ObjectTeacherOptions& options = {});

  // Names the models by the hashes of their files: what they said of a picture holds as long as this does.
  const std::string& key() const { return key_; }
  // RGBA, straight alpha, any size; a picture that is not square is seen with nothing at its bottom or its
  // right. [channels, kGrid, kGrid] over that square, 0 at tokens without any alpha, of length sqrt(stages)
  // at the others. Without alpha channel, or transparent everywhere: InputError. Asked to stop:
  // InterruptedError.
  FeatureMap Look(const ImageU8& rgba, const StopToken* stop = nullptr);

 private:
  struct Network {
    std::unique_ptr<Classifier> classifier;  // or
    std::unique_ptr<ImageEncoder> encoder;
    bool has_stages = false;  // of the encoder
  };
  std::vector<FeatureMap> Ask(Network* network, const ImageU8& rgb, const StopToken* stop);

  std::vector<Network> networks_;
  std::string key_;
};

// The whole picture with nothing at its bottom or its right, so that it is square. RGBA.
ImageU8 PadToSquare(const ImageU8& rgba);

}  // namespace semfield
