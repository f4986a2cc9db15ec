#include "semfield/ops/small_mlp_bf16.h"

#if defined(__x86_64__)

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 takes the undefined vectors inside its own intrinsics for uses of uninitialised variables.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "semfield/ops/small_mlp_layers.h"
#include "semfield/ops/thread_scratch.h"
#include "semfield/ops/tile.h"

// Highway 1.0 has no vdpbf16ps, so these are intrinsics. Every function that uses them carries the target
// itself.
#define SEMFIELD_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,avx2")))
#define SEMFIELD_BF16_INLINE inline __attribute__((always_inline)) SEMFIELD_BF16

namespace semfield::ops::internal {
namespace {

constexpr int kLanes = 16;
constexpr int kTileRows = 6;  // times 4 vectors of columns: 24 sums hide the latency of two products a cycle
constexpr int kTileVectors = 4;
constexpr int kBlock = kTileVectors * kLanes;
constexpr int kPairLanes = 2 * kLanes;

static_assert(kTileRows % 2 == 0, "tiles begin at even rows, so that pairs of rows never straddle two tiles");

enum class Gate { kNone, kRelu, kLeaky, kReluBackward, kLeakyBackward };

int Pairs(int rows) {
  return (rows + 1) / 2;
}

// Two rows of 16 numbers to 16 pairs (low half: `even`), rounded to nearest even.
SEMFIELD_BF16_INLINE __m512i PackPairs(__m512 even, __m512 odd) {
  const __m512i interleave = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
                                              23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(interleave, (__m512i)_mm512_cvtne2ps_pbh(odd, even));
}

// 32 numbers in a row.
SEMFIELD_BF16_INLINE __m512i PackRow(__m512 low, __m512 high) {
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

SEMFIELD_BF16_INLINE __m512 AddProducts(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}

// Weights [rows][depth] to pairs along the depth: [rows][Pairs(depth)].
SEMFIELD_BF16 void PackAlongDepth(const float* weights, int rows, int depth, uint32_t* packed) {
  for (int r = 0; r < rows; ++r) {
    uint16_t* to = reinterpret_cast<uint16_t*>(packed + static_cast<size_t>(r) * Pairs(depth));
    for (int k = 0; k < depth; k += kLanes) {
      const __mmask16 mask = static_cast<__mmask16>((1u << std::min(kLanes, depth - k)) - 1);
      const __m512 values = _mm512_maskz_loadu_ps(mask, weights + static_cast<size_t>(r) * depth + k);
      const __mmask16 stored = static_cast<__mmask16>((1u << std::min(kLanes, 2 * Pairs(depth) - k)) - 1);
      _mm256_mask_storeu_epi16(to + k, stored, (__m256i)_mm512_cvtneps_pbh(values));
    }
  }
}

// Rows [rows][width] to pairs of rows: [Pairs(rows)][width], a missing last row counts as 0. width: multiples
// of 16 columns are written.
SEMFIELD_BF16 void PackRowPairs(const float* rows, size_t stride, int num_rows, int width, uint32_t* packed,
                                size_t packed_stride) {
  for (int r = 0; r < num_rows; r += 2) {
    const float* even = rows + r * stride;
    uint32_t* to = packed + static_cast<size_t>(r / 2) * packed_stride;
    for (int c = 0; c < width; c += kLanes) {
      const __mmask16 mask = static_cast<__mmask16>((1u << std::min(kLanes, width - c)) - 1);
      const __m512 a = _mm512_maskz_loadu_ps(mask, even + c);
      const __m512 b =
          r + 1 < num_rows ? _mm512_maskz_loadu_ps(mask, even + stride + c) : _mm512_setzero_ps();
      _mm512_mask_storeu_epi32(to + c, mask, PackPairs(a, b));
    }
  }
}

// The processor does not foresee a jump from row to row.
inline void PrefetchRows(const float* rows, size_t stride, int num_rows) {
  for (int r = 0; r < num_rows; ++r) {
    for (int c = 0; c < kBlock; c += kLanes) __builtin_prefetch(rows + r * stride + c);
  }
}

// Row by row, columns [0, num_columns) rounded; zeros up to the next multiple of 32.
SEMFIELD_BF16 void PackColumns(const float* rows, size_t stride, int num_rows, int num_columns,
                               uint16_t* packed, size_t packed_stride) {
  for (int r = 0; r < num_rows; ++r) {
    const float* from = rows + r * stride;
    uint16_t* to = packed + r * packed_stride;
    for (int c = 0; c < num_columns; c += kPairLanes) {
      const int left = num_columns - c;
      const auto mask = [](int n) {
        return static_cast<__mmask16>(n >= kLanes ? 0xffff : n <= 0 ? 0 : (1u << n) - 1);
      };
      const __m512 low = _mm512_maskz_loadu_ps(mask(left), from + c);
      const __m512 high = _mm512_maskz_loadu_ps(mask(left - kLanes), from + c + (left > kLanes ? kLanes : 0));
      _mm512_storeu_si512(to + c, PackRow(low, high));
    }
  }
}

// s[row][column] = bias[row] + sum over pairs j of weights(row, j) . x[j][column], then the gate.
struct Product {
  const uint32_t* weights;  // (row, j) at row * row_step + j * pair_step
  size_t row_step, pair_step;
  const float* bias;  // null: 0
  int rows, pairs;
  const uint32_t* x;  // [pairs][kBlock]
  Gate gate_kind;
  float slope;
  const uint16_t* gate;  // values after the nonlinearity, read by the backward kinds
  size_t gate_stride;
  // Where results go; null: nowhere.
  float* y;
  size_t y_stride;
  uint32_t* y_pairs;    // [Pairs(rows)][kBlock]
  uint16_t* y_columns;  // rows of numbers
  size_t y_columns_stride;
};

// Which of 16 numbers are above 0; the order of the bits of a number that is not negative is its own.
SEMFIELD_BF16_INLINE __mmask16 Positive(const uint16_t* numbers) {
  return _mm256_cmpgt_epi16_mask(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(numbers)),
                                 _mm256_setzero_si256());
}

template <Gate kGate>
SEMFIELD_BF16_INLINE __m512 ApplyGate(__m512 sum, __m512 slope, const uint16_t* gate) {
  const __m512 zero = _mm512_setzero_ps();
  // Comparisons so that a sum that is not a number stays one.
  if constexpr (kGate == Gate::kRelu) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(sum, zero, _CMP_NLT_UQ), sum);
  }
  if constexpr (kGate == Gate::kLeaky) {
    return _mm512_mask_mul_ps(sum, _mm512_cmp_ps_mask(sum, zero, _CMP_NGT_UQ), slope, sum);
  }
  if constexpr (kGate == Gate::kReluBackward) {
    return _mm512_maskz_mov_ps(Positive(gate), sum);
  }
  if constexpr (kGate == Gate::kLeakyBackward) {
    return _mm512_mask_mul_ps(sum, _knot_mask16(Positive(gate)), slope, sum);
  }
  return sum;
}

