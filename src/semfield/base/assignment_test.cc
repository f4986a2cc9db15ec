#include "semfield/base/assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "semfield/base/random.h"

namespace semfield {
namespace {

// The least sum over all ways to give the smaller side's members different ones of the other.
double LeastByAllWays(const std::vector<std::vector<double>>& costs) {
  const size_t rows = costs.size(), columns = costs.front().size(), most = std::max(rows, columns);
  std::vector<size_t> order(most);
  std::iota(order.begin(), order.end(), 0);
  double least = 1e9;
  do {
    double sum = 0;
    for (size_t i = 0; i < std::min(rows, columns); ++i)
      sum += rows <= columns ? costs[i][order[i]] : costs[order[i]][i];
    least = std::min(least, sum);
  } while (std::next_permutation(order.begin(), order.end()));
  return least;
}

TEST(LeastCostAssignment, IsTheBestOfAllWays) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    const int rows = 1 + static_cast<int>(random.Below(6)), columns = 1 + static_cast<int>(random.Below(6));
    std::vector<std::vector<double>> costs(rows, std::vector<double>(columns));
    for (std::vector<double>& row : costs) {
      for (double& cost : row) cost = round % 2 == 0 ? random.Uniform(-2, 3) : random.Below(3);  // ties too
    }
    const std::vector<int> taken = LeastCostAssignment(costs);
    double sum = 0;
    std::set<int> seen;
    for (int r = 0; r < rows; ++r) {
      if (taken[r] < 0) continue;
      EXPECT_TRUE(seen.insert(taken[r]).second);
      sum += costs[r][taken[r]];
    }
    EXPECT_EQ(static_cast<int>(seen.size()), std::min(rows, columns));
    EXPECT_NEAR(sum, LeastByAllWays(costs), 1e-9);
  }
}

TEST(LeastCostAssignment, OfNothingIsNothing) {
  EXPECT_TRUE(LeastCostAssignment({}).empty());
  EXPECT_EQ(LeastCostAssignment({{}, {}}), (std::vector<int>{-1, -1}));
}

}  // namespace
}  // namespace semfield
