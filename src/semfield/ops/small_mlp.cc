#include "semfield/ops/small_mlp.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "semfield/base/check.h"
#include "semfield/ops/small_mlp_bf16.h"
#include "semfield/ops/small_mlp_layers.h"
#include "semfield/ops/thread_scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "semfield/ops/small_mlp.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"

#include "semfield/ops/lane_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semfield::ops::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(F()));

// Register tiles: rows x vectors of accumulators, as many as the registers hold beside one row of operands.
// Fewer than eight accumulators could not hide the latency of two multiply-adds a cycle.
#if HWY_TARGET == HWY_AVX3
constexpr int kTileRows = 6;
constexpr int kTileVectors = 4;
constexpr int kOuterRows = 6;
#elif HWY_TARGET == HWY_AVX2
constexpr int kTileRows = 6;
constexpr int kTileVectors = 2;
constexpr int kOuterRows = 3;
#else
// One output and a run of columns, a loop that the compiler turns into the vectors of the baseline.
constexpr int kTileRows = 1;
constexpr int kTileVectors = 16;
constexpr int kOuterRows = 3;
#endif
constexpr int kOuterColumns = 4;
constexpr int kBlock = internal::kMlpBlock;
// Rows of x whose whole tile of columns stays in L2 while all outputs pass over them.
constexpr int kOuterPanel = 64;

static_assert(kBlock % kColumnBlock == 0 && kColumnBlock % kLanes == 0);

// What becomes of a sum s; `gate` holds the values after the nonlinearity.
enum class Gate {
  kNone,           // s
  kRelu,           // s > 0 ? s : 0
  kLeaky,          // s > 0 ? s : slope * s
  kReluBackward,   // gate > 0 ? s : 0
  kLeakyBackward,  // gate > 0 ? s : slope * s
};

// s[row][column] = bias[row] + sum_k A(row, k) x[k][column], then y by `gate_kind`. A is `weights`
// [rows][depth] or, transposed, [depth][rows].
struct Product {
  const float* weights;
  const float* bias;  // null: 0
  int rows;
  int depth;
  const float* x;
  size_t x_stride;
  float* y;
  size_t y_stride;
  Gate gate_kind;
  const float* gate;  // read by the backward kinds only
  size_t gate_stride;
  float slope;
};

// A sum that is not a number stays one, so that a diverging network shows.
template <Gate kGate>
HWY_INLINE V ApplyGate(V sum, V slope, const float* gate) {
  const F d;
  const V zero = hn::Zero(d);
  if constexpr (kGate == Gate::kRelu) return hn::IfThenZeroElse(hn::Lt(sum, zero), sum);
  if constexpr (kGate == Gate::kLeaky) return hn::IfThenElse(hn::Gt(sum, zero), sum, hn::Mul(slope, sum));
  if constexpr (kGate == Gate::kReluBackward)
    return hn::IfThenElseZero(hn::Gt(hn::LoadU(d, gate), zero), sum);
  if constexpr (kGate == Gate::kLeakyBackward) {
    return hn::IfThenElse(hn::Gt(hn::LoadU(d, gate), zero), sum, hn::Mul(slope, sum));
  }
  return sum;
}

template <Gate kGate, int kRows, int kVectors>
HWY_INLINE void StoreTile(const Product& p, int row, size_t column, const V (&sum)[kRows][kVectors]) {
  const F d;
  float* HWY_RESTRICT y = p.y + row * p.y_stride + column;
  const float* gate = p.gate + row * p.gate_stride + column;
  const V slope = hn::Set(d, p.slope);
  // Row pointers move on row by row: addresses of all rows at once need more registers than there are.
  HWY_UNROLL(8)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (int c = 0; c < kVectors; ++c) {
      const size_t offset = static_cast<size_t>(c) * kLanes;
      hn::StoreU(ApplyGate<kGate>(sum[r][c], slope, gate + offset), d, y + offset);
    }
    y += p.y_stride;
    if constexpr (kGate == Gate::kReluBackward || kGate == Gate::kLeakyBackward) gate += p.gate_stride;
  }
}

