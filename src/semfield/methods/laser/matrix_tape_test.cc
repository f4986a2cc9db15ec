// Every operation's derivatives against differences, and its values against sums written out.
#include "semfield/methods/laser/matrix_tape.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/random.h"

namespace semfield {
namespace {

using Id = MatrixTape::Id;

Matrix RandomMatrix(int rows, int columns, uint64_t seed) {
  Matrix matrix(rows, columns);
  Random random(seed, 1);
  for (float& v : matrix.values) v = random.Uniform(-1, 1);
  return matrix;
}

// Derivatives of a scalar that is made of two matrices, against differences.
void CheckGradients(Matrix a, Matrix b, const std::function<Id(MatrixTape&, Id, Id)>& make) {
  const auto scalar = [&] {
    MatrixTape tape;
    const Id x = tape.Put(a), y = tape.Put(b);
    return static_cast<double>(tape.value(make(tape, x, y)).values[0]);
  };
  MatrixTape tape;
  const Id x = tape.Put(a), y = tape.Put(b);
  tape.Backward(make(tape, x, y));
  for (Matrix* matrix : {&a, &b}) {
    const Matrix& gradient = tape.gradient(matrix == &a ? x : y);
    for (size_t i = 0; i < matrix->values.size(); ++i) {
      constexpr float kStep = 2e-3f;
      const float value = matrix->values[i];
      matrix->values[i] = value + kStep;
      const double more = scalar();
      matrix->values[i] = value - kStep;
      const double less = scalar();
      matrix->values[i] = value;
      EXPECT_NEAR(gradient.values[i], (more - less) / (2 * kStep), 2e-3) << i;
    }
  }
}

const Matrix kA = RandomMatrix(4, 3, 1), kB = RandomMatrix(4, 3, 2), kC = RandomMatrix(3, 5, 3),
             kW = RandomMatrix(4, 5, 4);

TEST(MatrixTape, ProductsAreSums) {
  MatrixTape tape;
  const Id a = tape.Put(kA), b = tape.Put(kB), c = tape.Put(kC);
  const Matrix& product = tape.value(tape.Multiply(a, c));
  ASSERT_EQ(product.rows, 4);
  ASSERT_EQ(product.columns, 5);
  double sum = 0;
  for (int k = 0; k < 3; ++k) sum += kA.At(2, k) * kC.At(k, 4);
  EXPECT_NEAR(product.At(2, 4), sum, 1e-6);
  sum = 0;
  for (int k = 0; k < 3; ++k) sum += kA.At(1, k) * kB.At(3, k);
  EXPECT_NEAR(tape.value(tape.MultiplyTransposed(a, b)).At(1, 3), sum, 1e-6);
}

TEST(MatrixTape, GradientsOfProducts) {
  CheckGradients(kA, kC,
                 [](MatrixTape& t, Id a, Id c) { return t.MeanDotOfRows(t.Multiply(a, c), t.Put(kW)); });
  CheckGradients(kA, kB, [](MatrixTape& t, Id a, Id b) {
    return t.MeanDotOfRows(t.MultiplyTransposed(a, b), t.Put(RandomMatrix(4, 4, 9)));
  });
}

TEST(MatrixTape, GradientsOfSumsAndScales) {
  CheckGradients(kA, RandomMatrix(1, 3, 7), [](MatrixTape& t, Id a, Id row) {
    const Id sum = t.AddRow(t.Shift(t.Scale(a, 0.7f), 0.2f), row);
    return t.MeanDotOfRows(t.Add(sum, t.Scale(sum, 2)), t.Put(kB));
  });
  Matrix off_the_kink = kA;
  for (float& value : off_the_kink.values) value += value > 0 ? 0.1f : -0.1f;
  CheckGradients(off_the_kink, kB, [](MatrixTape& t, Id a, Id b) { return t.MeanDotOfRows(t.Relu(a), b); });
  CheckGradients(kA, kB, [](MatrixTape& t, Id a, Id b) {
    return t.Sum({{t.MeanDotOfRows(t.Transpose(a), t.Transpose(b)), 0.5f}, {t.MeanDotOfRows(a, a), -2}});
  });
}

TEST(MatrixTape, GradientsOfSoftmaxAndLengths) {
  CheckGradients(kA, kB, [](MatrixTape& t, Id a, Id b) {
    return t.MeanDotOfRows(t.SoftmaxOfRows(t.Scale(a, 3)), t.NormalizeRows(b));
  });
  CheckGradients(kA, kB, [](MatrixTape& t, Id a, Id b) {
    return t.CrossEntropy(t.SoftmaxOfRows(a), t.SoftmaxOfRows(b));
  });
}

TEST(MatrixTape, ShortRowsAreDividedByTheBound) {
  Matrix rows(2, 3, 0);
  rows.At(0, 0) = 3;
  rows.At(0, 1) = 4;
  rows.At(1, 2) = 0.01f;
  MatrixTape tape;
  const Matrix& unit = tape.value(tape.NormalizeRows(tape.Put(rows), 0.5f));
  EXPECT_FLOAT_EQ(unit.At(0, 0), 0.6f);
  EXPECT_FLOAT_EQ(unit.At(0, 1), 0.8f);
  EXPECT_FLOAT_EQ(unit.At(1, 2), 0.02f);
  CheckGradients(kA, kB, [](MatrixTape& t, Id a, Id b) {
    return t.MeanDotOfRows(t.NormalizeRows(t.Scale(a, 0.3f), 0.5f), b);
  });
}

TEST(MatrixTape, GradientsOfStandardizedColumns) {
  CheckGradients(kA, kB,
                 [](MatrixTape& t, Id a, Id b) { return t.MeanDotOfRows(t.StandardizeColumns(a), b); });
  MatrixTape tape;
  const Matrix& s = tape.value(tape.StandardizeColumns(tape.Put(kA)));
  for (int c = 0; c < 3; ++c) {
    float least = 2, most = -1;
    for (int r = 0; r < 4; ++r) {
      least = std::min(least, s.At(r, c));
      most = std::max(most, s.At(r, c));
    }
    EXPECT_EQ(least, 0);
    EXPECT_EQ(most, 1);
  }
}

TEST(MatrixTape, NothingGoesBackThroughAConstant) {
  MatrixTape tape;
  const Id a = tape.Put(kA), b = tape.Put(kB);
  tape.Backward(tape.MeanDotOfRows(tape.Constant(a), b));
  for (const float v : tape.gradient(a).values) EXPECT_EQ(v, 0);
  EXPECT_NE(tape.gradient(b).values[0], 0);
}

}  // namespace
}  // namespace semfield
