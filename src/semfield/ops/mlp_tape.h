#pragma once

#include <cstddef>
#include <cstdint>

#include "semfield/base/buffer.h"

namespace semfield::ops {

// Where kept columns of a tile go: ray r keeps its first new_begin[r + 1] - new_begin[r] columns, which move
// from old_begin[r] to new_begin[r]. Columns never move to the right.
struct ColumnMoves {
  const int32_t* old_begin = nullptr;  // [num_rays]
  const int32_t* new_begin = nullptr;  // [num_rays + 1]
  int num_rays = 0;
};

// What a network's forward pass over one tile leaves for its backward pass: the values after each hidden
// layer's nonlinearity, a row a hidden unit. It knows which numbers it holds, so that nobody else has to.
// MlpForward writes it, MlpBackward checks that it fits. Used by one thread at a time.
class MlpTape {
 public:
  enum class Number { kFloat, kBfloat16 };

  // Makes room for rows of either kind of number, so that no later Begin of the same size or a smaller one
  // allocates.
  void Reserve(int num_rows, size_t stride);
  // For MlpForward. From now on the tape holds these rows; what they hold means nothing until it is written.
  void Begin(int num_rows, size_t stride, Number number);

  int num_rows() const { return num_rows_; }
  size_t stride() const { return stride_; }  // numbers between the beginnings of two rows
  Number number() const { return number_; }

  // The first number of a row, 64-byte aligned in row 0. T is float for kFloat and uint16_t, the upper half
  // of a float's bits, for kBfloat16: SF_CHECK.
  template <class T>
  T* Row(int row);
  template <class T>
  const T* Row(int row) const;
  // One value, whatever the numbers are.
  float Value(int row, int column) const;

  // Columns that do not matter any more make way for those that are kept.
  void Compact(const ColumnMoves& moves);

 private:
  static constexpr size_t BytesOf(Number number) {
    return number == Number::kFloat ? sizeof(float) : sizeof(uint16_t);
  }
  void CheckAccess(int row, size_t bytes) const;

  int num_rows_ = 0;
  size_t stride_ = 0;
  Number number_ = Number::kFloat;
  Buffer<unsigned char> bytes_;
};

// The same for rows of a tile that are not on a tape, `stride` numbers apart.
void CompactRows(float* rows, int num_rows, size_t stride, const ColumnMoves& moves);

template <class T>
T* MlpTape::Row(int row) {
  return const_cast<T*>(static_cast<const MlpTape*>(this)->Row<T>(row));
}

template <class T>
const T* MlpTape::Row(int row) const {
  CheckAccess(row, sizeof(T));
  return reinterpret_cast<const T*>(bytes_.data()) + static_cast<size_t>(row) * stride_;
}

}  // namespace semfield::ops
