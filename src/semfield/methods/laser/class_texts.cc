#include "semfield/methods/laser/class_texts.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"

namespace semfield {
namespace {

constexpr double kSmallestPivot = 1e-6;  // names whose vectors are alike stay apart by its root

std::vector<double> ScaledRow(const Matrix& matrix, int row) {
  double square = 0;
  for (int c = 0; c < matrix.columns; ++c)
    square += static_cast<double>(matrix.At(row, c)) * matrix.At(row, c);
  std::vector<double> out(matrix.columns);
  for (int c = 0; c < matrix.columns; ++c) out[c] = matrix.At(row, c) / std::sqrt(std::max(square, 1e-12));
  return out;
}

void NormalizeRowsOf(Matrix* matrix) {
  for (int r = 0; r < matrix->rows; ++r) {
    const std::vector<double> row = ScaledRow(*matrix, r);
    for (int c = 0; c < matrix->columns; ++c) matrix->At(r, c) = static_cast<float>(row[c]);
  }
}

}  // namespace

Matrix LowerTriangle(const Matrix& gram) {
  SF_CHECK_EQ(gram.rows, gram.columns);
  const int n = gram.rows;
  std::vector<double> lower(static_cast<size_t>(n) * n, 0);
  const auto at = [&](int i, int j) -> double& { return lower[static_cast<size_t>(i) * n + j]; };
  for (int j = 0; j < n; ++j) {
    double pivot = gram.At(j, j);
    for (int k = 0; k < j; ++k) pivot -= at(j, k) * at(j, k);
    at(j, j) = std::sqrt(std::max(pivot, kSmallestPivot));
    for (int i = j + 1; i < n; ++i) {
      double sum = gram.At(i, j);
      for (int k = 0; k < j; ++k) sum -= at(i, k) * at(j, k);
      at(i, j) = sum / at(j, j);
    }
  }
  Matrix out(n, n);
  for (size_t i = 0; i < lower.size(); ++i) out.values[i] = static_cast<float>(lower[i]);
  return out;
}

ClassTexts EncodeClassTexts(const std::vector<std::string>& names, TextEncoder& encoder) {
  const int n = static_cast<int>(names.size());
  std::vector<std::vector<float>> once, twice;
  for (const std::string& name : names) {
    once.push_back(encoder.Encode(name));
    twice.push_back(encoder.Encode(name + " " + name));
  }
  Matrix gram(n, n);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) gram.At(i, j) = static_cast<float>(Cosine(once[i], once[j]));
  }
  ClassTexts texts{.once = LowerTriangle(gram), .twice = Matrix(n, n)};
  // Coordinates y of a vector v: L y = (dot products of v with the names).
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = Cosine(twice[i], once[j]);
      for (int k = 0; k < j; ++k) sum -= static_cast<double>(texts.once.At(j, k)) * texts.twice.At(i, k);
      texts.twice.At(i, j) = static_cast<float>(sum / texts.once.At(j, j));
    }
  }
  NormalizeRowsOf(&texts.once);
  NormalizeRowsOf(&texts.twice);
  return texts;
}

}  // namespace semfield
