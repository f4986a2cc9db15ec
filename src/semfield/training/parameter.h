#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/base/half.h"
#include "semfield/ops/adam.h"
#include "semfield/training/safetensors.h"

namespace semfield {

// One block of learned numbers, with what its optimizer keeps of them. A field that is only looked at holds
// the values alone; PrepareTraining adds the rest.
class Parameter {
 public:
  // Whether kernels read a copy in half precision.
  enum class HalfCopy { kNo, kYes };

  Parameter() = default;  // no numbers
  // Zeros. The name is that of the tensor in a checkpoint; the product of `shape` is the size.
  Parameter(std::string name, std::vector<int64_t> shape, HalfCopy half_copy = HalfCopy::kNo);

  const std::string& name() const { return name_; }
  size_t size() const { return values.size(); }
  bool empty() const { return values.empty(); }

  Buffer<float> values;                       // masters
  Buffer<Half> half;                          // with a half copy: the values of the last update
  Buffer<float> gradient;                     // [size] after PrepareTraining; each update zeroes it
  Buffer<float> first_moment, second_moment;  // of Adam, [size] after PrepareTraining

  // Makes room for gradient and moments, all zero.
  void PrepareTraining();
  // One update of numbers [begin, begin + count) (ops/adam.h says where a block may be cut). Prepared.
  void Step(const ops::AdamOptions& adam, size_t begin, size_t count);
  void Step(const ops::AdamOptions& adam) { Step(adam, 0, size()); }
  // After the values were written from outside.
  void UpdateHalf();
  // Takes the values, not the moments, of a block of the same size.
  void CopyValues(const Parameter& from);

  // Checkpoint parts: views into this object. The moments' names are the block's with a suffix.
  TensorView ValueTensor() const;
  void AppendMomentTensors(std::vector<TensorView>* tensors) const;
  // Missing or of another shape: Error naming file and tensor.
  void LoadValues(const SafetensorsFile& file);
  void LoadMoments(const SafetensorsFile& file);

  // What a block of `size` numbers takes in memory while it is trained, and in a checkpoint that training can
  // go on from, in bytes.
  static size_t TrainingBytes(size_t size, HalfCopy half_copy);
  static size_t CheckpointBytes(size_t size);

 private:
  TensorView Tensor(const std::string& name, const Buffer<float>& buffer) const;
  void Load(const SafetensorsFile& file, const std::string& name, Buffer<float>* buffer) const;

  std::string name_;
  std::vector<int64_t> shape_;
};

}  // namespace semfield