template <Gate kGate, int kRows, int kVectors>
SEMFIELD_BF16_INLINE void StoreTile(const Product& p, int row, int column, __m512 (&sum)[kRows][kVectors]) {
  const __m512 slope = _mm512_set1_ps(p.slope);
  const uint16_t* gate = p.gate + row * p.gate_stride + column;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) sum[r][c] = ApplyGate<kGate>(sum[r][c], slope, gate + c * kLanes);
    if constexpr (kGate == Gate::kReluBackward || kGate == Gate::kLeakyBackward) gate += p.gate_stride;
  }
  if (p.y != nullptr) {
    float* y = p.y + row * p.y_stride + column;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) _mm512_storeu_ps(y + c * kLanes, sum[r][c]);
      y += p.y_stride;
    }
  }
  if (p.y_pairs != nullptr) {
    uint32_t* to = p.y_pairs + static_cast<size_t>(row / 2) * kBlock + column;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; r += 2) {
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) {
        const __m512 odd = r + 1 < kRows ? sum[r + 1 < kRows ? r + 1 : r][c] : _mm512_setzero_ps();
        _mm512_storeu_si512(to + c * kLanes, PackPairs(sum[r][c], odd));
      }
      to += kBlock;
    }
  }
  if (p.y_columns != nullptr) {
    uint16_t* to = p.y_columns + row * p.y_columns_stride + column;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; c += 2) {
        if (c + 1 < kVectors) {
          _mm512_storeu_si512(to + c * kLanes, PackRow(sum[r][c], sum[r][c + 1 < kVectors ? c + 1 : c]));
        } else {
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + c * kLanes),
                              (__m256i)_mm512_cvtneps_pbh(sum[r][c]));
        }
      }
      to += p.y_columns_stride;
    }
  }
}

