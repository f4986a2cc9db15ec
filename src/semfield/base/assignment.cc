#include "semfield/base/assignment.h"

#include <limits>

#include "semfield/base/check.h"

namespace semfield {
namespace {

// At most as many rows as columns. Potentials and shortest augmenting paths (Kuhn, Munkres; Jonker and
// Volgenant).
std::vector<int> AssignRows(const std::vector<std::vector<double>>& costs) {
  const int rows = static_cast<int>(costs.size()), columns = static_cast<int>(costs.front().size());
  // Row and column 0 stand for none.
  std::vector<double> of_row(rows + 1), of_column(columns + 1);
  std::vector<int> row_at(columns + 1), way(columns + 1);
  for (int row = 1; row <= rows; ++row) {
    row_at[0] = row;
    int column = 0;
    std::vector<double> least(columns + 1, std::numeric_limits<double>::infinity());
    std::vector<bool> used(columns + 1);
    do {
      used[column] = true;
      const int from = row_at[column];
      double delta = std::numeric_limits<double>::infinity();
      int next = 0;
      for (int c = 1; c <= columns; ++c) {
        if (used[c]) continue;
        const double reduced = costs[from - 1][c - 1] - of_row[from] - of_column[c];
        if (reduced < least[c]) {
          least[c] = reduced;
          way[c] = column;
        }
        if (least[c] < delta) {
          delta = least[c];
          next = c;
        }
      }
      for (int c = 0; c <= columns; ++c) {
        if (used[c]) {
          of_row[row_at[c]] += delta;
          of_column[c] -= delta;
        } else {
          least[c] -= delta;
        }
      }
      column = next;
    } while (row_at[column] != 0);
    for (; column != 0; column = way[column]) row_at[column] = row_at[way[column]];
  }
  std::vector<int> taken(rows, -1);
  for (int c = 1; c <= columns; ++c) {
    if (row_at[c] > 0) taken[row_at[c] - 1] = c - 1;
  }
  return taken;
}

}  // namespace

std::vector<int> LeastCostAssignment(const std::vector<std::vector<double>>& costs) {
  if (costs.empty() || costs.front().empty()) return std::vector<int>(costs.size(), -1);
  const size_t columns = costs.front().size();
  for (const std::vector<double>& row : costs) SF_CHECK(row.size() == columns);
  if (costs.size() <= columns) return AssignRows(costs);
  std::vector<std::vector<double>> turned(columns, std::vector<double>(costs.size()));
  for (size_t r = 0; r < costs.size(); ++r) {
    for (size_t c = 0; c < columns; ++c) turned[c][r] = costs[r][c];
  }
  const std::vector<int> rows = AssignRows(turned);
  std::vector<int> taken(costs.size(), -1);
  for (size_t c = 0; c < columns; ++c) taken[rows[c]] = static_cast<int>(c);
  return taken;
}

}  // namespace semfield