template <int kRows, int kVectors, bool kTransposed>
HWY_NOINLINE void ProductTile(const Product& p, int row, size_t column) {
  const F d;
  const size_t row_step = kTransposed ? 1 : p.depth;
  const size_t depth_step = kTransposed ? p.rows : 1;
  const float* HWY_RESTRICT weights = p.weights + row * row_step;
  const float* HWY_RESTRICT x = p.x + column;
  const size_t x_stride = p.x_stride;
  V sum[kRows][kVectors];
  HWY_UNROLL(8)
  for (int r = 0; r < kRows; ++r) {
    const V bias = p.bias == nullptr ? hn::Zero(d) : hn::Set(d, p.bias[row + r]);
    HWY_UNROLL(8)
    for (int c = 0; c < kVectors; ++c) sum[r][c] = bias;
  }
  for (int k = 0; k < p.depth; ++k) {
    V values[kVectors];
    HWY_UNROLL(8)
    for (int c = 0; c < kVectors; ++c) values[c] = hn::LoadU(d, x + c * kLanes);
    HWY_UNROLL(8)
    for (int r = 0; r < kRows; ++r) {
      const V weight = hn::Set(d, weights[r * row_step]);
      HWY_UNROLL(8)
      for (int c = 0; c < kVectors; ++c) sum[r][c] = hn::MulAdd(weight, values[c], sum[r][c]);
    }
    x += x_stride;
    weights += depth_step;
  }
  if constexpr (kTransposed) {
    switch (p.gate_kind) {
      case Gate::kReluBackward:
        return StoreTile<Gate::kReluBackward>(p, row, column, sum);
      case Gate::kLeakyBackward:
        return StoreTile<Gate::kLeakyBackward>(p, row, column, sum);
      default:
        return StoreTile<Gate::kNone>(p, row, column, sum);
    }
  } else {
    switch (p.gate_kind) {
      case Gate::kRelu:
        return StoreTile<Gate::kRelu>(p, row, column, sum);
      case Gate::kLeaky:
        return StoreTile<Gate::kLeaky>(p, row, column, sum);
      default:
        return StoreTile<Gate::kNone>(p, row, column, sum);
    }
  }
}

template <int kRows, int kVectors, bool kTransposed>
HWY_INLINE void ProductRows(const Product& p, int row, int rows, size_t column) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return ProductRows<kRows - 1, kVectors, kTransposed>(p, row, rows, column);
  }
  ProductTile<kRows, kVectors, kTransposed>(p, row, column);
}

// All rows of kVectors vectors of columns, in tiles whose heights differ by at most one.
template <int kVectors, bool kTransposed>
void ProductStrip(const Product& p, size_t column) {
  const int num_tiles = (p.rows + kTileRows - 1) / kTileRows;
  for (int tile = 0; tile < num_tiles; ++tile) {
    const int row = p.rows * tile / num_tiles;
    const int rows = p.rows * (tile + 1) / num_tiles - row;
    ProductRows<kTileRows, kVectors, kTransposed>(p, row, rows, column);
  }
}

// num_columns is a multiple of kColumnBlock.
template <bool kTransposed>
void MultiplyColumns(const Product& p, size_t num_columns) {
  size_t column = 0;
  for (; column + kTileVectors * kLanes <= num_columns; column += kTileVectors * kLanes) {
    ProductStrip<kTileVectors, kTransposed>(p, column);
  }
  if constexpr (kTileVectors * kLanes > kColumnBlock) {
    if (num_columns - column >= 2 * kLanes) {
      ProductStrip<2, kTransposed>(p, column);
      column += 2 * kLanes;
    }
    if (column < num_columns) ProductStrip<1, kTransposed>(p, column);
  }
}

// Without a tape the hidden layers of one block of columns go through `block_scratch`, two layers of kBlock
// columns.
void ForwardImpl(const MlpShape& shape, const float* parameters, const MlpInput& input, float* output,
                 MlpTape* tape, float* block_scratch) {
#if HWY_TARGET == HWY_AVX3
  if (shape.bfloat16 && internal::HasBrainFloats()) {
    return internal::BrainForward(shape, parameters, input, output, tape);
  }
#endif
  const size_t num_columns = PaddedColumns(input.num_columns);
  const Gate nonlinearity = shape.leaky_slope == 0 ? Gate::kRelu : Gate::kLeaky;
  for (size_t begin = 0; begin < num_columns; begin += kBlock) {
    const size_t count = std::min<size_t>(kBlock, num_columns - begin);
    const float* x = input.rows + begin;
    size_t x_stride = input.stride;
    for (int l = 0; l < internal::MlpNumLayers(shape); ++l) {
      const internal::MlpLayer layer = internal::GetMlpLayer(shape, l);
      const bool last = l == shape.num_hidden;
      float* y = output + begin;
      size_t y_stride = input.stride;
      if (!last && tape != nullptr) {
        y = tape->Row<float>(l * shape.hidden) + begin;
      } else if (!last) {
        y = block_scratch + static_cast<size_t>(l % 2) * shape.hidden * kBlock;
        y_stride = kBlock;
      }
      const Product product{parameters + layer.weights,
                            shape.bias ? parameters + layer.biases : nullptr,
                            layer.output,
                            layer.input,
                            x,
                            x_stride,
                            y,
                            y_stride,
                            last ? Gate::kNone : nonlinearity,
                            y,
                            y_stride,
                            shape.leaky_slope};
      MultiplyColumns<false>(product, count);
      x = y;
      x_stride = y_stride;
    }
  }
}