template <int kRows, int kVectors>
SEMFIELD_BF16 __attribute__((noinline)) void ProductTile(const Product& p, int row, int column) {
  const size_t row_step = p.row_step, pair_step = p.pair_step;
  const uint32_t* weights = p.weights + row * row_step;
  const uint32_t* x = p.x + column;
  __m512 sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const __m512 bias = p.bias == nullptr ? _mm512_setzero_ps() : _mm512_set1_ps(p.bias[row + r]);
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) sum[r][c] = bias;
  }
  for (int j = 0; j < p.pairs; ++j) {
    __m512i values[kVectors];
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) values[c] = _mm512_loadu_si512(x + c * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const __m512i weight = _mm512_set1_epi32(static_cast<int>(weights[r * row_step]));
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) sum[r][c] = AddProducts(sum[r][c], weight, values[c]);
    }
    x += kBlock;
    weights += pair_step;
  }
  switch (p.gate_kind) {
    case Gate::kNone:
      return StoreTile<Gate::kNone>(p, row, column, sum);
    case Gate::kRelu:
      return StoreTile<Gate::kRelu>(p, row, column, sum);
    case Gate::kLeaky:
      return StoreTile<Gate::kLeaky>(p, row, column, sum);
    case Gate::kReluBackward:
      return StoreTile<Gate::kReluBackward>(p, row, column, sum);
    case Gate::kLeakyBackward:
      return StoreTile<Gate::kLeakyBackward>(p, row, column, sum);
  }
}

template <int kRows, int kVectors>
void ProductRows(const Product& p, int row, int rows, int column) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return ProductRows<kRows - 1, kVectors>(p, row, rows, column);
  }
  ProductTile<kRows, kVectors>(p, row, column);
}

// One block of columns, a multiple of 16.
void Multiply(const Product& p, int num_columns) {
  for (int row = 0; row < p.rows; row += kTileRows) {
    const int rows = std::min(kTileRows, p.rows - row);
    int column = 0;
    if (num_columns == kBlock) {
      ProductRows<kTileRows, kTileVectors>(p, row, rows, 0);
      continue;
    }
    for (; column + 2 * kLanes <= num_columns; column += 2 * kLanes)
      ProductRows<kTileRows, 2>(p, row, rows, column);
    if (column < num_columns) ProductRows<kTileRows, 1>(p, row, rows, column);
  }
}

// ---- Weight gradients: gradient[o][i] += sum over columns of d[o] x[i], pairs of columns at a time.
struct Outer {
  const uint16_t* d;
  size_t d_stride;
  const uint16_t* x;
  size_t x_stride;
  int num_columns;
  float* gradient;
  int num_inputs;
};

// The sums of the lanes of four vectors.
SEMFIELD_BF16_INLINE __m128 Sums4(__m512 a, __m512 b, __m512 c, __m512 e) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 ce = _mm512_add_ps(_mm512_unpacklo_ps(c, e), _mm512_unpackhi_ps(c, e));
  const __m512 sum = _mm512_add_ps(_mm512_shuffle_ps(ab, ce, 0x44), _mm512_shuffle_ps(ab, ce, 0xee));
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(sum), _mm512_extractf32x8_ps(sum, 1));
  return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

