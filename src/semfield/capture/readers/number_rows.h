#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace semfield {

// A text of numbers between white space, [rows, columns] by rows; rows 0: as many as there are, at least one.
// Too few or too many, or what is no number: InputError naming file and line. inf and nan are numbers only
// where allowed.
std::vector<double> ReadNumberRows(const std::filesystem::path& path, size_t rows, size_t columns,
                                   bool allow_not_finite);

}  // namespace semfield
