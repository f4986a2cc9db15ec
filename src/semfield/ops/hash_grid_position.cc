#include "semfield/ops/hash_grid_position.h"

#include <algorithm>

#include "semfield/ops/hash_grid_common.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "semfield/ops/hash_grid_position.cc"
#include <hwy/foreach_target.h>  // compiles this file once for every target

#include <hwy/highway.h>

#include "semfield/ops/hash_grid_interpolation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semfield::ops::hash_grid::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// dots[c][i] = sum_f table(corner c of point i)[f] d_out[f][i]: what the loss gains with the corner's weight.
#if HWY_TARGET == HWY_SCALAR

template <int kFeatures>
void CornerDots(const Half* table, const Corners& corners, const float* d_out, size_t stride,
                float dots[kCorners][kBlock]) {
  for (int c = 0; c < kCorners; ++c) {
    for (int lane = 0; lane < kBlock; ++lane) {
      const Half* entry = table + corners.offset[c][lane];
      float sum = 0;
      for (int f = 0; f < kFeatures; ++f) sum += HalfToFloat(entry[f]) * d_out[f * stride + lane];
      dots[c][lane] = sum;
    }
  }
}

#else

// The features of one corner of as many points as a vector holds, a feature a row.
template <int kFeatures>
HWY_INLINE void CornerRows(const Half* table, const uint32_t* offset, FloatVector rows[kFeatures]) {
  const FloatTag d;
  if constexpr (kFeatures == 2) {
    const hn::Rebind<uint16_t, FloatTag> dh;
    const IndexTag du;
    const auto index = hn::BitCast(IntTag(), hn::ShiftRight<1>(hn::Load(du, offset)));
    const auto pair = hn::GatherIndex(du, reinterpret_cast<const uint32_t*>(table), index);
    rows[0] = ToFloat(d, hn::TruncateTo(dh, pair));
    rows[1] = ToFloat(d, hn::TruncateTo(dh, hn::ShiftRight<16>(pair)));
  } else if constexpr (kFeatures == 4) {
    for (int quad = 0; quad < 4; ++quad) rows[quad] = GatherQuad(d, table, offset + quad);
    TransposeQuads(rows[0], rows[1], rows[2], rows[3]);
  } else {
    for (int quad = 0; quad < 4; ++quad) GatherQuadPair(d, table, offset + quad, rows[quad], rows[4 + quad]);
    TransposeQuads(rows[0], rows[1], rows[2], rows[3]);
    TransposeQuads(rows[4], rows[5], rows[6], rows[7]);
  }
}

template <int kFeatures>
HWY_NOINLINE void CornerDots(const Half* table, const Corners& corners, const float* d_out, size_t stride,
                             float dots[kCorners][kBlock]) {
  const FloatTag d;
  for (int lane = 0; lane < kBlock; lane += kLanes) {
    for (int c = 0; c < kCorners; ++c) {
      FloatVector rows[kFeatures];
      CornerRows<kFeatures>(table, corners.offset[c] + lane, rows);
      auto sum = hn::Mul(rows[0], hn::LoadU(d, d_out + lane));
      for (int f = 1; f < kFeatures; ++f)
        sum = hn::MulAdd(rows[f], hn::LoadU(d, d_out + f * stride + lane), sum);
      hn::Store(sum, d, dots[c] + lane);
    }
  }
}

#endif

// Along one axis the interpolation is linear: the weights of an edge's two ends sum to the weight of the
// other two axes, and the slope is the difference of the ends.
HWY_NOINLINE void EdgeSlopes(const Corners& corners, const float dots[kCorners][kBlock],
                             float slopes[3][kBlock]) {
  const FloatTag d;
  for (int lane = 0; lane < kBlock; lane += static_cast<int>(hn::Lanes(d))) {
    for (int axis = 0; axis < 3; ++axis) {
      auto slope = hn::Zero(d);
      for (int c = 0; c < kCorners; ++c) {
        const int high = c | 1 << axis;
        if (high == c) continue;
        const auto weight =
            hn::Add(hn::Load(d, corners.weight[c] + lane), hn::Load(d, corners.weight[high] + lane));
        slope =
            hn::MulAdd(weight, hn::Sub(hn::Load(d, dots[high] + lane), hn::Load(d, dots[c] + lane)), slope);
      }
      hn::Store(slope, d, slopes[axis] + lane);
    }
  }
}

template <int kFeatures, bool kDense>
void PositionBackward(const ForwardJob& job, const HashGridPositionGradient& gradient) {
  const int64_t count = job.points.count;
  const float* coordinates[3] = {job.points.x, job.points.y, job.points.z};
  const float scale = job.level.scale * gradient.factor;
  ForEachBlock<kFeatures, kDense>(job, 0, count, nullptr, [&](int64_t i, const Corners& corners) HWY_ATTR {
    alignas(64) float dots[kCorners][kBlock], slopes[3][kBlock];
    const int64_t in_block = std::min<int64_t>(kBlock, count - i);
    if (in_block == kBlock) {
      CornerDots<kFeatures>(job.table, corners, gradient.d_out + i, gradient.d_out_stride, dots);
    } else {
      alignas(64) float rows[kFeatures][kBlock] = {};
      for (int f = 0; f < kFeatures; ++f) {
        std::copy_n(gradient.d_out + f * gradient.d_out_stride + i, in_block, rows[f]);
      }
      CornerDots<kFeatures>(job.table, corners, rows[0], kBlock, dots);
    }
    EdgeSlopes(corners, dots, slopes);
    for (int axis = 0; axis < 3; ++axis) {
      const float* coordinate = coordinates[axis] + i;
      float* out = gradient.d_points + axis * gradient.d_points_stride + i;
      for (int64_t p = 0; p < in_block; ++p) {
        const bool inside = coordinate[p] > 0 && coordinate[p] < 1;
        out[p] += inside ? scale * slopes[axis][p] : 0.0f;
      }
    }
  });
}

void RunPositionBackward(int features, const ForwardJob& job, const HashGridPositionGradient& gradient) {
  const bool dense = job.level.dense;
  if (features == 2) {
    return dense ? PositionBackward<2, true>(job, gradient) : PositionBackward<2, false>(job, gradient);
  }
  if (features == 4) {
    return dense ? PositionBackward<4, true>(job, gradient) : PositionBackward<4, false>(job, gradient);
  }
  return dense ? PositionBackward<8, true>(job, gradient) : PositionBackward<8, false>(job, gradient);
}

}  // namespace semfield::ops::hash_grid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semfield::ops {
namespace hash_grid {
namespace {
HWY_EXPORT(RunPositionBackward);

void Dispatch(int features, const ForwardJob& job, const HashGridPositionGradient& gradient) {
  HWY_DYNAMIC_DISPATCH(RunPositionBackward)(features, job, gradient);
}
}  // namespace
}  // namespace hash_grid

void HashGridPositionBackward(const HashGridLayout& layout, int level, const Half* table,
                              const GridPoints& points, const HashGridPositionGradient& gradient) {
  const hash_grid::ForwardJob job{hash_grid::MakeLevel(layout, level), table + layout.levels[level].offset,
                                  points, nullptr, 0};
  hash_grid::Dispatch(layout.config.features_per_level, job, gradient);
}

}  // namespace semfield::ops
#endif  // HWY_ONCE
