#pragma once

#include <string>
#include <vector>

namespace semfield {

struct ChartPoint {
  double x = 0;
  double y = 0;
};

struct ChartOptions {
  std::string title;  // also what a screen reader says
  std::string x_label;
  std::string y_label;
  bool log_y = false;  // points with y <= 0 are left out
};

// Where the curve lies in the picture's own units; both axes cover the points and end at round numbers.
inline constexpr double kChartWidth = 520, kChartHeight = 260;
inline constexpr double kChartLeft = 58, kChartRight = 506, kChartTop = 14, kChartBottom = 216;

// One curve as inline SVG, styled by the page's classes chart-grid, chart-line, chart-dot, chart-text. Points
// that are not finite are left out, long curves are thinned to at most 1,000 points (the last stays). Fewer
// than two points: empty.
std::string LineChart(const std::vector<ChartPoint>& points, const ChartOptions& options);

// Round numbers that cover [low, high] in about `count` steps, low < high; the first is <= low and the last
// >= high.
std::vector<double> RoundTicks(double low, double high, int count);

}  // namespace semfield