// gradient[o][i] += sum_column d[o][column] x[i][column].
struct Outer {
  const float* d;
  const float* x;
  size_t stride;
  int num_columns;
  float* gradient;
  int num_inputs;
};

template <int kRows, int kColumns>
HWY_NOINLINE void OuterTile(const Outer& p, int o, int i) {
  const F d;
  const float* HWY_RESTRICT left = p.d + o * p.stride;
  const float* HWY_RESTRICT right = p.x + i * p.stride;
  const size_t stride = p.stride;
  V sum[kRows][kColumns];
  HWY_UNROLL(8)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (int c = 0; c < kColumns; ++c) sum[r][c] = hn::Zero(d);
  }
  const auto accumulate = [&](const auto& load, int column) HWY_ATTR {
    V values[kColumns];
    HWY_UNROLL(8)
    for (int c = 0; c < kColumns; ++c) values[c] = load(right + c * stride + column);
    HWY_UNROLL(8)
    for (int r = 0; r < kRows; ++r) {
      const V value = load(left + r * stride + column);
      HWY_UNROLL(8)
      for (int c = 0; c < kColumns; ++c) sum[r][c] = hn::MulAdd(value, values[c], sum[r][c]);
    }
  };
  const int whole = p.num_columns - p.num_columns % kLanes;
  for (int column = 0; column < whole; column += kLanes) {
    accumulate([&](const float* from) HWY_ATTR { return hn::LoadU(d, from); }, column);
  }
  if (whole < p.num_columns) {
    const auto mask = hn::FirstN(d, p.num_columns - whole);
    accumulate([&](const float* from) HWY_ATTR { return hn::MaskedLoad(mask, d, from); }, whole);
  }
  HWY_UNROLL(8)
  for (int r = 0; r < kRows; ++r) {
    float* gradient = p.gradient + static_cast<size_t>(o + r) * p.num_inputs + i;
    if constexpr (kColumns == 4) {
      AddSums4(sum[r][0], sum[r][1], sum[r][2], sum[r][3], gradient);
    } else {
      for (int c = 0; c < kColumns; ++c) gradient[c] += hn::GetLane(hn::SumOfLanes(d, sum[r][c]));
    }
  }
}

template <int kRows>
void OuterStrip(const Outer& p, int o, int i_begin, int i_end) {
  int i = i_begin;
  for (; i + kOuterColumns <= i_end; i += kOuterColumns) OuterTile<kRows, kOuterColumns>(p, o, i);
  if (i + 2 <= i_end) {
    OuterTile<kRows, 2>(p, o, i);
    i += 2;
  }
  if (i < i_end) OuterTile<kRows, 1>(p, o, i);
}

template <int kRows>
HWY_INLINE void OuterRows(const Outer& p, int o, int rows, int i_begin, int i_end) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return OuterRows<kRows - 1>(p, o, rows, i_begin, i_end);
  }
  OuterStrip<kRows>(p, o, i_begin, i_end);
}

void AddWeightGradient(const Outer& p, int num_outputs) {
  const int num_tiles = (num_outputs + kOuterRows - 1) / kOuterRows;
  for (int panel = 0; panel < p.num_inputs; panel += kOuterPanel) {
    const int end = std::min(panel + kOuterPanel, p.num_inputs);
    for (int tile = 0; tile < num_tiles; ++tile) {
      const int o = num_outputs * tile / num_tiles;
      OuterRows<kOuterRows>(p, o, num_outputs * (tile + 1) / num_tiles - o, panel, end);
    }
  }
}

