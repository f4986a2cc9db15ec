#include "semfield/capture/readers/number_rows.h"

#include <cmath>
#include <cstdlib>
#include <sstream>
#include <string>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

constexpr size_t kMaxBytes = size_t{256} << 20;

double Number(const std::string& word, const std::string& where) {
  char* end = nullptr;
  const double value = std::strtod(word.c_str(), &end);
  if (word.empty() || end != word.c_str() + word.size())
    throw InputError("{}: '{}' is no number", where, word.substr(0, 40));
  return value;
}

}  // namespace

std::vector<double> ReadNumberRows(const std::filesystem::path& path, size_t rows, size_t columns,
                                   bool allow_not_finite) {
  std::istringstream lines(ReadTextFile(path, kMaxBytes));
  std::vector<double> values;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string where = path.string() + ": line " + std::to_string(number);
    std::istringstream words(line);
    const size_t before = values.size();
    for (std::string word; words >> word;) {
      values.push_back(Number(word, where));
      if (!allow_not_finite && !std::isfinite(values.back()))
        throw InputError("{}: '{}' is not finite", where, word.substr(0, 40));
    }
    if (values.size() != before && values.size() != before + columns)
      throw InputError("{}: {} numbers, expected {}", where, values.size() - before, columns);
  }
  if (values.empty() || (rows > 0 && values.size() != rows * columns))
    throw InputError("{}: {} rows of {} numbers, expected {}", path.string(), values.size() / columns,
                     columns, rows > 0 ? std::to_string(rows) : "at least 1");
  return values;
}

}  // namespace semfield
