#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace semfield {

// Rows of numbers: value(r, c) = values[r * columns + c].
struct Matrix {
  int rows = 0, columns = 0;
  std::vector<float> values;  // [rows, columns]

  Matrix() = default;
  Matrix(int num_rows, int num_columns, float value = 0)
      : rows(num_rows), columns(num_columns), values(static_cast<size_t>(num_rows) * num_columns, value) {}
  float& At(int row, int column) { return values[static_cast<size_t>(row) * columns + column]; }
  float At(int row, int column) const { return values[static_cast<size_t>(row) * columns + column]; }
};

// Remembers what was computed of what, to go back through it: the losses of Laser join a dozen small
// matrices. Results and derivatives are the same bits with any number of threads. Shapes that do not fit: a
// failed check.
class MatrixTape {
 public:
  using Id = int;  // of a matrix of this tape

  Id Put(Matrix value);
  const Matrix& value(Id id) const { return nodes_[id].value; }
  // Of the scalar that Backward was called with, by that matrix.
  const Matrix& gradient(Id id) const { return nodes_[id].gradient; }

  Id Multiply(Id a, Id b);            // a b
  Id MultiplyTransposed(Id a, Id b);  // a b^T
  Id Add(Id a, Id b);
  Id AddRow(Id a, Id row);  // to every row of a
  Id Scale(Id a, float factor);
  Id Shift(Id a, float summand);
  Id Relu(Id a);
  Id SoftmaxOfRows(Id a);
  // To length 1; rows shorter than `shortest` are divided by that, so that what is next to zero has bounded
  // derivatives.
  Id NormalizeRows(Id a, float shortest = kShortestRow);
  static constexpr float kShortestRow = 1e-6f;
  // Each column to [0, 1] by its least and its largest number; a column of one value becomes 0.
  Id StandardizeColumns(Id a);
  Id Transpose(Id a);
  Id Constant(Id a);  // the same, from which nothing goes back
  // Scalars.
  Id MeanDotOfRows(Id a, Id b);      // mean over rows of their dot product
  Id CrossEntropy(Id share, Id of);  // mean over rows of - sum share log of, which is kept above 1e-8
  Id Sum(const std::vector<std::pair<Id, float>>& weighted_scalars);

  void Backward(Id scalar);

 private:
  struct Node {
    Matrix value, gradient;
    std::function<void()> back;  // adds to the gradients of what it was made of; none: nothing
  };
  Id Push(Matrix value, std::function<void(Id)> back);

  std::vector<Node> nodes_;
};

}  // namespace semfield