constexpr int kOuterColumns = 4;

// sum[r][c] += products of 32 columns of left[r] and right[c]; of the last ones only those of the mask count.
template <int kRows, bool kLast>
SEMFIELD_BF16_INLINE void AddOuter(const uint16_t* const (&left)[kRows],
                                   const uint16_t* const (&right)[kOuterColumns], int column, __mmask32 mask,
                                   __m512 (&sum)[kRows][kOuterColumns]) {
  const auto load = [&](const uint16_t* from) SEMFIELD_BF16 {
    return kLast ? _mm512_maskz_loadu_epi16(mask, from + column) : _mm512_loadu_si512(from + column);
  };
  __m512i values[kOuterColumns];
#pragma GCC unroll 8
  for (int c = 0; c < kOuterColumns; ++c) values[c] = load(right[c]);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const __m512i value = load(left[r]);
#pragma GCC unroll 8
    for (int c = 0; c < kOuterColumns; ++c) sum[r][c] = AddProducts(sum[r][c], value, values[c]);
  }
}

// kRows outputs, four inputs of which `inputs` are there (the others repeat the last and are left out).
template <int kRows>
SEMFIELD_BF16 __attribute__((noinline)) void OuterTile(const Outer& p, int o, int i, int inputs) {
  const uint16_t* left[kRows];
  const uint16_t* right[kOuterColumns];
  for (int r = 0; r < kRows; ++r) left[r] = p.d + (o + r) * p.d_stride;
  for (int c = 0; c < kOuterColumns; ++c) right[c] = p.x + (i + std::min(c, inputs - 1)) * p.x_stride;
  __m512 sum[kRows][kOuterColumns];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < kOuterColumns; ++c) sum[r][c] = _mm512_setzero_ps();
  }
  int column = 0;
  for (; column + kPairLanes <= p.num_columns; column += kPairLanes) {
    AddOuter<kRows, false>(left, right, column, 0, sum);
  }
  if (column < p.num_columns) {
    AddOuter<kRows, true>(left, right, column, (__mmask32{1} << (p.num_columns - column)) - 1, sum);
  }
  const __mmask8 mask = static_cast<__mmask8>((1u << inputs) - 1);
  float* gradient = p.gradient + static_cast<size_t>(o) * p.num_inputs + i;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const __m128 total = Sums4(sum[r][0], sum[r][1], sum[r][2], sum[r][3]);
    _mm_mask_storeu_ps(gradient, mask, _mm_add_ps(_mm_maskz_loadu_ps(mask, gradient), total));
    gradient += p.num_inputs;
  }
}

template <int kRows>
void OuterRows(const Outer& p, int o, int rows) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return OuterRows<kRows - 1>(p, o, rows);
  }
  for (int i = 0; i < p.num_inputs; i += kOuterColumns) {
    OuterTile<kRows>(p, o, i, std::min(kOuterColumns, p.num_inputs - i));
  }
}

void AddWeightGradient(const Outer& p, int num_outputs) {
  for (int o = 0; o < num_outputs; o += kTileRows)
    OuterRows<kTileRows>(p, o, std::min(kTileRows, num_outputs - o));
}

SEMFIELD_BF16 void AddBiasGradient(const uint16_t* d, size_t stride, int num_columns, int num_outputs,
                                   float* gradient) {
  const __m512i ones = _mm512_set1_epi32(0x3f803f80);
  for (int o = 0; o < num_outputs; ++o) {
    __m512 sum = _mm512_setzero_ps();
    for (int column = 0; column < num_columns; column += kPairLanes) {
      const int left = num_columns - column;
      const __mmask32 mask = left >= kPairLanes ? ~__mmask32{0} : (__mmask32{1} << left) - 1;
      sum = AddProducts(sum, _mm512_maskz_loadu_epi16(mask, d + o * stride + column), ones);
    }
    gradient[o] += _mm512_reduce_add_ps(sum);
  }
}

