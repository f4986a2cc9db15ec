#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/perception/model_card.h"

namespace semfield {

struct TextEncoderOptions {
  int threads = 0;          // of the inference runtime; 0: as many as base/parallel.h uses
  std::string onnxruntime;  // path of the runtime library; empty: searched (perception/ort.h)
};

// A network that turns words into a vector, such that what means alike points alike. One call at a time.
class TextEncoder {
 public:
  virtual ~TextEncoder() = default;
  virtual const ModelCard& card() const = 0;
  virtual int width() const = 0;
  // [width()], of length 1. What is past the network's longest text does not count. Not UTF-8, or over
  // 64 KiB: InputError.
  virtual std::vector<float> Encode(const std::string& text, const StopToken* stop = nullptr) = 0;
};

// The model card by name, of kind "text" or "clip"; as LoadImageEncoder.
std::unique_ptr<TextEncoder> LoadTextEncoder(const std::string& model_name,
                                             const TextEncoderOptions& options = {});
std::unique_ptr<TextEncoder> LoadTextEncoder(const ModelCard& card, const TextEncoderOptions& options = {});

// False, and nothing is changed, where the vector is all 0 or not finite.
bool ScaleToLengthOne(std::vector<float>* vector);

// Of unit vectors of one width.
double Cosine(std::span<const float> a, std::span<const float> b);

}  // namespace semfield
