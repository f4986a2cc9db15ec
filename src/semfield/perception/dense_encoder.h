#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/image/image.h"
#include "semfield/perception/feature_map.h"
#include "semfield/perception/model_card.h"

namespace semfield {

struct DenseEncoderOptions {
  int threads = 0;          // as EncoderOptions
  std::string onnxruntime;  // as EncoderOptions
};

// A network that gives every place of a picture probabilities of a few classes. One call at a time.
class DenseEncoder {
 public:
  virtual ~DenseEncoder() = default;
  virtual const ModelCard& card() const = 0;
  virtual const std::vector<std::string>& classes() const = 0;
  // RGB of any size. [classes, height, width] over the whole picture, at about a quarter of the resolution at
  // which the network sees it; they sum to 1 at every place. Asked to stop: InterruptedError.
  virtual FeatureMap Look(const ImageU8& rgb, const StopToken* stop = nullptr) = 0;
  // The maps between the two halves of the graph, [laterals.channels, height, width] each, in the card's
  // order. InputError where the card cuts its graph nowhere.
  virtual std::vector<FeatureMap> LookBetween(const ImageU8& rgb, const StopToken* stop = nullptr) = 0;
};

// The second half of a dense encoder's graph. One call at a time.
class DenseDecoder {
 public:
  virtual ~DenseDecoder() = default;
  virtual const ModelCard& card() const = 0;
  // From maps as LookBetween answers them, of any size that fits together: as DenseEncoder::Look.
  virtual FeatureMap Decode(const std::vector<FeatureMap>& laterals, const StopToken* stop = nullptr) = 0;
};

// The model card by name, and the cards that it builds on; as LoadImageEncoder.
std::unique_ptr<DenseEncoder> LoadDenseEncoder(const std::string& model_name,
                                               const DenseEncoderOptions& options = {});
std::unique_ptr<DenseEncoder> LoadDenseEncoder(const ModelCard& card,
                                               const DenseEncoderOptions& options = {});

// InputError where the card cuts its graph nowhere.
std::unique_ptr<DenseDecoder> LoadDenseDecoder(const std::string& model_name,
                                               const DenseEncoderOptions& options = {});
std::unique_ptr<DenseDecoder> LoadDenseDecoder(const ModelCard& card,
                                               const DenseEncoderOptions& options = {});
// InputError unless the card is of kind "dense" and cuts its graph in two.
void CheckHasLaterals(const ModelCard& card);

// Softmax over the channels of a map, at every place.
void SoftmaxOverChannels(FeatureMap* map);

}  // namespace semfield