// ---- What a thread keeps between calls.
struct PackedWeights {};
struct PackedPairs {};
struct PackedInput {};
struct PackedGradients {};

// The weights of all layers, packed one after another.
struct PackedNetwork {
  uint32_t* weights;
  size_t layer_words;
  uint32_t* layer(int index) const { return weights + index * layer_words; }
};

PackedNetwork NewPackedNetwork(const MlpShape& shape) {
  const size_t layer_words = MlpWidest(shape) * Pairs(static_cast<int>(MlpWidest(shape)));
  return {ThreadScratch<PackedWeights, uint32_t>(layer_words * MlpNumLayers(shape)), layer_words};
}

// What goes into a layer and what comes out of it, in turn: pairs of rows of one block of columns.
struct LayerPairs {
  uint32_t* sides[2];
};

LayerPairs NewLayerPairs(const MlpShape& shape) {
  const size_t words = (MlpWidest(shape) / 2 + kTileRows) * kBlock;
  uint32_t* both = ThreadScratch<PackedPairs, uint32_t>(2 * words);
  return {{both, both + words}};
}

// Rows of columns in bfloat16.
struct ColumnRows {
  uint16_t* rows;
  size_t stride;
  uint16_t* row(int index) const { return rows + static_cast<size_t>(index) * stride; }
};

int RoundUp(int count, int multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

}  // namespace

bool HasBrainFloats() {
  static const bool processor = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
                                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return processor;
}

void BrainForward(const MlpShape& shape, const float* parameters, const MlpInput& input, float* output,
                  MlpTape* tape) {
  const int num_layers = MlpNumLayers(shape);
  const PackedNetwork network = NewPackedNetwork(shape);
  for (int l = 0; l < num_layers; ++l) {
    const MlpLayer layer = GetMlpLayer(shape, l);
    PackAlongDepth(parameters + layer.weights, layer.output, layer.input, network.layer(l));
  }
  const LayerPairs pairs = NewLayerPairs(shape);
  const Gate nonlinearity = shape.leaky_slope == 0 ? Gate::kRelu : Gate::kLeaky;
  const int num_columns = PaddedColumns(input.num_columns);
  for (int begin = 0; begin < num_columns; begin += kBlock) {
    const int count = std::min(kBlock, num_columns - begin);
    const float* rows = input.rows + begin;
    PackRowPairs(rows, input.stride, shape.input, count, pairs.sides[0], kBlock);
    if (begin + kBlock < num_columns) PrefetchRows(rows + kBlock, input.stride, shape.input);
    for (int l = 0; l < num_layers; ++l) {
      const MlpLayer layer = GetMlpLayer(shape, l);
      const bool last = l == shape.num_hidden;
      Product p{};
      p.weights = network.layer(l);
      p.row_step = Pairs(layer.input);
      p.pair_step = 1;
      p.bias = shape.bias ? parameters + layer.biases : nullptr;
      p.rows = layer.output;
      p.pairs = Pairs(layer.input);
      p.x = pairs.sides[l % 2];
      p.gate_kind = last ? Gate::kNone : nonlinearity;
      p.slope = shape.leaky_slope;
      p.y_stride = input.stride;
      if (last) {
        p.y = output + begin;
      } else {
        if (tape != nullptr) {
          p.y_columns = tape->Row<uint16_t>(l * shape.hidden) + begin;
          p.y_columns_stride = tape->stride();
        }
        p.y_pairs = pairs.sides[(l + 1) % 2];
      }
      Multiply(p, count);
    }
  }
}

