#include "semfield/training/parameter.h"

#include <algorithm>
#include <utility>

#include "semfield/base/check.h"

namespace semfield {
namespace {

constexpr char kFirstMoment[] = ".first_moment";
constexpr char kSecondMoment[] = ".second_moment";

}  // namespace

Parameter::Parameter(std::string name, std::vector<int64_t> shape, HalfCopy half_copy)
    : name_(std::move(name)), shape_(std::move(shape)) {
  size_t size = 1;
  for (const int64_t extent : shape_) {
    SF_CHECK_GE(extent, 0);
    size *= static_cast<size_t>(extent);
  }
  values.Resize(size);
  if (half_copy == HalfCopy::kYes) half.Resize(size);
}

void Parameter::PrepareTraining() {
  for (Buffer<float>* buffer : {&gradient, &first_moment, &second_moment}) buffer->Resize(size());
}

void Parameter::Step(const ops::AdamOptions& adam, size_t begin, size_t count) {
  SF_CHECK_EQ(gradient.size(), size());
  SF_CHECK_LE(begin + count, size());
  ops::AdamStep(adam, count,
                {.parameters = values.data() + begin,
                 .first_moment = first_moment.data() + begin,
                 .second_moment = second_moment.data() + begin,
                 .gradient = gradient.data() + begin,
                 .shadow = half.empty() ? nullptr : half.data() + begin});
}

void Parameter::UpdateHalf() {
  for (size_t i = 0; i < half.size(); ++i) half[i] = FloatToHalf(values[i]);
}

void Parameter::CopyValues(const Parameter& from) {
  SF_CHECK_EQ(from.size(), size());
  std::copy(from.values.begin(), from.values.end(), values.begin());
  UpdateHalf();
}

TensorView Parameter::Tensor(const std::string& name, const Buffer<float>& buffer) const {
  return MakeTensorView<float>(name, shape_, buffer.span());
}

TensorView Parameter::ValueTensor() const {
  return Tensor(name_, values);
}

void Parameter::AppendMomentTensors(std::vector<TensorView>* tensors) const {
  tensors->push_back(Tensor(name_ + kFirstMoment, first_moment));
  tensors->push_back(Tensor(name_ + kSecondMoment, second_moment));
}

void Parameter::Load(const SafetensorsFile& file, const std::string& name, Buffer<float>* buffer) const {
  const std::span<const float> data = file.Get<float>(name, shape_);
  SF_CHECK_EQ(buffer->size(), data.size());
  std::copy(data.begin(), data.end(), buffer->begin());
}

void Parameter::LoadValues(const SafetensorsFile& file) {
  Load(file, name_, &values);
  UpdateHalf();
}

void Parameter::LoadMoments(const SafetensorsFile& file) {
  Load(file, name_ + kFirstMoment, &first_moment);
  Load(file, name_ + kSecondMoment, &second_moment);
}

size_t Parameter::TrainingBytes(size_t size, HalfCopy half_copy) {
  return size * (4 * sizeof(float) + (half_copy == HalfCopy::kYes ? sizeof(Half) : 0));
}

size_t Parameter::CheckpointBytes(size_t size) {
  return size * 3 * sizeof(float);
}

}  // namespace semfield
