#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/image/image.h"
#include "semfield/perception/model_card.h"

namespace semfield {

struct ImageTowerOptions {
  int threads = 0;          // as EncoderOptions
  std::string onnxruntime;  // as EncoderOptions
};

// The image side of a model that puts pictures and texts in one space; LoadTextEncoder of the same card is
// the other. One call at a time.
class ImageTower {
 public:
  virtual ~ImageTower() = default;
  virtual const ModelCard& card() const = 0;
  // RGB of any size, made square by the mean colour beside it. [width], of length 1. Asked to stop:
  // InterruptedError.
  virtual std::vector<float> Look(const ImageU8& rgb, const StopToken* stop = nullptr) = 0;
};

// The card must be of kind "clip"; as LoadImageEncoder.
std::unique_ptr<ImageTower> LoadImageTower(const ModelCard& card, const ImageTowerOptions& options = {});

}  // namespace semfield
