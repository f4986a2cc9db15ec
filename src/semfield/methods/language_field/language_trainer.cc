#include "semfield/methods/language_field/language_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/training/schedule.h"

namespace semfield {

std::vector<int> DrawPlaces(int all, int count, Random& random) {
  std::vector<int> places(all);
  std::iota(places.begin(), places.end(), 0);
  if (count >= all) return places;
  for (int i = 0; i < count; ++i)
    std::swap(places[i], places[i + static_cast<int>(random.Below(static_cast<uint32_t>(all - i)))]);
  places.resize(count);
  std::sort(places.begin(), places.end());
  return places;
}

LanguageTrainer::LanguageTrainer(const LanguageOptions& options, const PyramidSpace& space)
    : model_(options, space),
      d_rows_(model_.num_scales()),
      tile_gradients_(model_.num_scales()),
      tile_errors_(model_.num_scales()),
      places_(model_.num_scales()),
      workers_(NumThreads()) {
  model_.grid().PrepareTraining();
  for (int s = 0; s < model_.num_scales(); ++s) model_.head_parameters(s).PrepareTraining();
  for (Worker& worker : workers_)
    worker.output.Resize(static_cast<size_t>(space.channels) * ops::kTileStride);
}

size_t LanguageTrainer::TargetOffset(int scale) const {
  size_t offset = 0;
  for (int s = 0; s < scale; ++s)
    offset += static_cast<size_t>(model_.space().channels) * model_.num_tokens(s);
  return offset;
}

// Our features at some tokens of a scale, from the rows that Compose made.
PlacedFeatures LanguageTrainer::OursAt(int scale, const std::vector<int>& places) {
  const FeatureHead& head = model_.head(scale);
  const int channels = model_.space().channels, count = static_cast<int>(places.size());
  const float* rows = composed_.scales[scale].rows.data();
  PlacedFeatures ours{count, std::vector<float>(static_cast<size_t>(channels) * count)};
  ParallelFor((count + ops::kTileColumns - 1) / ops::kTileColumns, [&](int64_t tile, int worker) {
    Worker& own = workers_[worker];
    const int first = static_cast<int>(tile) * ops::kTileColumns;
    const int columns = std::min(ops::kTileColumns, count - first);
    Buffer<float> input;
    input.Resize(static_cast<size_t>(head.input_rows()) * ops::kTileStride);
    for (int row = 0; row < head.input_rows(); ++row) {
      for (int c = 0; c < columns; ++c) {
        const int token = places[first + c];
        const size_t in_tiles = static_cast<size_t>(token / ops::kTileColumns) * head.input_rows() + row;
        input[row * ops::kTileStride + c] = rows[in_tiles * ops::kTileStride + token % ops::kTileColumns];
      }
    }
    head.Forward(model_.head_parameters(scale).values.data(), input.data(), columns, own.work,
                 own.output.data());
    model_.ToTeacher(scale, columns, own.output.data());
    for (int channel = 0; channel < channels; ++channel) {
      std::copy_n(own.output.data() + static_cast<size_t>(channel) * ops::kTileStride, columns,
                  ours.values.data() + static_cast<size_t>(channel) * count + first);
    }
  });
  return ours;
}

// Eq. 11 at places of this step, weighted; its derivatives go to d_places_.
double LanguageTrainer::Correlate(const TeacherEntry& entry) {
  const LanguageOptions& options = model_.options();
  d_places_.clear();
  if (options.cross_weight == 0) return 0;
  const int channels = model_.space().channels;
  Random random(MixSeed(options.seed, step_), 41);
  std::vector<PlacedFeatures> ours, theirs;
  for (int s = 0; s < model_.num_scales(); ++s) {
    places_[s] = DrawPlaces(model_.num_tokens(s), options.cross_positions, random);
    ours.push_back(OursAt(s, places_[s]));
    PlacedFeatures target{ours[s].num_places, std::vector<float>(ours[s].values.size())};
    for (int channel = 0; channel < channels; ++channel) {
      const Half* map =
          entry.target.data() + TargetOffset(s) + static_cast<size_t>(channel) * model_.num_tokens(s);
      for (int p = 0; p < target.num_places; ++p)
        target.values[static_cast<size_t>(channel) * target.num_places + p] = HalfToFloat(map[places_[s][p]]);
    }
    theirs.push_back(std::move(target));
  }
  const double loss = CrossCorrelation(channels, ours, theirs, &d_places_);
  for (PlacedFeatures& d : d_places_) {
    for (float& value : d.values) value *= static_cast<float>(options.cross_weight);
  }
  return options.cross_weight * loss;
}

double LanguageTrainer::RunTile(const TeacherEntry& entry, int scale, int tile, int worker) {
  const FeatureHead& head = model_.head(scale);
  Worker& own = workers_[worker];
  const int channels = model_.space().channels, num_tokens = model_.num_tokens(scale);
  const int first = tile * ops::kTileColumns;
  const int columns = std::min(ops::kTileColumns, num_tokens - first);
  const size_t tile_size = static_cast<size_t>(head.input_rows()) * ops::kTileStride;
  const float* input = composed_.scales[scale].rows.data() + tile * tile_size;
  const Parameter& parameters = model_.head_parameters(scale);
  head.Forward(parameters.values.data(), input, columns, own.work, own.output.data());
  model_.ToTeacher(scale, columns, own.output.data());
  const float factor = 2.0f / (static_cast<float>(num_tokens) * channels);
  double error = 0;
  for (int channel = 0; channel < channels; ++channel) {
    float* row = own.output.data() + static_cast<size_t>(channel) * ops::kTileStride;
    const Half* target =
        entry.target.data() + TargetOffset(scale) + static_cast<size_t>(channel) * num_tokens + first;
    float sum = 0;
    for (int c = 0; c < columns; ++c) {
      const float difference = row[c] - HalfToFloat(target[c]);
      sum += difference * difference;
      row[c] = factor * difference;
    }
    error += sum;
    std::fill(row + columns, row + ops::PaddedColumns(columns), 0.0f);
  }
  if (!d_places_.empty()) {
    const std::vector<int>& places = places_[scale];
    const PlacedFeatures& d = d_places_[scale];
    const auto begin = std::lower_bound(places.begin(), places.end(), first) - places.begin();
    const auto end = std::lower_bound(places.begin(), places.end(), first + columns) - places.begin();
    for (int channel = 0; channel < channels; ++channel) {
      for (auto p = begin; p < end; ++p)
        own.output[static_cast<size_t>(channel) * ops::kTileStride + (places[p] - first)] +=
            d.values[static_cast<size_t>(channel) * d.num_places + p];
    }
  }
  model_.ToTeacherBackward(scale, columns, own.output.data());
  float* gradient = tile_gradients_[scale].data() + tile * parameters.size();
  std::fill_n(gradient, parameters.size(), 0.0f);
  head.Backward(parameters.values.data(), input, columns, own.work,
                {own.output.data(), gradient, d_rows_[scale].data() + tile * tile_size});
  return error / (static_cast<double>(num_tokens) * channels);
}

double LanguageTrainer::Losses(const TeacherEntry& entry) {
  SF_CHECK_EQ(entry.target.size(), TargetOffset(model_.num_scales()));
  model_.Compose(entry.inputs, &composed_);
  const double cross = Correlate(entry);
  std::vector<std::pair<int, int>> tasks;  // scale and tile
  for (int s = 0; s < model_.num_scales(); ++s) {
    const int tiles = model_.num_tiles(s);
    d_rows_[s].ResizeUninitialized(composed_.scales[s].rows.size());
    tile_gradients_[s].ResizeUninitialized(tiles * model_.head_parameters(s).size());
    tile_errors_[s].assign(tiles, 0);
    for (int tile = 0; tile < tiles; ++tile) tasks.emplace_back(s, tile);
  }
  ParallelFor(static_cast<int64_t>(tasks.size()), [&](int64_t task, int worker) {
    const auto [scale, tile] = tasks[task];
    tile_errors_[scale][tile] = RunTile(entry, scale, tile, worker);
  });
  double single = 0;
  for (int s = 0; s < model_.num_scales(); ++s) {
    Parameter& head = model_.head_parameters(s);
    for (size_t tile = 0; tile < tile_errors_[s].size(); ++tile) {
      single += tile_errors_[s][tile];
      const float* gradient = tile_gradients_[s].data() + tile * head.size();
      for (size_t i = 0; i < head.size(); ++i) head.gradient[i] += gradient[i];
    }
  }
  model_.ComposeBackward(d_rows_, &d_own_);
  single_ += single;
  cross_ += cross;
  ++counted_;
  return single + cross;
}

double LanguageTrainer::Step(const TeacherEntry& entry) {
  const LanguageOptions& options = model_.options();
  for (int s = 0; s < model_.num_scales() && step_ == 0 && options.standardise; ++s) {
    const size_t size = static_cast<size_t>(model_.space().channels) * model_.num_tokens(s);
    model_.Standardise(s, std::span(entry.target).subspan(TargetOffset(s), size));
  }
  const double loss = Losses(entry);
  const auto rate = [&](double first) {
    return ExponentialSchedule(step_, options.steps, static_cast<float>(first),
                               static_cast<float>(options.final_learning_rate), /*warmup=*/0);
  };
  StepSemantics(model_.layout(), entry.inputs, model_.own_rows(), d_own_[0].data(),
                {.learning_rate = rate(options.grid_learning_rate), .step = step_ + 1, .sparse = true},
                &model_.grid());
  for (int s = 0; s < model_.num_scales(); ++s)
    model_.head_parameters(s).Step({.learning_rate = rate(options.head_learning_rate), .step = step_ + 1});
  ++step_;
  return loss;
}

std::vector<TensorView> LanguageTrainer::Tensors() const {
  std::vector<TensorView> tensors = model_.Tensors();
  if (step_ >= model_.options().steps) return tensors;
  model_.grid().AppendMomentTensors(&tensors);
  for (int s = 0; s < model_.num_scales(); ++s) model_.head_parameters(s).AppendMomentTensors(&tensors);
  return tensors;
}

void LanguageTrainer::Restore(const SafetensorsFile& file, const Json& state) {
  model_.LoadTensors(file);
  step_ = state.at("step").get<int>();
  if (step_ >= model_.options().steps) return;
  model_.grid().LoadMoments(file);
  for (int s = 0; s < model_.num_scales(); ++s) model_.head_parameters(s).LoadMoments(file);
}

Json LanguageTrainer::Metrics() const {
  const double count = std::max(1, counted_);
  return {{"feature_mse", single_ / count}, {"cross_mse", cross_ / count}};
}

std::string LanguageTrainer::Detail() const {
  const double count = std::max(1, counted_);
  return fmt::format("feature MSE {:.4f}, of correlations {:.4f}", single_ / count, cross_ / count);
}

}  // namespace semfield
