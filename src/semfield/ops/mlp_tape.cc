#include "semfield/ops/mlp_tape.h"

#include <bit>
#include <cstring>

#include "semfield/base/check.h"

namespace semfield::ops {
namespace {

void Compact(unsigned char* rows, int num_rows, size_t row_bytes, size_t number_bytes,
             const ColumnMoves& moves) {
  for (int row = 0; row < num_rows; ++row, rows += row_bytes) {
    for (int r = 0; r < moves.num_rays; ++r) {
      const int count = moves.new_begin[r + 1] - moves.new_begin[r];
      if (count <= 0 || moves.old_begin[r] == moves.new_begin[r]) continue;
      std::memmove(rows + moves.new_begin[r] * number_bytes, rows + moves.old_begin[r] * number_bytes,
                   count * number_bytes);
    }
  }
}

}  // namespace

void MlpTape::Reserve(int num_rows, size_t stride) {
  const size_t bytes = static_cast<size_t>(num_rows) * stride * sizeof(float);
  if (bytes_.size() < bytes) bytes_.ResizeUninitialized(bytes);
}

void MlpTape::Begin(int num_rows, size_t stride, Number number) {
  Reserve(num_rows, stride);
  num_rows_ = num_rows;
  stride_ = stride;
  number_ = number;
}

void MlpTape::CheckAccess(int row, size_t bytes) const {
  SF_CHECK(row >= 0 && row < num_rows_);
  SF_CHECK_EQ(bytes, BytesOf(number_));
}

float MlpTape::Value(int row, int column) const {
  if (number_ == Number::kFloat) return Row<float>(row)[column];
  return std::bit_cast<float>(uint32_t{Row<uint16_t>(row)[column]} << 16);
}

void MlpTape::Compact(const ColumnMoves& moves) {
  ops::Compact(bytes_.data(), num_rows_, stride_ * BytesOf(number_), BytesOf(number_), moves);
}

void CompactRows(float* rows, int num_rows, size_t stride, const ColumnMoves& moves) {
  Compact(reinterpret_cast<unsigned char*>(rows), num_rows, stride * sizeof(float), sizeof(float), moves);
}

}  // namespace semfield::ops
