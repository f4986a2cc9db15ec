#include "semfield/scenes/nn/sample_rows.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield::nn {
namespace {

constexpr int64_t kPlacesATask = 512;

struct Corners {
  std::array<int64_t, 4> row;
  std::array<float, 4> weight;
};

// Of the four pixels around a place whose centers are nearest.
Corners CornersOf(float u, float v, int64_t width, int64_t height) {
  const float x = std::clamp(u * width - 0.5f, 0.0f, width - 1.0f);
  const float y = std::clamp(v * height - 0.5f, 0.0f, height - 1.0f);
  const auto x0 = static_cast<int64_t>(x), y0 = static_cast<int64_t>(y);
  const int64_t x1 = std::min(x0 + 1, width - 1), y1 = std::min(y0 + 1, height - 1);
  const float a = x - static_cast<float>(x0), b = y - static_cast<float>(y0);
  return {.row = {y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1},
          .weight = {(1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b}};
}

class SampleRowsFunction : public torch::autograd::Function<SampleRowsFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& maps,
                               const torch::Tensor& at) {
    const int64_t places = at.size(1), height = maps.size(1), width = maps.size(2), channels = maps.size(3);
    torch::Tensor values = torch::empty({maps.size(0), places, channels});
    const float* const from = maps.data_ptr<float>();
    const float* const where = at.data_ptr<float>();
    float* const into = values.data_ptr<float>();
    ParallelChunks(maps.size(0) * places, kPlacesATask, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const Corners corners = CornersOf(where[2 * i], where[2 * i + 1], width, height);
        const float* const map = from + i / places * height * width * channels;
        const float* const a = map + corners.row[0] * channels;
        const float* const b = map + corners.row[1] * channels;
        const float* const c = map + corners.row[2] * channels;
        const float* const d = map + corners.row[3] * channels;
        const auto [wa, wb, wc, wd] = corners.weight;
        float* const out = into + i * channels;
        for (int64_t k = 0; k < channels; ++k) out[k] = wa * a[k] + wb * b[k] + wc * c[k] + wd * d[k];
      }
    });
    context->save_for_backward({at});
    context->saved_data["sizes"] = maps.sizes().vec();
    return values;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    const torch::Tensor at = context->get_saved_variables()[0];
    const std::vector<int64_t> sizes = context->saved_data["sizes"].toIntVector();
    const torch::Tensor of_values = gradients[0].contiguous();
    const int64_t places = at.size(1), channels = sizes[3];
    torch::Tensor of_maps = torch::zeros(sizes);
    const float* const where = at.data_ptr<float>();
    const float* const from = of_values.data_ptr<float>();
    float* const into = of_maps.data_ptr<float>();
    // One task a map: sums are taken in one order, whoever works.
    ParallelFor(sizes[0], [&](int64_t n, int) {
      for (int64_t i = n * places; i < (n + 1) * places; ++i) {
        const Corners corners = CornersOf(where[2 * i], where[2 * i + 1], sizes[2], sizes[1]);
        const float* const gradient = from + i * channels;
        for (int corner = 0; corner < 4; ++corner) {
          float* const row = into + (n * sizes[1] * sizes[2] + corners.row[corner]) * channels;
          const float weight = corners.weight[corner];
          for (int64_t k = 0; k < channels; ++k) row[k] += weight * gradient[k];
        }
      }
    });
    return {of_maps, torch::Tensor()};
  }
};

class CompositeRowsFunction : public torch::autograd::Function<CompositeRowsFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& weights,
                               const torch::Tensor& values) {
    const int64_t rays = values.size(0), samples = values.size(1), channels = values.size(2);
    torch::Tensor sums = torch::zeros({rays, channels});
    const float* const weight = weights.data_ptr<float>();
    const float* const value = values.data_ptr<float>();
    float* const into = sums.data_ptr<float>();
    ParallelChunks(rays, kRaysATask, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin * samples; i < end * samples; ++i) {
        const float w = weight[i];
        const float* const from = value + i * channels;
        float* const out = into + i / samples * channels;
        for (int64_t k = 0; k < channels; ++k) out[k] += w * from[k];
      }
    });
    context->save_for_backward({weights, values});
    return sums;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor of_sums = gradients[0].contiguous();
    torch::Tensor of_weights = torch::empty_like(saved[0]), of_values = torch::empty_like(saved[1]);
    const int64_t samples = saved[1].size(1), channels = saved[1].size(2);
    const float* const weight = saved[0].data_ptr<float>();
    const float* const value = saved[1].data_ptr<float>();
    const float* const from = of_sums.data_ptr<float>();
    float* const weight_into = of_weights.data_ptr<float>();
    float* const value_into = of_values.data_ptr<float>();
    ParallelChunks(saved[1].size(0), kRaysATask, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin * samples; i < end * samples; ++i) {
        const float* const gradient = from + i / samples * channels;
        const float w = weight[i];
        float* const out = value_into + i * channels;
        for (int64_t k = 0; k < channels; ++k) out[k] = w * gradient[k];
        weight_into[i] = Dot(gradient, value + i * channels, channels);
      }
    });
    return {of_weights, of_values};
  }

 private:
  static constexpr int64_t kRaysATask = 32;
  static float Dot(const float* a, const float* b, int64_t count) {
    std::array<float, 8> sums{};  // so that it can be computed eight at a time
    int64_t k = 0;
    for (; k + 8 <= count; k += 8) {
      for (int64_t j = 0; j < 8; ++j) sums[j] += a[k + j] * b[k + j];
    }
    float sum = 0;
    for (; k < count; ++k) sum += a[k] * b[k];
    for (const float part : sums) sum += part;
    return sum;
  }
};

}  // namespace

torch::Tensor CompositeRows(const torch::Tensor& weights, const torch::Tensor& values) {
  SF_CHECK_EQ(weights.size(0), values.size(0));
  SF_CHECK_EQ(weights.size(1), values.size(1));
  return CompositeRowsFunction::apply(weights.contiguous(), values.contiguous());
}

torch::Tensor SampleRows(const torch::Tensor& maps, const torch::Tensor& at) {
  SF_CHECK_EQ(maps.size(0), at.size(0));
  return SampleRowsFunction::apply(maps.contiguous(), at.detach().contiguous());
}

}  // namespace semfield::nn
