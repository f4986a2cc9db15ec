#include "semfield/methods/radiance/model/tile_pass.h"

#include <algorithm>

#include "semfield/ops/sigmoid.h"
#include "semfield/ops/spherical_harmonics.h"

namespace semfield {
namespace {

constexpr int kStride = ops::kTileStride;

void ZeroPadding(float* row, int columns) {
  std::fill(row + columns, row + ops::PaddedColumns(columns), 0.0f);
}

}  // namespace

TilePass::TilePass(const RadianceModel& model)
    : model_(model), training_density_shape_(model.density_shape), training_color_shape_(model.color_shape) {
  const auto rows = [](Buffer<float>& buffer, int n) { buffer.Resize(static_cast<size_t>(n) * kStride); };
  density_tape_.Reserve(ops::MlpTapeRows(model.density_shape), kStride);
  color_tape_.Reserve(ops::MlpTapeRows(model.color_shape), kStride);
  rows(color_in_, model.color_shape.input);
  rows(d_color_in_, model.color_shape.input);
  rows(ray_harmonics_, ops::kNumSphericalHarmonics);
  for (Buffer<float>* buffer : {&color_, &rgb_, &d_color_, &directions_}) rows(*buffer, 3);
  for (Buffer<float>* buffer : {&raw_, &dt_, &weight_, &transmittance_, &final_transmittance_, &d_weight_,
                                &d_raw_, &s_, &ds_, &distortion_, &near_share_}) {
    rows(*buffer, 1);
  }
  begin_.resize(ops::kTileColumns + 1);
  kept_.resize(ops::kTileColumns);
}

ops::CompositeTile TilePass::Composite() const {
  return {.num_rays = tile_.num_rays, .begin = begin_.data(), .raw_density = raw_.data(), .dt = dt_.data()};
}

ops::CompositeWeights TilePass::Weights() const {
  return {weight_.data(), kept_.data(), transmittance_.data(), final_transmittance_.data()};
}

void TilePass::Density(SampleTiles& tiles, size_t tile_index, float min_transmittance, bool training) {
  tiles_ = &tiles;
  tile_index_ = tile_index;
  tile_ = tiles.tiles()[tile_index];
  columns_ = tile_.num_columns;
  std::copy_n(tiles.begin(tile_), tile_.num_rays + 1, begin_.begin());
  if (columns_ > 0) {
    ops::MlpForward(training ? training_density_shape_ : model_.density_shape,
                    model_.density_mlp.values.data(), {tiles.encoded(tile_index), kStride, columns_},
                    color_in_.data(), training ? &density_tape_ : nullptr);
  }
  const float bias = static_cast<float>(model_.options.density_bias.value());
  const float length_scale = model_.LengthScale();
  const float* dt = tiles.dt(tile_index);
  for (int c = 0; c < columns_; ++c) {
    raw_[c] = color_in_[c] + bias;
    dt_[c] = dt[c] * length_scale;
  }
  ops::CompositeForward(Composite(), min_transmittance,
                        {weight_.data(), kept_.data(), transmittance_.data(), final_transmittance_.data()});
  Compact(tiles, training);
}

void TilePass::Compact(SampleTiles& tiles, bool training) {
  int32_t old_begin[ops::kTileColumns + 1];
  std::copy_n(begin_.begin(), tile_.num_rays + 1, old_begin);
  for (int r = 0; r < tile_.num_rays; ++r) begin_[r + 1] = begin_[r] + kept_[r];
  const int new_columns = begin_[tile_.num_rays];
  if (new_columns != columns_) {
    const ops::ColumnMoves moves = {old_begin, begin_.data(), tile_.num_rays};
    const auto compact = [&](float* rows, int n) { ops::CompactRows(rows, n, kStride, moves); };
    for (float* row :
         {tiles.x(tile_index_), tiles.y(tile_index_), tiles.z(tile_index_), tiles.t(tile_index_),
          tiles.dt(tile_index_), raw_.data(), dt_.data(), weight_.data(), transmittance_.data()}) {
      compact(row, 1);
    }
    compact(color_in_.data(), RadianceModel::kGeometryRows);
    if (training) {
      density_tape_.Compact(moves);
      compact(tiles.encoded(tile_index_), tiles.encoded_rows());
    }
  }
  columns_ = new_columns;
}

void TilePass::Color(std::span<const Ray> rays, bool training) {
  for (int r = 0; r < tile_.num_rays; ++r) {
    for (int k = 0; k < 3; ++k) Row(directions_, k)[r] = rays[tile_.first_ray + r].direction[k];
  }
  ops::SphericalHarmonics(Row(directions_, 0), Row(directions_, 1), Row(directions_, 2), tile_.num_rays,
                          ray_harmonics_.data(), kStride);
  for (int k = 0; k < ops::kNumSphericalHarmonics; ++k) {
    float* row = Row(color_in_, RadianceModel::kGeometryRows + k);
    const float* harmonic = Row(ray_harmonics_, k);
    for (int r = 0; r < tile_.num_rays; ++r) std::fill(row + begin_[r], row + begin_[r + 1], harmonic[r]);
  }
  if (columns_ > 0) {
    ops::MlpForward(training ? training_color_shape_ : model_.color_shape, model_.color_mlp.values.data(),
                    {color_in_.data(), kStride, columns_}, color_.data(), training ? &color_tape_ : nullptr);
  }
  for (int k = 0; k < 3; ++k) ops::Sigmoid(Row(color_, k), columns_);
  for (int r = 0; r < tile_.num_rays; ++r) kept_[r] = begin_[r + 1] - begin_[r];
  ops::CompositeValues(Composite(), Weights(), {3, color_.data(), kStride}, rgb_.data(), kStride);
}

// Philip & Deschaintre 2023 (Floaters No More) section 4: near a camera many rays pass through little space,
// so that density grows there faster than where it belongs; a gradient that falls with the square of the
// distance makes up for it.
bool TilePass::HoldNear() {
  const auto reach = static_cast<float>(model_.options.near_gradient);
  if (reach <= 0) return false;
  const float scale = model_.LengthScale() / reach;
  const float* t = tiles_->t(tile_index_);
  for (int c = 0; c < columns_; ++c) near_share_[c] = std::min(1.0f, t[c] * scale * t[c] * scale);
  return true;
}

void TilePass::Backward(const Gradients& gradients) {
  if (gradients.d_weight != nullptr) {
    std::copy_n(gradients.d_weight, columns_, d_weight_.data());
  } else {
    std::fill_n(d_weight_.data(), columns_, 0.0f);
  }
  ops::CompositeValuesBackward(Composite(), Weights(), {3, color_.data(), kStride},
                               {gradients.d_rgb, kStride, d_color_.data(), d_weight_.data()});
  if (gradients.distortion_scale > 0) {
    const float scale = model_.LengthScale();
    const float* t = tiles_->t(tile_index_);
    for (int c = 0; c < columns_; ++c) {
      // s = t / (1 + t): distances far away count less, so the loss does not fight the background.
      const float inverse = 1.0f / (1.0f + t[c] * scale);
      s_[c] = t[c] * scale * inverse;
      ds_[c] = dt_[c] * inverse * inverse;
    }
    ops::DistortionLoss(Composite(), Weights(), {s_.data(), ds_.data()}, gradients.distortion_scale,
                        distortion_.data(), d_weight_.data());
  } else {
    std::fill_n(distortion_.data(), tile_.num_rays, 0.0f);
  }
  if (columns_ == 0) return;
  const bool hold_near = HoldNear();
  for (int k = 0; k < 3; ++k) {
    float* d_row = Row(d_color_, k);
    const float* row = Row(color_, k);
    for (int c = 0; c < columns_; ++c) d_row[c] *= row[c] * (1 - row[c]);
    for (int c = 0; hold_near && c < columns_; ++c) d_row[c] *= near_share_[c];
    ZeroPadding(d_row, columns_);
  }
  ops::MlpBackward(training_color_shape_, model_.color_mlp.values.data(),
                   {color_in_.data(), kStride, columns_}, color_tape_,
                   {d_color_.data(), gradients.color_mlp, d_color_in_.data()});
  ops::CompositeBackward(Composite(), Weights(),
                         {d_weight_.data(), gradients.d_final_transmittance, d_raw_.data()});
  for (int c = 0; hold_near && c < columns_; ++c) d_raw_[c] *= near_share_[c];
  for (int c = 0; c < columns_; ++c) d_color_in_[c] += d_raw_[c];
  float* encoded = tiles_->encoded(tile_index_);
  ops::MlpBackward(training_density_shape_, model_.density_mlp.values.data(), {encoded, kStride, columns_},
                   density_tape_, {d_color_in_.data(), gradients.density_mlp, encoded});
}

}  // namespace semfield
