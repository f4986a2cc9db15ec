#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/image/image.h"
#include "semfield/perception/feature_map.h"
#include "semfield/perception/model_card.h"

namespace semfield {

struct EncoderOptions {
  int threads = 0;                  // threads of the inference runtime; 0: as many as base/parallel.h uses
  std::string onnxruntime;          // path of the runtime library; empty: searched (perception/ort.h)
  std::vector<std::string> stages;  // names of the card's taps that EncodeStages returns
};

// A network that turns a picture into a grid of features. Encode is not thread-safe on one object; several
// objects may share one loaded session (Clone).
class ImageEncoder {
 public:
  virtual ~ImageEncoder() = default;

  virtual const ModelCard& card() const = 0;
  virtual int input_size() const = 0;  // pixels a side of the network's square input, e.g. 1024
  virtual int grid() const = 0;        // feature tokens a side, e.g. 64
  virtual int channels() const = 0;    // e.g. 256

  // Any size: the longest side is scaled to input_size, the rest padded at the bottom and the right. RGB, 8
  // bit, 3 channels (InputError otherwise). Returns [channels(), grid(), grid()]. Asked to stop:
  // InterruptedError.
  virtual FeatureMap Encode(const ImageU8& rgb, const StopToken* stop = nullptr) = 0;

  // As Encode, with the maps of EncoderOptions::stages before the final one; tokens become [channels, side,
  // side].
  virtual std::vector<FeatureMap> EncodeStages(const ImageU8& rgb) = 0;

  // A second object over the same loaded session, for another thread.
  virtual std::unique_ptr<ImageEncoder> Clone() const = 0;
};

// Finds the model card by name, verifies its file and loads it. Unknown names list the known ones
// (InputError); a missing runtime or missing weights say what to run (ResourceError).
std::unique_ptr<ImageEncoder> LoadImageEncoder(const std::string& model_name,
                                               const EncoderOptions& options = {});
std::unique_ptr<ImageEncoder> LoadImageEncoder(const ModelCard& card, const EncoderOptions& options = {});

}  // namespace semfield
