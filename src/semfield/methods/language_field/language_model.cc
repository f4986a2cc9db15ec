#include "semfield/methods/language_field/language_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

TokenContext ContextOf(const LanguageOptions& options, int grid) {
  return {.grid = grid,
          .features = options.levels * options.features_per_level + NumPixelRows(options),
          .rings = options.context_rings};
}

FeatureHead HeadOf(const LanguageOptions& options, const PyramidSpace& space, int grid) {
  return FeatureHead(options, ContextOf(options, grid).rows() + NumExtraRows(options), space.channels);
}

constexpr double kLeastDeviation = 1e-3;  // of a channel that hardly varies

size_t TileSize(int rows) {
  return static_cast<size_t>(rows) * ops::kTileStride;
}

}  // namespace

LanguageModel::LanguageModel(const LanguageOptions& options, const PyramidSpace& space)
    : options_(options),
      space_(space),
      layout_(SemanticGridLayout(options)),
      own_rows_(layout_.num_features() + NumPixelRows(options)),
      grid_(MakeSemanticGrid(options, layout_)) {
  SF_CHECK(!space.grids.empty());
  if (space_.resolution == 0) space_.resolution = options.teacher_resolution;
  for (size_t s = 0; s < space.grids.size(); ++s) {
    SF_CHECK_EQ(space.grids[0] % space.grids[s], 0);
    FeatureHead head = HeadOf(options, space, space.grids[s]);
    Parameter parameters(fmt::format("head_{}", s), {static_cast<int64_t>(head.num_parameters())});
    Random random(options.seed, 12 + 100 * s);
    head.Initialize(random, parameters.values.data());
    Parameter standard(fmt::format("standard_{}", s), {2, space.channels});
    std::fill_n(standard.values.data() + space.channels, space.channels, 1.0f);
    scales_.push_back(
        {ContextOf(options, space.grids[s]), std::move(head), std::move(parameters), std::move(standard)});
  }
}

LanguageParameterCounts CountLanguageParameters(const LanguageOptions& options, const PyramidSpace& space) {
  LanguageParameterCounts counts{.grid = SemanticGridLayout(options).num_parameters};
  for (const int grid : space.grids) counts.heads += HeadOf(options, space, grid).num_parameters();
  return counts;
}

int LanguageModel::num_tiles(int scale) const {
  return (num_tokens(scale) + ops::kTileColumns - 1) / ops::kTileColumns;
}

TokenPool LanguageModel::PoolTo(int scale, int rows) const {
  return {.grid = space_.grids[0], .factor = space_.grids[0] / space_.grids[scale], .rows = rows};
}

void LanguageModel::Standardise(int scale, std::span<const Half> map) {
  const int tokens = num_tokens(scale), channels = space_.channels;
  SF_CHECK_EQ(map.size(), static_cast<size_t>(tokens) * channels);
  float* standard = scales_[scale].standard.values.data();
  for (int channel = 0; channel < channels; ++channel) {
    double sum = 0, squares = 0;
    for (const Half half : map.subspan(static_cast<size_t>(channel) * tokens, tokens)) {
      const double value = HalfToFloat(half);
      sum += value;
      squares += value * value;
    }
    const double mean = sum / tokens, variance = std::max(0.0, squares / tokens - mean * mean);
    standard[channel] = static_cast<float>(mean);
    standard[channels + channel] = static_cast<float>(std::max(kLeastDeviation, std::sqrt(variance)));
  }
}

void LanguageModel::ToTeacher(int scale, int num_columns, float* output) const {
  const float* standard = scales_[scale].standard.values.data();
  for (int channel = 0; channel < space_.channels; ++channel) {
    float* row = output + static_cast<size_t>(channel) * ops::kTileStride;
    for (int c = 0; c < num_columns; ++c)
      row[c] = standard[channel] + standard[space_.channels + channel] * row[c];
  }
}

void LanguageModel::ToTeacherBackward(int scale, int num_columns, float* d_output) const {
  const float* deviation = scales_[scale].standard.values.data() + space_.channels;
  for (int channel = 0; channel < space_.channels; ++channel) {
    float* row = d_output + static_cast<size_t>(channel) * ops::kTileStride;
    for (int c = 0; c < num_columns; ++c) row[c] *= deviation[channel];
  }
}

