#include "semfield/methods/laser/laser_trainer.h"

#include <fmt/format.h>

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/training/schedule.h"

namespace semfield {
namespace {

constexpr size_t kStride = ops::kTileStride;

}  // namespace

LaserTrainer::LaserTrainer(const LaserOptions& options, const std::string& encoder, const ClassTexts& texts)
    : model_(options, encoder, texts.once.rows), texts_(texts) {
  model_.SetTexts(texts);
  for (Parameter* parameter : {&model_.grid(), &model_.head_parameters(), &model_.matrix_parameters()})
    parameter->PrepareTraining();
}

Matrix LaserTrainer::TeacherFeatures(const TeacherEntry& entry) const {
  const int tokens = entry.inputs.num_tokens, channels = model_.num_classes();
  SF_CHECK_EQ(entry.target.size(), static_cast<size_t>(tokens) * channels);
  Matrix features(tokens, channels);
  for (int of = 0; of < channels; ++of) {
    for (int i = 0; i < tokens; ++i) {
      const float share = HalfToFloat(entry.target[static_cast<size_t>(of) * tokens + i]);
      for (int c = 0; c < channels; ++c) features.At(i, c) += share * texts_.once.At(of, c);
    }
  }
  return features;
}

// Tile by tile, in order: what a head's gradient is must not hang on the number of threads.
void LaserTrainer::HeadBackward(int num_tokens, const LaserTape::Losses& losses) {
  const FeatureHead& head = model_.head();
  const int channels = model_.num_classes();
  const size_t tile_size = static_cast<size_t>(head.input_rows()) * kStride;
  Parameter& parameters = model_.head_parameters();
  FeatureHead::Workspace work;
  Buffer<float> output;
  output.Resize(static_cast<size_t>(2 * channels) * kStride);
  for (int first = 0, tile = 0; first < num_tokens; first += ops::kTileColumns, ++tile) {
    const int columns = std::min(ops::kTileColumns, num_tokens - first);
    head.Forward(parameters.values.data(), rows_.data() + tile * tile_size, columns, work, output.data());
    output.Fill(0);
    for (int c = 0; c < channels; ++c) {
      for (int i = 0; i < columns; ++i) {
        output[c * kStride + i] = losses.d_features.At(first + i, c);
        output[(channels + c) * kStride + i] = losses.d_labels.At(first + i, c);
      }
    }
    head.Backward(parameters.values.data(), rows_.data() + tile * tile_size, columns, work,
                  {output.data(), parameters.gradient.data(), d_rows_.data() + tile * tile_size});
  }
}

double LaserTrainer::Step(const TeacherEntry& entry) {
  const LaserOptions& options = model_.options();
  model_.Compose(entry.inputs, &rows_);
  d_rows_.ResizeUninitialized(rows_.size());
  LaserModel::Answer answer = model_.Features(rows_, entry.inputs.num_tokens);
  LaserMemory memory = model_.Memory();
  const LaserMemory before = memory;
  LaserTape tape(options, model_.matrices(), model_.matrix_parameters().values.data(), before);
  const LaserTape::Losses losses = tape.Run({.features = std::move(answer.features),
                                             .labels = std::move(answer.labels),
                                             .teacher = TeacherFeatures(entry),
                                             .after_switch = step_ >= options.switch_at * options.steps},
                                            texts_, model_.matrix_parameters().gradient.data(), &memory);
  model_.SetMemory(memory);
  HeadBackward(entry.inputs.num_tokens, losses);
  const auto rate = [&](double first) {
    return ExponentialSchedule(step_, options.steps, static_cast<float>(first),
                               static_cast<float>(options.final_learning_rate), /*warmup=*/0);
  };
  StepSemantics(model_.layout(), entry.inputs, model_.head().input_rows(), d_rows_.data(),
                {.learning_rate = rate(options.grid_learning_rate), .step = step_ + 1, .sparse = true},
                &model_.grid());
  for (Parameter* parameter : {&model_.head_parameters(), &model_.matrix_parameters()})
    parameter->Step({.learning_rate = rate(options.head_learning_rate), .step = step_ + 1});
  ++step_;
  ++counted_;
  for (const auto& [name, value] : losses.parts) parts_[name] += value;
  return losses.all;
}

std::vector<TensorView> LaserTrainer::Tensors() const {
  std::vector<TensorView> tensors = model_.Tensors();
  if (step_ >= model_.options().steps) return tensors;
  for (const Parameter* parameter : {&model_.grid(), &model_.head_parameters(), &model_.matrix_parameters()})
    parameter->AppendMomentTensors(&tensors);
  return tensors;
}

void LaserTrainer::Restore(const SafetensorsFile& file, const Json& state) {
  model_.LoadTensors(file);
  step_ = state.at("step").get<int>();
  if (step_ >= model_.options().steps) return;
  for (Parameter* parameter : {&model_.grid(), &model_.head_parameters(), &model_.matrix_parameters()})
    parameter->LoadMoments(file);
}

void LaserTrainer::StartInterval() {
  parts_.clear();
  counted_ = 0;
}

Json LaserTrainer::Metrics() const {
  Json metrics = Json::object();
  for (const auto& [name, sum] : parts_) metrics["loss_" + name] = sum / std::max(1, counted_);
  return metrics;
}

std::string LaserTrainer::Detail() const {
  std::string detail = "losses";
  for (const auto& [name, sum] : parts_)
    detail += fmt::format(" {} {:.4f}", name, sum / std::max(1, counted_));
  return detail;
}

}  // namespace semfield
