#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/field/feature_field.h"
#include "semfield/methods/feature_field/feature_head.h"
#include "semfield/methods/feature_field/feature_options.h"
#include "semfield/methods/feature_field/semantic_grid.h"
#include "semfield/methods/feature_field/token_context.h"
#include "semfield/methods/feature_field/token_inputs.h"
#include "semfield/ops/hash_grid.h"
#include "semfield/perception/feature_map.h"
#include "semfield/training/parameter.h"

namespace semfield {

// E_sem and the head (SAN Eq. 6): F(r) = MLP(sum_i T_i alpha_i E_sem(x_i)). The radiance field is read, never
// changed.
class FeatureModel : public FeatureField {
 public:
  // space.resolution 0: the teacher_resolution of the options.
  FeatureModel(const FeatureOptions& options, const FeatureSpace& space);

  const FeatureOptions& options() const { return options_; }
  void set_steps(int steps) { options_.steps = steps; }  // of a training that was planned anew
  const FeatureSpace& space() const override { return space_; }
  const ops::HashGridLayout& layout() const { return layout_; }
  const FeatureHead& head() const { return head_; }
  Parameter& grid() { return grid_; }  // E_sem, with a half copy, which is what kernels read
  const Parameter& grid() const { return grid_; }
  Parameter& head_parameters() { return head_parameters_; }
  const Parameter& head_parameters() const { return head_parameters_; }

  // Token features of one view: [channels, grid, grid]. Thread-safe.
  FeatureMap Render(const TokenInputs& inputs) const;
  // width and height: space().grid, since a token's features come from those around it too.
  FeatureMap Render(const RadianceField& radiance, const Camera& square, const Pose& world_from_camera,
                    int width, int height, const StopToken* stop = nullptr) const override;

  // What the head sees of every token, in tiles of kTileColumns tokens, [tile][row][kTileStride]: composited
  // E_sem and the token's pixels, with options.context_rings those of tokens around it, and the extras. `own`
  // receives each token's own rows, [tile][own_rows()][kTileStride]. Nothing is allocated while both buffers
  // are large enough.
  void Compose(const TokenInputs& inputs, Buffer<float>* own, Buffer<float>* rows) const;
  // Composited E_sem and pixels of one token.
  int own_rows() const { return context_.features; }
  // From the gradient of Compose's rows to that of each token's own rows: [tile][own_rows()][kTileStride].
  void ComposeBackward(const TokenInputs& inputs, const Buffer<float>& d_rows,
                       Buffer<float>* d_features) const;
  int num_tiles(const TokenInputs& inputs) const;

  // A field of its own with the values of this moment.
  std::unique_ptr<FeatureModel> Copy() const;
  std::vector<TensorView> Tensors() const;
  void LoadTensors(const SafetensorsFile& file);

 private:
  FeatureOptions options_;
  FeatureSpace space_;
  ops::HashGridLayout layout_;
  TokenContext context_;
  FeatureHead head_;
  Parameter grid_, head_parameters_;
};

// What a feature field of these options learns: numbers of E_sem and of the head.
struct FeatureParameterCounts {
  size_t grid = 0, head = 0;
};
FeatureParameterCounts CountFeatureParameters(const FeatureOptions& options, const FeatureSpace& space);

}  // namespace semfield