void LanguageModel::Compose(const TokenInputs& inputs, Composed* composed) const {
  SF_CHECK_EQ(inputs.num_tokens, num_tokens(0));
  composed->scales.resize(scales_.size());
  const int num_extras = NumExtraRows(options_);
  Buffer<float> extras;
  if (num_extras > 0) {
    extras.ResizeUninitialized(num_tiles(0) * TileSize(num_extras));
    CutIntoTiles(inputs, inputs.extras, num_extras, 0, extras.data());
  }
  for (int s = 0; s < num_scales(); ++s) {
    auto& [own, rows] = composed->scales[s];
    const int head_rows = scales_[s].head.input_rows();
    own.ResizeUninitialized(num_tiles(s) * TileSize(own_rows_));
    rows.ResizeUninitialized(num_tiles(s) * TileSize(head_rows));
    if (s == 0) {
      ComposeSemantics(layout_, grid_, inputs, own_rows_, own.data());
      CutIntoTiles(inputs, inputs.pixels, own_rows_, layout_.num_features(), own.data());
    } else {
      PoolTokens(PoolTo(s, own_rows_), composed->scales[0].own.data(), own.data());
    }
    GatherContext(scales_[s].context, own.data(), head_rows, rows.data());
    if (num_extras == 0) continue;
    Buffer<float> pooled;
    pooled.ResizeUninitialized(num_tiles(s) * TileSize(num_extras));
    PoolTokens(PoolTo(s, num_extras), extras.data(), pooled.data());
    for (int tile = 0; tile < num_tiles(s); ++tile) {
      std::copy_n(pooled.data() + tile * TileSize(num_extras), TileSize(num_extras),
                  rows.data() + tile * TileSize(head_rows) + TileSize(scales_[s].context.rows()));
    }
  }
}

void LanguageModel::ComposeBackward(const std::vector<Buffer<float>>& d_rows,
                                    std::vector<Buffer<float>>* d_own) const {
  d_own->resize(scales_.size());
  for (int s = 0; s < num_scales(); ++s) {
    Buffer<float>& d = (*d_own)[s];
    d.ResizeUninitialized(num_tiles(s) * TileSize(own_rows_));
    ScatterContext(scales_[s].context, d_rows[s].data(), scales_[s].head.input_rows(), d.data());
    if (s > 0) UnpoolTokens(PoolTo(s, own_rows_), d.data(), (*d_own)[0].data());
  }
}

std::vector<FeatureMap> LanguageModel::Render(const TokenInputs& inputs) const {
  thread_local Composed composed;  // kept for the next call
  Compose(inputs, &composed);
  const Composed& seen = composed;
  std::vector<FeatureMap> maps;
  for (int s = 0; s < num_scales(); ++s) {
    const FeatureHead& head = scales_[s].head;
    const int tokens = num_tokens(s);
    FeatureMap map{space_.channels, space_.grids[s], space_.grids[s], {}, space_.encoder};
    map.data.resize(static_cast<size_t>(map.channels) * tokens);
    ParallelFor(num_tiles(s), [&](int64_t tile, int) {
      thread_local FeatureHead::Workspace work;
      thread_local Buffer<float> output;
      output.ResizeUninitialized(TileSize(map.channels));
      const int first = static_cast<int>(tile) * ops::kTileColumns;
      const int columns = std::min(ops::kTileColumns, tokens - first);
      head.Forward(scales_[s].parameters.values.data(),
                   seen.scales[s].rows.data() + tile * TileSize(head.input_rows()), columns, work,
                   output.data());
      ToTeacher(s, columns, output.data());
      for (int channel = 0; channel < map.channels; ++channel) {
        std::copy_n(output.data() + static_cast<size_t>(channel) * ops::kTileStride, columns,
                    map.data.data() + static_cast<size_t>(channel) * tokens + first);
      }
    });
    maps.push_back(std::move(map));
  }
  return maps;
}

std::vector<FeatureMap> LanguageModel::Render(const RadianceField& radiance, const Camera& square,
                                              const Pose& world_from_camera, const StopToken* stop) const {
  return Render(MakeTokenInputs(radiance, square, world_from_camera, space_.grids[0], options_, stop));
}

std::vector<TensorView> LanguageModel::Tensors() const {
  std::vector<TensorView> tensors = {grid_.ValueTensor()};
  for (const Scale& scale : scales_) {
    tensors.push_back(scale.parameters.ValueTensor());
    tensors.push_back(scale.standard.ValueTensor());
  }
  return tensors;
}

void LanguageModel::LoadTensors(const SafetensorsFile& file) {
  grid_.LoadValues(file);
  for (Scale& scale : scales_) {
    scale.parameters.LoadValues(file);
    scale.standard.LoadValues(file);
  }
}

}  // namespace semfield