namespace {

// From d_output down to d_input, block by block; leaves every hidden layer's gradient of its sums in `d`, the
// layers one after another.
void BackwardValues(const MlpShape& shape, const PackedNetwork& network, const MlpInput& input,
                    const MlpTape& tape, const MlpGradients& gradients, const ColumnRows& d) {
  const LayerPairs pairs = NewLayerPairs(shape);
  const Gate nonlinearity = shape.leaky_slope == 0 ? Gate::kReluBackward : Gate::kLeakyBackward;
  const int padded = PaddedColumns(input.num_columns);
  for (int begin = 0; begin < padded; begin += kBlock) {
    const int count = std::min(kBlock, padded - begin);
    int side = 0;
    PackRowPairs(gradients.d_output + begin, input.stride, shape.output, count, pairs.sides[side], kBlock);
    for (int l = shape.num_hidden; l >= 0; --l) {
      if (l == 0 && gradients.d_input == nullptr) break;
      const MlpLayer layer = GetMlpLayer(shape, l);
      Product p{};
      p.weights = network.layer(l);
      p.row_step = 1;
      p.pair_step = layer.input;
      p.rows = layer.input;
      p.pairs = Pairs(layer.output);
      p.x = pairs.sides[side];
      p.slope = shape.leaky_slope;
      if (l == 0) {
        p.gate_kind = Gate::kNone;
        p.y = gradients.d_input + begin;
        p.y_stride = input.stride;
      } else {
        const int first_row = (l - 1) * shape.hidden;
        p.gate_kind = nonlinearity;
        p.gate = tape.Row<uint16_t>(first_row) + begin;
        p.gate_stride = tape.stride();
        p.y_pairs = pairs.sides[side ^ 1];
        p.y_columns = d.row(first_row) + begin;
        p.y_columns_stride = d.stride;
      }
      Multiply(p, count);
      side ^= 1;
    }
  }
}

}  // namespace

void BrainBackward(const MlpShape& shape, const float* parameters, const MlpInput& input, const MlpTape& tape,
                   const MlpGradients& gradients) {
  const PackedNetwork network = NewPackedNetwork(shape);
  for (int l = 0; l < MlpNumLayers(shape); ++l) {
    const MlpLayer layer = GetMlpLayer(shape, l);
    PackRowPairs(parameters + layer.weights, layer.input, layer.output, layer.input, network.layer(l),
                 layer.input);
  }
  const int num_columns = input.num_columns;
  // Rows of columns: a multiple of 32, and not of a power of two, so that rows do not share sets of L1.
  const size_t stride = static_cast<size_t>(RoundUp(num_columns, kBlock)) + kPairLanes;
  const int hidden_rows = MlpTapeRows(shape);
  const ColumnRows d = {
      ThreadScratch<PackedGradients, uint16_t>(static_cast<size_t>(hidden_rows + shape.output) * stride),
      stride};
  const ColumnRows x = {ThreadScratch<PackedInput, uint16_t>(static_cast<size_t>(shape.input) * stride),
                        stride};
  // The input is read before d_input, which may be the same array, is written.
  PackColumns(input.rows, input.stride, shape.input, num_columns, x.rows, stride);
  PackColumns(gradients.d_output, input.stride, shape.output, num_columns, d.row(hidden_rows), stride);
  BackwardValues(shape, network, input, tape, gradients, d);
  for (int l = 0; l < MlpNumLayers(shape); ++l) {
    const MlpLayer layer = GetMlpLayer(shape, l);
    const uint16_t* layer_d = d.row(l * shape.hidden);
    const uint16_t* layer_x = l == 0 ? x.rows : tape.Row<uint16_t>((l - 1) * shape.hidden);
    AddWeightGradient({layer_d, stride, layer_x, l == 0 ? stride : tape.stride(), num_columns,
                       gradients.d_parameters + layer.weights, layer.input},
                      layer.output);
    if (shape.bias) {
      AddBiasGradient(layer_d, stride, num_columns, layer.output, gradients.d_parameters + layer.biases);
    }
  }
}

}  // namespace semfield::ops::internal

#else  // other processors

namespace semfield::ops::internal {

bool HasBrainFloats() {
  return false;
}
void BrainForward(const MlpShape&, const float*, const MlpInput&, float*, MlpTape*) {}
void BrainBackward(const MlpShape&, const float*, const MlpInput&, const MlpTape&, const MlpGradients&) {}

}  // namespace semfield::ops::internal

#endif
