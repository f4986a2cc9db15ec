#pragma once

// Small ONNX graphs for tests, written byte by byte, and a model made of them.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "semfield/perception/model_card.h"

namespace semfield {

// Writes the few parts of onnx.proto that a small graph needs.
class OnnxWriter {
 public:
  struct IntsAttribute {
    std::string name;
    std::vector<int64_t> values;
    bool single = false;  // INT instead of INTS
  };
  void Node(const std::string& op, const std::vector<std::string>& inputs,
            const std::vector<std::string>& outputs, const std::vector<IntsAttribute>& attributes = {});
  void Floats(const std::string& name, const std::vector<int64_t>& dims, const std::vector<float>& values);
  void Input(const std::string& name, const std::vector<int64_t>& dims);   // f32; -1 leaves a side free
  void Ids(const std::string& name, const std::vector<int64_t>& dims);     // the same of i64
  void Output(const std::string& name, const std::vector<int64_t>& dims);  // f32
  std::string Model() const;                                               // the file's bytes

 private:
  std::string graph_;
};

// Sizes of the stand-ins.
constexpr int kStandInInput = 32;
constexpr int kStandInGrid = 4;
constexpr int kStandInChannels = 4;
constexpr int kStandInMask = 4;

// Encoder: channel 0, 1, 2 are the means of the normalised R, G, B over 8 x 8 pixels, channel 3 is `bias`.
// The mean of R before the bias is also there as an inner tensor "/conv".
std::string StandInEncoder(float bias = 1.0f);

// How the stand-in decoder gives its four masks away.
enum class StandInMasks { kAll, kOne, kOneWithSamNames };

// Decoder with SAM's inputs. Its four masks are the four feature channels plus has_mask_input * mask_input;
// their scores are: sum of x, sum of y, sum of labels, 0 (over the prompt's points, as the graph sees them).
// With one mask only: the mean of the four and the largest score.
std::string StandInDecoder(StandInMasks masks);

// An image tower [1, 3, 8, 8] -> [1, 3]: the means of the normalised R, G, B. A text tower [1, n] -> [1, 3]:
// the sum of the tokens' vectors, of which `table` holds three numbers each. Merges that make the tokens red
// (513), green (517) and blue (520) of CLIP's byte pairs.
constexpr int kStandInPicture = 8;
std::string StandInImageTower();
std::string StandInTextTower(const std::vector<float>& table);
extern const char kStandInMerges[];
// The table in which these three words are the axes, and everything else is nearly nothing.
std::vector<float> StandInColors();

// Writes `bytes` as folder/name; the answer is how a card names that file.
ModelFile WriteModelFile(const std::filesystem::path& folder, const std::string& name,
                         const std::string& bytes);
// Writes a card of kind "sam" for the stand-ins to `folder`, with its files.
ModelCard WriteStandIn(const std::filesystem::path& folder, const std::string& name,
                       StandInMasks masks = StandInMasks::kAll);

}  // namespace semfield
