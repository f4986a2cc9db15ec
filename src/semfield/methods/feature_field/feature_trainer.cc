#include "semfield/methods/feature_field/feature_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/training/schedule.h"

namespace semfield {

FeatureTrainer::FeatureTrainer(const FeatureOptions& options, const FeatureSpace& space)
    : model_(options, space), workers_(NumThreads()) {
  model_.grid().PrepareTraining();
  model_.head_parameters().PrepareTraining();
  // All workers now: which of them a loop's tasks fall to is chance.
  for (Worker& worker : workers_) {
    worker.output.Resize(static_cast<size_t>(space.channels) * ops::kTileStride);
    model_.head().Prepare(worker.work);
  }
}

double FeatureTrainer::RunTile(const TeacherEntry& entry, int tile, int worker) {
  const FeatureHead& head = model_.head();
  Worker& own = workers_[worker];
  const int channels = model_.space().channels, num_tokens = entry.inputs.num_tokens;
  const int first = tile * ops::kTileColumns;
  const int columns = std::min(ops::kTileColumns, num_tokens - first);
  const size_t tile_size = static_cast<size_t>(head.input_rows()) * ops::kTileStride;
  const float* input = rows_.data() + tile * tile_size;
  head.Forward(model_.head_parameters().values.data(), input, columns, own.work, own.output.data());
  const float scale = 2.0f / (static_cast<float>(num_tokens) * channels);
  double error = 0;
  for (int channel = 0; channel < channels; ++channel) {
    float* row = own.output.data() + static_cast<size_t>(channel) * ops::kTileStride;
    const Half* target = entry.target.data() + static_cast<size_t>(channel) * num_tokens + first;
    float sum = 0;
    for (int c = 0; c < columns; ++c) {
      const float difference = row[c] - HalfToFloat(target[c]);
      sum += difference * difference;
      row[c] = scale * difference;
    }
    error += sum;
    std::fill(row + columns, row + (columns + 15) / 16 * 16, 0.0f);
  }
  float* gradient = tile_gradients_.data() + tile * model_.head_parameters().size();
  head.Backward(model_.head_parameters().values.data(), input, columns, own.work,
                {own.output.data(), gradient, d_rows_.data() + tile * tile_size});
  return error / (static_cast<double>(num_tokens) * channels);
}

double FeatureTrainer::Step(const TeacherEntry& entry) {
  const FeatureOptions& options = model_.options();
  const int tiles = model_.num_tiles(entry.inputs);
  model_.Compose(entry.inputs, &d_features_, &rows_);  // the first becomes a gradient below
  d_rows_.ResizeUninitialized(rows_.size());
  tile_gradients_.ResizeUninitialized(tiles * model_.head_parameters().size());
  tile_errors_.assign(tiles, 0);
  ParallelFor(tiles, [&](int64_t tile, int worker) {
    std::fill_n(tile_gradients_.data() + tile * model_.head_parameters().size(),
                model_.head_parameters().size(), 0.0f);
    tile_errors_[tile] = RunTile(entry, static_cast<int>(tile), worker);
  });
  const auto rate = [&](double first) {
    return ExponentialSchedule(step_, options.steps, static_cast<float>(first),
                               static_cast<float>(options.final_learning_rate), /*warmup=*/0);
  };
  model_.ComposeBackward(entry.inputs, d_rows_, &d_features_);
  StepSemantics(model_.layout(), entry.inputs, model_.own_rows(), d_features_.data(),
                {.learning_rate = rate(options.grid_learning_rate), .step = step_ + 1, .sparse = true},
                &model_.grid());
  Parameter& head = model_.head_parameters();
  for (int tile = 0; tile < tiles; ++tile) {
    const float* gradient = tile_gradients_.data() + tile * head.size();
    for (size_t i = 0; i < head.size(); ++i) head.gradient[i] += gradient[i];
  }
  head.Step({.learning_rate = rate(options.head_learning_rate), .step = step_ + 1});
  ++step_;
  double error = 0;
  for (double tile_error : tile_errors_) error += tile_error;
  error_ += error;
  ++counted_;
  return error;
}

SceneSnapshot FeatureTrainer::Snapshot() const {
  return {.step = step_, .radiance = nullptr, .features = model_.Copy()};
}

Json FeatureTrainer::Metrics() const {
  return {{"feature_mse", error_ / std::max(1, counted_)}};
}

std::string FeatureTrainer::Detail() const {
  return fmt::format("feature MSE {:.5f}", error_ / std::max(1, counted_));
}

std::vector<TensorView> FeatureTrainer::Tensors() const {
  std::vector<TensorView> tensors = model_.Tensors();
  if (step_ >= model_.options().steps) return tensors;
  model_.grid().AppendMomentTensors(&tensors);
  model_.head_parameters().AppendMomentTensors(&tensors);
  return tensors;
}

Json FeatureTrainer::State() const {
  return {{"step", step_}};
}

void FeatureTrainer::Restore(const SafetensorsFile& file, const Json& state) {
  model_.LoadTensors(file);
  step_ = state.at("step").get<int>();
  if (step_ >= model_.options().steps) return;
  model_.grid().LoadMoments(file);
  model_.head_parameters().LoadMoments(file);
}

}  // namespace semfield
