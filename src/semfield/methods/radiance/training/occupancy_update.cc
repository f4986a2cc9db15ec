#include "semfield/methods/radiance/training/occupancy_update.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/parallel.h"

namespace semfield {
namespace {

constexpr float kMeanLimit = 500;  // per half_extent: a cell of that density is opaque, more says nothing
constexpr int kEarlyInterval = 8;  // steps between updates before kFirstSweepEnd
constexpr int kLateInterval = 16;
constexpr uint32_t kParts = 12;         // updates a whole sweep takes
constexpr uint32_t kOccupiedParts = 3;  // updates a sweep of the occupied cells takes, if they are few
constexpr float kDecay = 0.9f;          // of a cell's density at each look

// World distance of a contracted cell from the middle of the scene: the length scale of steps that reach it.
float CellDistance(const RadianceModel& model, const float u[3]) {
  float q[3], largest = 0;
  for (int k = 0; k < 3; ++k) {
    q[k] = 4 * u[k] - 2;
    largest = std::max(largest, std::abs(q[k]));
  }
  if (largest <= 1) return std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]) * model.map.half_extent;
  return model.map.half_extent / std::max(2 - largest, 1e-3f);
}

}  // namespace

OccupancyUpdate::OccupancyUpdate(const RadianceModel& model, float min_opacity) {
  const size_t most_cells = model.occupancy.num_cells() / kParts + 1;
  cells_.reserve(most_cells);
  for (std::vector<float>* values : {&x_, &y_, &z_, &values_}) values->reserve(most_cells);
  const ops::MarchOptions march = model.March(1);
  threshold_ = min_opacity / (march.step * model.LengthScale());
  object_ = !model.map.contracted && model.options.IsObject();
  if (!model.map.contracted) return;
  const int n = model.occupancy.resolution();
  cell_threshold_.resize(model.occupancy.num_cells());
  ParallelFor(n, [&](int64_t z, int) {
    for (int y = 0; y < n; ++y) {
      for (int x = 0; x < n; ++x) {
        const float u[3] = {(x + 0.5f) / n, (y + 0.5f) / n, (z + 0.5f) / n};
        const float step = std::max(march.step, march.cone_angle * CellDistance(model, u));
        cell_threshold_[x + static_cast<size_t>(n) * (y + static_cast<size_t>(n) * z)] =
            min_opacity / (step * model.LengthScale());
      }
    }
  });
}

void OccupancyUpdate::Evaluate(RadianceModel& model, int num_active_levels, uint64_t stream, float decay) {
  const int64_t count = static_cast<int64_t>(cells_.size());
  x_.resize(count);
  y_.resize(count);
  z_.resize(count);
  values_.resize(count);
  Random random(MixSeed(model.options.seed, stream), 3);
  model.occupancy.JitteredPoints(cells_.data(), count, random, x_.data(), y_.data(), z_.data());
  density_.Evaluate(model, {x_.data(), y_.data(), z_.data(), count}, num_active_levels, values_.data());
  ParallelChunks(count, 4096, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) values_[i] = std::exp(std::min(values_[i], 15.0f));
  });
  model.occupancy.Blend(cells_.data(), count, values_.data(), decay, kMeanLimit);
}

void OccupancyUpdate::Rebuild(RadianceModel& model) {
  float threshold = threshold_;
  if (object_) {
    // Around an object most cells are empty, and while it is still fog the mean says better than a fixed
    // alpha what stands out.
    double sum = 0;
    for (float value : model.occupancy.density().span()) sum += value;
    threshold = std::min(threshold, static_cast<float>(sum / model.occupancy.num_cells()));
  }
  model.occupancy.Rebuild(threshold, cell_threshold_.empty() ? nullptr : cell_threshold_.data());
}

void OccupancyUpdate::AfterStep(int step, int num_active_levels, RadianceModel& model) {
  const int interval = step <= kFirstSweepEnd ? kEarlyInterval : kLateInterval;
  if (step % interval != 0) return;
  const uint32_t num_cells = static_cast<uint32_t>(model.occupancy.num_cells());
  const uint32_t round = static_cast<uint32_t>(step / interval);
  cells_.clear();
  for (uint32_t cell = round % kParts; cell < num_cells; cell += kParts) cells_.push_back(cell);
  Evaluate(model, num_active_levels, 2 * static_cast<uint64_t>(step), kDecay);
  if (step < kFirstSweepEnd) return;
  // A surface fills little of its cells, so that one random point mostly misses it: occupied cells are looked
  // at more often and forgotten slowly, or holes would come and go.
  const double occupied = model.occupancy.OccupiedFraction() * num_cells;
  const uint32_t stride =
      std::max(kOccupiedParts, static_cast<uint32_t>(std::ceil(occupied * 2 * kParts / num_cells)));
  // `round` moves the first one, so that other cells are listed each time.
  model.occupancy.ListOccupied(stride, (stride - round % stride) % stride, cells_);
  Evaluate(model, num_active_levels, 2 * static_cast<uint64_t>(step) + 1, kDecay);
  Rebuild(model);
}

void OccupancyUpdate::Restore(int step, RadianceModel& model) {
  if (step >= kFirstSweepEnd) {
    Rebuild(model);
  } else {
    model.occupancy.Fill();
  }
}

}  // namespace semfield
