#pragma once

#include <vector>

namespace semfield {

// Which column every row takes so that no column is taken twice and the sum of costs[row][column] is least
// (Hungarian method, cubic in the smaller side); -1: more rows than columns left it none. Rows are of one
// size, costs finite.
std::vector<int> LeastCostAssignment(const std::vector<std::vector<double>>& costs);

}  // namespace semfield
