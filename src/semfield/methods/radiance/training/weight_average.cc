#include "semfield/methods/radiance/training/weight_average.h"

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

constexpr int64_t kChunk = 1 << 16;
constexpr char kSuffix[] = ".mean";

}  // namespace

WeightAverage::WeightAverage(std::vector<Parameter*> parts, int first, int last)
    : parts_(std::move(parts)), first_(first), last_(last) {
  SF_CHECK_LT(first, last);
  means_.resize(parts_.size());
  for (size_t i = 0; i < parts_.size(); ++i) means_[i].Resize(parts_[i]->size());
}

void WeightAverage::Move(int step, int first, int last) {
  if (step <= first_) first_ = std::max(step, first);
  last_ = last;
}

int WeightAverage::Count(int step) const {
  return step <= first_ ? 0 : (step - first_) / kInterval;
}

bool WeightAverage::AfterStep(int step) {
  if (!enabled()) return false;
  const int count = Count(step);
  const bool end = step >= last_ && count > 0;
  const bool take = count > Count(step - 1);
  if (!take && !end) return false;
  for (size_t i = 0; i < parts_.size(); ++i) {
    float* parameters = parts_[i]->values.data();
    float* mean = means_[i].data();
    const auto size = static_cast<int64_t>(means_[i].size());
    const float share = take ? 1.0f / static_cast<float>(count) : 0;
    ParallelFor((size + kChunk - 1) / kChunk, [&](int64_t chunk, int) {
      const int64_t stop = std::min(size, (chunk + 1) * kChunk);
      for (int64_t k = chunk * kChunk; k < stop; ++k) {
        mean[k] += share * (parameters[k] - mean[k]);
        if (end) parameters[k] = mean[k];
      }
    });
  }
  return end;
}

std::vector<TensorView> WeightAverage::Tensors(int step) const {
  std::vector<TensorView> tensors;
  if (!enabled() || Count(step) == 0 || step >= last_) return tensors;
  for (size_t i = 0; i < parts_.size(); ++i) {
    tensors.push_back(MakeTensorView<float>(parts_[i]->name() + kSuffix,
                                            {static_cast<int64_t>(means_[i].size())}, means_[i].span()));
  }
  return tensors;
}

void WeightAverage::Load(const SafetensorsFile& file, int step) {
  if (!enabled() || Count(step) == 0 || step >= last_) return;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const std::span<const float> data =
        file.Get<float>(parts_[i]->name() + kSuffix, {static_cast<int64_t>(means_[i].size())});
    std::copy(data.begin(), data.end(), means_[i].data());
  }
}

}  // namespace semfield
