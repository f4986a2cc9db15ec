#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace semfield {

// A two-dimensional array of real numbers, row by row.
struct NpyMatrix {
  size_t rows = 0, cols = 0;
  std::vector<double> data;  // rows * cols
  double At(size_t row, size_t col) const { return data[row * cols + col]; }
};

// Whether the file begins like an npy file; never throws.
bool IsNpyFile(const std::filesystem::path& path);

// Reads an npy file (format 1 to 3) of float16, float32, float64 or uint8, either byte order, C or Fortran
// order, with one or two dimensions (one gives a single column). Anything else, truncated, over 256 MiB:
// Error naming the file.
NpyMatrix ReadNpy(const std::filesystem::path& path);
// The same from memory; `where` names the source in errors.
NpyMatrix ParseNpy(std::string_view bytes, const std::string& where);

}  // namespace semfield
