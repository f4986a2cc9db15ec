#pragma once

#include <span>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/methods/radiance/model/radiance_model.h"
#include "semfield/methods/radiance/model/sample_tiles.h"
#include "semfield/ops/compositing.h"
#include "semfield/ops/mlp_tape.h"

namespace semfield {

// The graph of a field on one tile, forward and backward by hand. One object a thread; nothing is allocated
// after the first tile. Order of calls: Density, then (if wanted) Color, then (in training) Backward.
class TilePass {
 public:
  explicit TilePass(const RadianceModel& model);

  // Networks multiply in bfloat16 (where the processor can) in training from the next Density on; otherwise,
  // and at first, in floats.
  void TrainInBfloat16(bool on) { training_density_shape_.bfloat16 = training_color_shape_.bfloat16 = on; }

  // Densities, weights and the cut of every ray at min_transmittance; then keeps only the columns before the
  // cut, in this object and in `tiles` (positions, t, dt and, when `training`, encodings): columns() and
  // begin() tell where.
  void Density(SampleTiles& tiles, size_t tile_index, float min_transmittance, bool training);
  // Colours of the kept columns and, per ray, the composited colour without background.
  void Color(std::span<const Ray> rays, bool training);
  // From dL/drgb of each ray, dL/dT_final and the distortion loss; adds to the networks' gradients and
  // replaces the tile's encodings by dL/dencoding.
  struct Gradients {
    const float* d_rgb;                  // 3 rows of kTileStride over the tile's rays
    const float* d_final_transmittance;  // [num_rays]
    const float* d_weight = nullptr;     // [columns] of losses on weights that are not colours; null: none
    float distortion_scale;  // weight of the distortion loss divided by the number of rays of the step
    float* density_mlp;
    float* color_mlp;
  };
  void Backward(const Gradients& gradients);

  int num_rays() const { return tile_.num_rays; }
  int first_ray() const { return tile_.first_ray; }
  int columns() const { return columns_; }
  const int32_t* begin() const { return begin_.data(); }  // [num_rays + 1] of the kept columns
  const float* weight() const { return weight_.data(); }
  const float* transmittance() const { return transmittance_.data(); }
  const float* final_transmittance() const { return final_transmittance_.data(); }
  const float* geometry(int row) const {
    return color_in_.data() + static_cast<size_t>(row) * ops::kTileStride;
  }
  const float* rgb() const { return rgb_.data(); }                // 3 rows of kTileStride over rays
  const float* distortion() const { return distortion_.data(); }  // [num_rays], after Backward

 private:
  void Compact(SampleTiles& tiles, bool training);
  bool HoldNear();  // fills near_share_; false: gradients are not held
  float* Row(Buffer<float>& buffer, int row) {
    return buffer.data() + static_cast<size_t>(row) * ops::kTileStride;
  }
  ops::CompositeTile Composite() const;
  ops::CompositeWeights Weights() const;

  const RadianceModel& model_;
  ops::MlpShape training_density_shape_, training_color_shape_;
  SampleTiles* tiles_ = nullptr;
  size_t tile_index_ = 0;
  SampleTile tile_;
  int columns_ = 0;
  std::vector<int32_t> begin_, kept_;
  ops::MlpTape density_tape_, color_tape_;
  Buffer<float> raw_, dt_;
  Buffer<float> weight_, transmittance_, final_transmittance_;
  // color_in_ begins with the density network's output, d_color_in_ with the gradient of it: nothing is
  // copied between.
  Buffer<float> color_in_, color_, rgb_, ray_harmonics_, directions_;
  Buffer<float> d_color_, d_weight_, d_color_in_, d_raw_, s_, ds_, distortion_, near_share_;
};

}  // namespace semfield
