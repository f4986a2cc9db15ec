#pragma once

#include <memory>
#include <span>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/base/half.h"
#include "semfield/field/pyramid_field.h"
#include "semfield/methods/feature_field/feature_head.h"
#include "semfield/methods/feature_field/semantic_grid.h"
#include "semfield/methods/feature_field/token_context.h"
#include "semfield/methods/language_field/language_options.h"
#include "semfield/methods/language_field/token_pyramid.h"

namespace semfield {

// One E_sem and a head for every scale (SAN section 4.1): F_s(r) = MLP_s(sum_i T_i alpha_i E_sem(x_i)). A
// coarse token's rays are those of the fine tokens that it covers.
class LanguageModel : public PyramidField {
 public:
  LanguageModel(const LanguageOptions& options, const PyramidSpace& space);

  const LanguageOptions& options() const { return options_; }
  void set_steps(int steps) { options_.steps = steps; }  // of a training that was planned anew
  const PyramidSpace& space() const override { return space_; }
  int num_scales() const { return static_cast<int>(scales_.size()); }
  int num_tokens(int scale) const { return space_.grids[scale] * space_.grids[scale]; }

  std::vector<FeatureMap> Render(const RadianceField& radiance, const Camera& square,
                                 const Pose& world_from_camera,
                                 const StopToken* stop = nullptr) const override;
  // The same of a view's tokens at the finest grid.
  std::vector<FeatureMap> Render(const TokenInputs& inputs) const;

  const ops::HashGridLayout& layout() const { return layout_; }
  Parameter& grid() { return grid_; }
  const Parameter& grid() const { return grid_; }
  const FeatureHead& head(int scale) const { return scales_[scale].head; }
  Parameter& head_parameters(int scale) { return scales_[scale].parameters; }
  const Parameter& head_parameters(int scale) const { return scales_[scale].parameters; }

  // A head answers in standard deviations around the mean of each channel; before this is called mean 0 and
  // deviation 1. map: [channels, num_tokens(scale)], a teacher's.
  void Standardise(int scale, std::span<const Half> map);
  // What a head answered, [channels][kTileStride], in the teacher's units; and gradients the way back.
  void ToTeacher(int scale, int num_columns, float* output) const;
  void ToTeacherBackward(int scale, int num_columns, float* d_output) const;

  // What the head of a scale sees of every token, in tiles [tile][head(scale).input_rows()][kTileStride].
  // Buffers keep their memory between calls.
  struct Composed {
    struct Scale {
      Buffer<float> own;   // [tile][own_rows()][kTileStride]
      Buffer<float> rows;  // with those around them
    };
    std::vector<Scale> scales;
  };
  void Compose(const TokenInputs& inputs, Composed* composed) const;
  // From the gradients of all rows to that of the finest tokens' own rows.
  void ComposeBackward(const std::vector<Buffer<float>>& d_rows, std::vector<Buffer<float>>* d_own) const;
  int own_rows() const { return own_rows_; }  // composited E_sem and pixels of one token
  int num_tiles(int scale) const;

  std::vector<TensorView> Tensors() const;
  void LoadTensors(const SafetensorsFile& file);

 private:
  struct Scale {
    TokenContext context;
    FeatureHead head;
    Parameter parameters;
    Parameter standard;  // [2, channels]: mean and deviation; not trained
  };
  TokenPool PoolTo(int scale, int rows) const;

  LanguageOptions options_;
  PyramidSpace space_;
  ops::HashGridLayout layout_;
  int own_rows_;
  Parameter grid_;
  std::vector<Scale> scales_;
};

// Numbers that a language field of these options learns: of E_sem, and of all heads.
struct LanguageParameterCounts {
  size_t grid = 0, heads = 0;
};
LanguageParameterCounts CountLanguageParameters(const LanguageOptions& options, const PyramidSpace& space);

}  // namespace semfield
