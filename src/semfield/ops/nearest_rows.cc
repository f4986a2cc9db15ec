#include "semfield/ops/nearest_rows.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "semfield/ops/nearest_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace semfield::ops::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;

// A block of queries meets a block of rows in registers: 4 x 4 sums, of 8 loads a step.
constexpr int kQueries = 4, kRows = 4;

float TailProduct(const float* a, const float* b, int begin, int end) {
  float sum = 0;
  for (int c = begin; c < end; ++c) sum += a[c] * b[c];
  return sum;
}

void BlockProducts(const float* const* query, const float* const* row, int channels, float* products) {
  const Tag d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  Vec sum[kQueries][kRows];
  for (auto& of_query : sum) {
    for (Vec& one : of_query) one = hn::Zero(d);
  }
  int c = 0;
  for (; c + lanes <= channels; c += lanes) {
    const Vec r0 = hn::LoadU(d, row[0] + c), r1 = hn::LoadU(d, row[1] + c), r2 = hn::LoadU(d, row[2] + c),
              r3 = hn::LoadU(d, row[3] + c);
    for (int q = 0; q < kQueries; ++q) {
      const Vec value = hn::LoadU(d, query[q] + c);
      sum[q][0] = hn::MulAdd(value, r0, sum[q][0]);
      sum[q][1] = hn::MulAdd(value, r1, sum[q][1]);
      sum[q][2] = hn::MulAdd(value, r2, sum[q][2]);
      sum[q][3] = hn::MulAdd(value, r3, sum[q][3]);
    }
  }
  for (int q = 0; q < kQueries; ++q) {
    for (int r = 0; r < kRows; ++r)
      products[q * kRows + r] =
          hn::GetLane(hn::SumOfLanes(d, sum[q][r])) + TailProduct(query[q], row[r], c, channels);
  }
}

// Each block of rows stays in the first cache while all queries meet it.
void NearestImpl(std::span<const float> queries, std::span<const float> rows, int channels, int32_t* best,
                 float* score) {
  const int num_queries = static_cast<int>(queries.size()) / channels;
  const auto num_rows = static_cast<int64_t>(rows.size()) / channels;
  std::fill_n(score, num_queries, -std::numeric_limits<float>::infinity());
  for (int64_t begin = 0; begin < num_rows; begin += kRows) {
    const float* row[kRows];
    for (int r = 0; r < kRows; ++r)
      row[r] = rows.data() + static_cast<size_t>(std::min(begin + r, num_rows - 1)) * channels;
    const int row_count = static_cast<int>(std::min<int64_t>(kRows, num_rows - begin));
    for (int first = 0; first < num_queries; first += kQueries) {
      const float* query[kQueries];
      for (int q = 0; q < kQueries; ++q)
        query[q] = queries.data() + static_cast<size_t>(std::min(first + q, num_queries - 1)) * channels;
      float products[kQueries * kRows];
      BlockProducts(query, row, channels, products);
      for (int q = 0; q < std::min(kQueries, num_queries - first); ++q) {
        for (int r = 0; r < row_count; ++r) {
          if (products[q * kRows + r] <= score[first + q]) continue;
          score[first + q] = products[q * kRows + r];
          best[first + q] = static_cast<int32_t>(begin + r);
        }
      }
    }
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace semfield::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace semfield::ops {

HWY_EXPORT(NearestImpl);

void NearestRows(std::span<const float> queries, std::span<const float> rows, int channels,
                 std::span<int32_t> best, std::span<float> score) {
  constexpr int64_t kBlock = 32;
  SF_CHECK_GT(channels, 0);
  SF_CHECK_EQ(queries.size(), best.size() * channels);
  SF_CHECK_EQ(score.size(), best.size());
  SF_CHECK(!rows.empty());
  ParallelChunks(static_cast<int64_t>(best.size()), kBlock, [&](int64_t begin, int64_t end, int) {
    HWY_DYNAMIC_DISPATCH(NearestImpl)
    (queries.subspan(begin * channels, (end - begin) * channels), rows, channels, best.data() + begin,
     score.data() + begin);
  });
}

}  // namespace semfield::ops

#endif  // HWY_ONCE
