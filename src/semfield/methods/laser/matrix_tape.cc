#include "semfield/methods/laser/matrix_tape.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

constexpr float kSmallestShare = 1e-8f;

// c += a b, each row by one thread.
void AddProduct(const Matrix& a, const Matrix& b, Matrix* c) {
  ParallelFor(a.rows, [&](int64_t r, int) {
    float* to = c->values.data() + r * c->columns;
    for (int k = 0; k < a.columns; ++k) {
      const float factor = a.values[r * a.columns + k];
      const float* from = b.values.data() + static_cast<size_t>(k) * b.columns;
      for (int j = 0; j < b.columns; ++j) to[j] += factor * from[j];
    }
  });
}

Matrix Transposed(const Matrix& a) {
  Matrix t(a.columns, a.rows);
  for (int r = 0; r < a.rows; ++r) {
    for (int c = 0; c < a.columns; ++c) t.At(c, r) = a.At(r, c);
  }
  return t;
}

Matrix Product(const Matrix& a, const Matrix& b) {
  SF_CHECK_EQ(a.columns, b.rows);
  Matrix c(a.rows, b.columns);
  AddProduct(a, b, &c);
  return c;
}

void AddTo(Matrix* to, const Matrix& from, float factor = 1) {
  for (size_t i = 0; i < from.values.size(); ++i) to->values[i] += factor * from.values[i];
}

void CheckSameShape(const Matrix& a, const Matrix& b) {
  SF_CHECK_EQ(a.rows, b.rows);
  SF_CHECK_EQ(a.columns, b.columns);
}

}  // namespace

MatrixTape::Id MatrixTape::Push(Matrix value, std::function<void(Id)> back) {
  const Id id = static_cast<Id>(nodes_.size());
  Node node{.value = std::move(value), .gradient = {}, .back = {}};
  if (back) node.back = [back = std::move(back), id] { back(id); };
  nodes_.push_back(std::move(node));
  return id;
}

MatrixTape::Id MatrixTape::Put(Matrix value) {
  return Push(std::move(value), {});
}

MatrixTape::Id MatrixTape::Multiply(Id a, Id b) {
  return Push(Product(value(a), value(b)), [this, a, b](Id id) {
    AddProduct(gradient(id), Transposed(value(b)), &nodes_[a].gradient);
    AddProduct(Transposed(value(a)), gradient(id), &nodes_[b].gradient);
  });
}

MatrixTape::Id MatrixTape::MultiplyTransposed(Id a, Id b) {
  return Push(Product(value(a), Transposed(value(b))), [this, a, b](Id id) {
    AddProduct(gradient(id), value(b), &nodes_[a].gradient);
    AddProduct(Transposed(gradient(id)), value(a), &nodes_[b].gradient);
  });
}

MatrixTape::Id MatrixTape::Add(Id a, Id b) {
  CheckSameShape(value(a), value(b));
  Matrix sum = value(a);
  AddTo(&sum, value(b));
  return Push(std::move(sum), [this, a, b](Id id) {
    AddTo(&nodes_[a].gradient, gradient(id));
    AddTo(&nodes_[b].gradient, gradient(id));
  });
}

MatrixTape::Id MatrixTape::AddRow(Id a, Id row) {
  SF_CHECK_EQ(value(row).rows, 1);
  SF_CHECK_EQ(value(row).columns, value(a).columns);
  Matrix sum = value(a);
  for (int r = 0; r < sum.rows; ++r) {
    for (int c = 0; c < sum.columns; ++c) sum.At(r, c) += value(row).At(0, c);
  }
  return Push(std::move(sum), [this, a, row](Id id) {
    const Matrix& d = gradient(id);
    AddTo(&nodes_[a].gradient, d);
    for (int r = 0; r < d.rows; ++r) {
      for (int c = 0; c < d.columns; ++c) nodes_[row].gradient.At(0, c) += d.At(r, c);
    }
  });
}

MatrixTape::Id MatrixTape::Scale(Id a, float factor) {
  Matrix scaled = value(a);
  for (float& v : scaled.values) v *= factor;
  return Push(std::move(scaled),
              [this, a, factor](Id id) { AddTo(&nodes_[a].gradient, gradient(id), factor); });
}

MatrixTape::Id MatrixTape::Shift(Id a, float summand) {
  Matrix shifted = value(a);
  for (float& v : shifted.values) v += summand;
  return Push(std::move(shifted), [this, a](Id id) { AddTo(&nodes_[a].gradient, gradient(id)); });
}

MatrixTape::Id MatrixTape::Relu(Id a) {
  Matrix out = value(a);
  for (float& v : out.values) v = std::max(v, 0.0f);
  return Push(std::move(out), [this, a](Id id) {
    for (size_t i = 0; i < value(id).values.size(); ++i) {
      if (value(id).values[i] > 0) nodes_[a].gradient.values[i] += gradient(id).values[i];
    }
  });
}

MatrixTape::Id MatrixTape::SoftmaxOfRows(Id a) {
  Matrix out = value(a);
  ParallelFor(out.rows, [&](int64_t r, int) {
    float* row = out.values.data() + r * out.columns;
    const float largest = *std::max_element(row, row + out.columns);
    float sum = 0;
    for (int c = 0; c < out.columns; ++c) sum += row[c] = std::exp(row[c] - largest);
    for (int c = 0; c < out.columns; ++c) row[c] /= sum;
  });
  return Push(std::move(out), [this, a](Id id) {
    // da = p (dp - p . dp)
    const Matrix &p = value(id), &dp = gradient(id);
    Matrix& da = nodes_[a].gradient;
    ParallelFor(p.rows, [&](int64_t r, int) {
      const size_t first = r * p.columns;
      float dot = 0;
      for (int c = 0; c < p.columns; ++c) dot += p.values[first + c] * dp.values[first + c];
      for (int c = 0; c < p.columns; ++c)
        da.values[first + c] += p.values[first + c] * (dp.values[first + c] - dot);
    });
  });
}

