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
  bool log_x = false;  // points with x <= 0 are left out
  bool log_y = false;  // points with y <= 0 are left out
};

struct ChartCurve {
  std::string name;
  std::vector<ChartPoint> points;
};

// Where the curve lies in the picture's own units; both axes cover the points and end at round numbers.
inline constexpr double kChartWidth = 520, kChartHeight = 260;
inline constexpr double kChartLeft = 58, kChartRight = 506, kChartTop = 14, kChartBottom = 216;

// One curve as inline SVG, styled by the page's classes chart-grid, chart-line, chart-dot, chart-text. Points
// that are not finite are left out, long curves are thinned to at most 1,000 points (the last stays). Fewer
// than two points: empty.
std::string LineChart(const std::vector<ChartPoint>& points, const ChartOptions& options);

// Several curves over the same axes, each with a dot at every point and its name behind its last one; curve i
// stands in a group of class chart-curve-i, its name has the class chart-name. Curves without a point that
// can be drawn are left out, as above; fewer than two points in all: empty.
std::string CurvesChart(const std::vector<ChartCurve>& curves, const ChartOptions& options);

// A chart as a file of its own: with the colours that a page would give it, on white. Of nothing: empty.
std::string StandaloneChart(std::string chart);

// Round numbers that cover [low, high] in about `count` steps, low < high; the first is <= low and the last
// >= high.
std::vector<double> RoundTicks(double low, double high, int count);

}  // namespace semfield