void AddBiasGradient(const float* d_y, size_t stride, int num_columns, int num_outputs, float* gradient) {
  const F d;
  const int whole = num_columns - num_columns % kLanes;
  const auto mask = hn::FirstN(d, num_columns - whole);
  for (int o = 0; o < num_outputs; ++o) {
    const float* row = d_y + o * stride;
    V sum = whole < num_columns ? hn::MaskedLoad(mask, d, row + whole) : hn::Zero(d);
    for (int column = 0; column < whole; column += kLanes) sum = hn::Add(sum, hn::LoadU(d, row + column));
    gradient[o] += hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

// `scratch`: two layers of the widest rows.
void BackwardImpl(const MlpShape& shape, const float* parameters, const MlpInput& input, const MlpTape& tape,
                  const MlpGradients& gradients, float* scratch) {
#if HWY_TARGET == HWY_AVX3
  if (shape.bfloat16 && internal::HasBrainFloats()) {
    return internal::BrainBackward(shape, parameters, input, tape, gradients);
  }
#endif
  const size_t stride = input.stride;
  const int num_columns = input.num_columns;
  const Gate nonlinearity = shape.leaky_slope == 0 ? Gate::kReluBackward : Gate::kLeakyBackward;
  const float* d_y = gradients.d_output;
  for (int l = shape.num_hidden; l >= 0; --l) {
    const internal::MlpLayer layer = internal::GetMlpLayer(shape, l);
    const float* x = l == 0 ? input.rows : tape.Row<float>((l - 1) * shape.hidden);
    float* d_weights = gradients.d_parameters + layer.weights;
    AddWeightGradient({d_y, x, stride, num_columns, d_weights, layer.input}, layer.output);
    if (shape.bias) {
      AddBiasGradient(d_y, stride, num_columns, layer.output, gradients.d_parameters + layer.biases);
    }
    float* d_x = l == 0 ? gradients.d_input
                        : scratch + static_cast<size_t>(l % 2) * internal::MlpWidest(shape) * stride;
    if (d_x == nullptr) return;
    const Product product{
        parameters + layer.weights,          nullptr, layer.input, layer.output,     d_y, stride, d_x, stride,
        l == 0 ? Gate::kNone : nonlinearity, x,       stride,      shape.leaky_slope};
    MultiplyColumns<true>(product, PaddedColumns(num_columns));
    d_y = d_x;
  }
}

bool HasBfloat16Impl() {
#if HWY_TARGET == HWY_AVX3
  return internal::HasBrainFloats();
#else
  return false;
#endif
}

}  // namespace
}  // namespace semfield::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semfield::ops {
namespace {

HWY_EXPORT(ForwardImpl);
HWY_EXPORT(BackwardImpl);
HWY_EXPORT(HasBfloat16Impl);

struct BlockOfLayers {};
struct LayerGradients {};

void CheckShape(const MlpShape& shape) {
  SF_CHECK_GT(shape.input, 0);
  SF_CHECK_GT(shape.output, 0);
  SF_CHECK_GE(shape.num_hidden, 0);
  SF_CHECK_GT(shape.hidden, 0);
  SF_CHECK(shape.leaky_slope >= 0 && shape.leaky_slope < 1);
}

void CheckInput(const MlpInput& input) {
  SF_CHECK_GE(input.num_columns, 0);
  SF_CHECK_GE(input.stride, static_cast<size_t>(PaddedColumns(input.num_columns)));
}

}  // namespace

bool MlpHasBfloat16() {
  return HWY_DYNAMIC_DISPATCH(HasBfloat16Impl)();
}

size_t MlpNumParameters(const MlpShape& shape) {
  CheckShape(shape);
  const internal::MlpLayer last = internal::GetMlpLayer(shape, shape.num_hidden);
  return last.biases + (shape.bias ? last.output : 0);
}

void MlpInitialize(const MlpShape& shape, Random& random, float* parameters) {
  CheckShape(shape);
  for (int l = 0; l < internal::MlpNumLayers(shape); ++l) {
    const internal::MlpLayer layer = internal::GetMlpLayer(shape, l);
    const float bound = std::sqrt(6.0f / static_cast<float>(layer.input));
    for (size_t p = layer.weights; p < layer.biases; ++p) parameters[p] = random.Uniform(-bound, bound);
    if (shape.bias) std::fill_n(parameters + layer.biases, layer.output, 0.0f);
  }
}

MlpTape::Number MlpTapeNumber(const MlpShape& shape) {
  return shape.bfloat16 && MlpHasBfloat16() ? MlpTape::Number::kBfloat16 : MlpTape::Number::kFloat;
}

void MlpForward(const MlpShape& shape, const float* parameters, const MlpInput& input, float* output,
                MlpTape* tape) {
  CheckShape(shape);
  CheckInput(input);
  float* block = nullptr;
  if (tape != nullptr) {
    tape->Begin(MlpTapeRows(shape), input.stride, MlpTapeNumber(shape));
  } else {
    block = ThreadScratch<BlockOfLayers, float>(2 * static_cast<size_t>(shape.hidden) * internal::kMlpBlock);
  }
  HWY_DYNAMIC_DISPATCH(ForwardImpl)(shape, parameters, input, output, tape, block);
}

void MlpBackward(const MlpShape& shape, const float* parameters, const MlpInput& input, const MlpTape& tape,
                 const MlpGradients& gradients) {
  CheckShape(shape);
  CheckInput(input);
  SF_CHECK_EQ(tape.num_rows(), MlpTapeRows(shape));
  SF_CHECK(shape.num_hidden == 0 || tape.stride() == input.stride);
  SF_CHECK(shape.num_hidden == 0 || tape.number() == MlpTapeNumber(shape));
  float* layers = nullptr;
  if (shape.num_hidden > 0 && tape.number() == MlpTape::Number::kFloat) {
    layers = ThreadScratch<LayerGradients, float>(2 * internal::MlpWidest(shape) * input.stride);
  }
  HWY_DYNAMIC_DISPATCH(BackwardImpl)(shape, parameters, input, tape, gradients, layers);
}

}  // namespace semfield::ops
#endif  // HWY_ONCE