MatrixTape::Id MatrixTape::NormalizeRows(Id a, float shortest) {
  Matrix out = value(a);
  std::vector<float> inverse(out.rows);
  std::vector<bool> is_short(out.rows);
  for (int r = 0; r < out.rows; ++r) {
    float square = 0;
    for (int c = 0; c < out.columns; ++c) square += out.At(r, c) * out.At(r, c);
    is_short[r] = std::sqrt(square) < shortest;
    inverse[r] = 1 / std::max(shortest, std::sqrt(square));
    for (int c = 0; c < out.columns; ++c) out.At(r, c) *= inverse[r];
  }
  return Push(std::move(out), [this, a, inverse, is_short](Id id) {
    const Matrix &u = value(id), &du = gradient(id);
    for (int r = 0; r < u.rows; ++r) {
      float along = 0;
      for (int c = 0; c < u.columns && !is_short[r]; ++c) along += u.At(r, c) * du.At(r, c);
      for (int c = 0; c < u.columns; ++c)
        nodes_[a].gradient.At(r, c) += (du.At(r, c) - u.At(r, c) * along) * inverse[r];
    }
  });
}

MatrixTape::Id MatrixTape::StandardizeColumns(Id a) {
  const Matrix& in = value(a);
  Matrix out(in.rows, in.columns);
  std::vector<int> least(in.columns, 0), most(in.columns, 0);
  for (int c = 0; c < in.columns; ++c) {
    for (int r = 1; r < in.rows; ++r) {
      if (in.At(r, c) < in.At(least[c], c)) least[c] = r;
      if (in.At(r, c) > in.At(most[c], c)) most[c] = r;
    }
    const float low = in.At(least[c], c), range = in.At(most[c], c) - low;
    if (range > 0) {
      for (int r = 0; r < in.rows; ++r) out.At(r, c) = (in.At(r, c) - low) / range;
    }
  }
  return Push(std::move(out), [this, a, least, most](Id id) {
    // s = (x - l) / (m - l): dx = ds / range, dl = - sum ds (1 - s) / range, dm = - sum ds s / range
    const Matrix &s = value(id), &ds = gradient(id), &x = value(a);
    Matrix& dx = nodes_[a].gradient;
    for (int c = 0; c < s.columns; ++c) {
      const float range = x.At(most[c], c) - x.At(least[c], c);
      if (range <= 0) continue;
      float d_least = 0, d_most = 0;
      for (int r = 0; r < s.rows; ++r) {
        dx.At(r, c) += ds.At(r, c) / range;
        d_least -= ds.At(r, c) * (1 - s.At(r, c)) / range;
        d_most -= ds.At(r, c) * s.At(r, c) / range;
      }
      dx.At(least[c], c) += d_least;
      dx.At(most[c], c) += d_most;
    }
  });
}

MatrixTape::Id MatrixTape::Transpose(Id a) {
  return Push(Transposed(value(a)),
              [this, a](Id id) { AddTo(&nodes_[a].gradient, Transposed(gradient(id))); });
}

MatrixTape::Id MatrixTape::Constant(Id a) {
  return Put(value(a));
}

MatrixTape::Id MatrixTape::MeanDotOfRows(Id a, Id b) {
  CheckSameShape(value(a), value(b));
  double sum = 0;
  for (size_t i = 0; i < value(a).values.size(); ++i)
    sum += static_cast<double>(value(a).values[i]) * value(b).values[i];
  return Push(Matrix(1, 1, static_cast<float>(sum / value(a).rows)), [this, a, b](Id id) {
    const float factor = gradient(id).values[0] / static_cast<float>(value(a).rows);
    AddTo(&nodes_[a].gradient, value(b), factor);
    AddTo(&nodes_[b].gradient, value(a), factor);
  });
}

MatrixTape::Id MatrixTape::CrossEntropy(Id share, Id of) {
  CheckSameShape(value(share), value(of));
  double sum = 0;
  for (size_t i = 0; i < value(of).values.size(); ++i)
    sum -=
        static_cast<double>(value(share).values[i]) * std::log(std::max(value(of).values[i], kSmallestShare));
  return Push(Matrix(1, 1, static_cast<float>(sum / value(of).rows)), [this, share, of](Id id) {
    const float factor = gradient(id).values[0] / static_cast<float>(value(of).rows);
    for (size_t i = 0; i < value(of).values.size(); ++i) {
      const float p = value(of).values[i];
      nodes_[share].gradient.values[i] -= factor * std::log(std::max(p, kSmallestShare));
      if (p > kSmallestShare) nodes_[of].gradient.values[i] -= factor * value(share).values[i] / p;
    }
  });
}

MatrixTape::Id MatrixTape::Sum(const std::vector<std::pair<Id, float>>& scalars) {
  float sum = 0;
  for (const auto& [id, weight] : scalars) sum += weight * value(id).values.at(0);
  return Push(Matrix(1, 1, sum), [this, scalars](Id id) {
    for (const auto& [from, weight] : scalars)
      nodes_[from].gradient.values[0] += weight * gradient(id).values[0];
  });
}

void MatrixTape::Backward(Id scalar) {
  SF_CHECK_EQ(value(scalar).values.size(), 1u);
  for (Node& node : nodes_) node.gradient = Matrix(node.value.rows, node.value.columns);
  nodes_[scalar].gradient.values[0] = 1;
  for (Id id = scalar; id >= 0; --id) {
    if (nodes_[id].back) nodes_[id].back();
  }
}

}  // namespace semfield
