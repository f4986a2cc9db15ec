#include "semfield/scenes/nn/short_attention.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "semfield/base/check.h"

// One source for several instruction sets; the loader of the library chooses.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define SF_MANY_TARGETS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SF_MANY_TARGETS
#endif

namespace semfield::nn {
namespace {

// Of one head of one sequence.
struct Shape {
  int64_t count = 0;   // S
  int64_t width = 0;   // d
  int64_t stride = 0;  // floats from one point's query to the next one's
  int64_t keys = 0;    // floats from a point's query to its key, and from its key to its value
};

// exp of x <= 0, by Cephes' polynomial; within 2e-7 of it.
inline float ExpOf(float x) {
  x = x < -87.0f ? -87.0f : x;
  const int32_t n =
      static_cast<int32_t>(x * 1.44269504f - 0.5f);  // towards 0 of what is negative: to the nearest
  const auto whole = static_cast<float>(n);
  const float r = x - whole * 0.693359375f + whole * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t bits = (n + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof(power));
  return p * power;
}

// transposed: [d, S] of what lies at `from`.
void Transpose(const Shape& shape, const float* from, float* transposed) {
  for (int64_t o = 0; o < shape.count; ++o) {
    for (int64_t c = 0; c < shape.width; ++c) transposed[c * shape.count + o] = from[o * shape.stride + c];
  }
}

// attention: [S, S]; values: rows of S, `shape.keys` apart. keys: [d, S] to work in.
SF_MANY_TARGETS void Forward(const Shape& shape, const float* query, float* keys, float* attention,
                             float* values) {
  const int64_t n = shape.count, d = shape.width;
  const float scale = 1 / std::sqrt(static_cast<float>(d));
  Transpose(shape, query + shape.keys, keys);
  const float* value = query + 2 * shape.keys;
  for (int64_t s = 0; s < n; ++s) {
    float* row = attention + s * n;
    std::fill_n(row, n, 0.0f);
    for (int64_t c = 0; c < d; ++c) {
      const float q = query[s * shape.stride + c] * scale;
      const float* key = keys + c * n;
      for (int64_t o = 0; o < n; ++o) row[o] += q * key[o];
    }
    float most = row[0];
    for (int64_t o = 1; o < n; ++o) most = row[o] > most ? row[o] : most;
    for (int64_t o = 0; o < n; ++o) row[o] = ExpOf(row[o] - most);
    float sum = 0;
    for (int64_t o = 0; o < n; ++o) sum += row[o];
    const float part = 1 / sum;
    for (int64_t o = 0; o < n; ++o) row[o] *= part;
    float* out = values + s * shape.keys;
    std::fill_n(out, d, 0.0f);
    for (int64_t o = 0; o < n; ++o) {
      for (int64_t c = 0; c < d; ++c) out[c] += row[o] * value[o * shape.stride + c];
    }
  }
}

struct BackwardOf {
  const float* query;
  const float* attention;
  const float* of_values;     // rows of S, `shape.keys` apart
  const float* of_attention;  // [S, S]; nullptr: none
};

// Adds to `gradient`, laid out as `query`. work: [d + 1, S].
SF_MANY_TARGETS void Backward(const Shape& shape, const BackwardOf& of, float* work, float* gradient) {
  const int64_t n = shape.count, d = shape.width;
  const float scale = 1 / std::sqrt(static_cast<float>(d));
  const float *key = of.query + shape.keys, *value = of.query + 2 * shape.keys;
  float *values = work, *of_scores = work + d * n;
  Transpose(shape, value, values);
  for (int64_t s = 0; s < n; ++s) {
    const float* row = of.attention + s * n;
    const float* out = of.of_values + s * shape.keys;
    if (of.of_attention != nullptr) {
      std::copy_n(of.of_attention + s * n, n, of_scores);
    } else {
      std::fill_n(of_scores, n, 0.0f);
    }
    for (int64_t c = 0; c < d; ++c) {
      for (int64_t o = 0; o < n; ++o) of_scores[o] += out[c] * values[c * n + o];
    }
    float dot = 0;
    for (int64_t o = 0; o < n; ++o) dot += of_scores[o] * row[o];
    for (int64_t o = 0; o < n; ++o) of_scores[o] = row[o] * (of_scores[o] - dot) * scale;
    float* of_query = gradient + s * shape.stride;
    for (int64_t o = 0; o < n; ++o) {
      float* of_key = gradient + o * shape.stride + shape.keys;
      float* of_value = of_key + shape.keys;
      for (int64_t c = 0; c < d; ++c) {
        of_query[c] += of_scores[o] * key[o * shape.stride + c];
        of_key[c] += of_scores[o] * of.query[s * shape.stride + c];
        of_value[c] += row[o] * out[c];
      }
    }
  }
}

Shape ShapeOf(const torch::Tensor& query_key_value, int64_t heads) {
  const int64_t stride = query_key_value.size(2);
  SF_CHECK(stride % (3 * heads) == 0);
  return {
      .count = query_key_value.size(1), .width = stride / (3 * heads), .stride = stride, .keys = stride / 3};
}

class ShortAttentionFunction : public torch::autograd::Function<ShortAttentionFunction> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const torch::Tensor& given, int64_t heads) {
    const torch::Tensor all = given.contiguous();
    const Shape shape = ShapeOf(all, heads);
    const int64_t sequences = all.size(0), n = shape.count;
    torch::Tensor values = torch::empty({sequences, n, shape.keys});
    torch::Tensor attention = torch::empty({sequences, heads, n, n});
    at::parallel_for(0, sequences, 4, [&](int64_t begin, int64_t end) {
      std::vector<float> keys(static_cast<size_t>(shape.width * n));
      for (int64_t b = begin; b < end; ++b) {
        for (int64_t h = 0; h < heads; ++h) {
          Forward(shape, all.data_ptr<float>() + b * n * shape.stride + h * shape.width, keys.data(),
                  attention.data_ptr<float>() + (b * heads + h) * n * n,
                  values.data_ptr<float>() + b * n * shape.keys + h * shape.width);
        }
      }
    });
    context->save_for_backward({all, attention});
    context->saved_data["heads"] = heads;
    return {values, attention};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor all = saved[0], attention = saved[1];
    const int64_t heads = context->saved_data["heads"].toInt();
    const Shape shape = ShapeOf(all, heads);
    const int64_t sequences = all.size(0), n = shape.count;
    const torch::Tensor of_values =
        gradients[0].defined() ? gradients[0].contiguous() : torch::zeros({sequences, n, shape.keys});
    const torch::Tensor of_attention = gradients[1].defined() ? gradients[1].contiguous() : torch::Tensor();
    torch::Tensor gradient = torch::zeros_like(all);
    at::parallel_for(0, sequences, 4, [&](int64_t begin, int64_t end) {
      std::vector<float> work(static_cast<size_t>((shape.width + 1) * n));
      for (int64_t b = begin; b < end; ++b) {
        for (int64_t h = 0; h < heads; ++h) {
          const int64_t at = b * n * shape.stride + h * shape.width, square = (b * heads + h) * n * n;
          Backward(
              shape,
              {.query = all.data_ptr<float>() + at,
               .attention = attention.data_ptr<float>() + square,
               .of_values = of_values.data_ptr<float>() + b * n * shape.keys + h * shape.width,
               .of_attention = of_attention.defined() ? of_attention.data_ptr<float>() + square : nullptr},
              work.data(), gradient.data_ptr<float>() + at);
        }
      }
    });
    return {gradient, torch::Tensor()};
  }
};

}  // namespace

ShortAttended ShortAttention(const torch::Tensor& query_key_value, int64_t heads) {
  const torch::autograd::variable_list both = ShortAttentionFunction::apply(query_key_value, heads);
  return {.values = both[0], .attention = both[1]};
}

}  // namespace semfield::nn
