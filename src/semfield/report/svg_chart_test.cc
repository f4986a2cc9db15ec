#include "semfield/report/svg_chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace semfield {
namespace {

std::vector<ChartPoint> PointsOf(const std::string& svg) {
  const std::string start = "points=\"";
  const size_t begin = svg.find(start) + start.size();
  std::istringstream text(svg.substr(begin, svg.find('"', begin) - begin));
  std::vector<ChartPoint> points;
  ChartPoint point;
  char comma;
  while (text >> point.x >> comma >> point.y) points.push_back(point);
  return points;
}

TEST(LineChart, PutsThePointsWhereTheyBelong) {
  // The axes end at 0 and 100, and at 10 and 20.
  const std::vector<ChartPoint> drawn =
      PointsOf(LineChart({{0, 10}, {50, 15}, {100, 20}}, {.title = "t", .x_label = "x", .y_label = "y"}));
  ASSERT_EQ(drawn.size(), 3u);
  EXPECT_NEAR(drawn[0].x, kChartLeft, 0.06);
  EXPECT_NEAR(drawn[0].y, kChartBottom, 0.06);
  EXPECT_NEAR(drawn[1].x, 0.5 * (kChartLeft + kChartRight), 0.06);
  EXPECT_NEAR(drawn[1].y, 0.5 * (kChartTop + kChartBottom), 0.06);
  EXPECT_NEAR(drawn[2].x, kChartRight, 0.06);
  EXPECT_NEAR(drawn[2].y, kChartTop, 0.06);
}

TEST(LineChart, LogarithmicAxis) {
  const ChartOptions options = {.title = "t", .x_label = "x", .y_label = "y", .log_y = true};
  const std::vector<ChartPoint> drawn =
      PointsOf(LineChart({{0, 1}, {1, 0}, {2, 0.01}, {4, 0.0001}}, options));
  ASSERT_EQ(drawn.size(), 3u);  // zero has no logarithm
  EXPECT_NEAR(drawn[0].y, kChartTop, 0.06);
  EXPECT_NEAR(drawn[1].y, 0.5 * (kChartTop + kChartBottom), 0.06);
  EXPECT_NEAR(drawn[2].y, kChartBottom, 0.06);
}

TEST(LineChart, LogarithmicTime) {
  const ChartOptions options = {.title = "t", .x_label = "x", .y_label = "y", .log_x = true};
  const std::vector<ChartPoint> drawn =
      PointsOf(LineChart({{-1, 1}, {0, 1}, {1, 1}, {10, 2}, {100, 3}}, options));
  ASSERT_EQ(drawn.size(), 3u);  // neither zero nor what is below has a logarithm
  EXPECT_NEAR(drawn[0].x, kChartLeft, 0.06);
  EXPECT_NEAR(drawn[1].x, 0.5 * (kChartLeft + kChartRight), 0.06);
  EXPECT_NEAR(drawn[2].x, kChartRight, 0.06);
}

TEST(CurvesChart, NamesEveryCurveWithoutCoveringAnother) {
  const std::string svg = CurvesChart({{"a<b", {{1, 1}, {2, 10}}}, {"none", {}}, {"c", {{1, 2}, {3, 10}}}},
                                      {.title = "t", .x_label = "x", .y_label = "y"});
  EXPECT_NE(svg.find(">a&lt;b</text>"), std::string::npos);
  EXPECT_EQ(svg.find("none"), std::string::npos);
  EXPECT_NE(svg.find("chart-curve-2"), std::string::npos);  // colours stay with the curve's place in the list
  std::vector<double> heights;
  for (size_t at = svg.find("chart-name"); at != std::string::npos; at = svg.find("chart-name", at + 1))
    heights.push_back(std::stod(svg.substr(svg.find(" y=\"", at) + 4)));
  ASSERT_EQ(heights.size(), 2u);
  EXPECT_GE(std::abs(heights[0] - heights[1]), 12);
  EXPECT_TRUE(CurvesChart({{"one point", {{1, 1}}}}, {.title = "t"}).empty());
}

TEST(StandaloneChart, IsAFileOfItsOwn) {
  const std::string svg =
      StandaloneChart(LineChart({{0, 1}, {1, 2}}, {.title = "t", .x_label = "x", .y_label = "y"}));
  EXPECT_EQ(svg.rfind("<svg xmlns=\"http://www.w3.org/2000/svg\" ", 0), 0u);
  EXPECT_LT(svg.find("<style>"), svg.find("<polyline"));
  EXPECT_TRUE(StandaloneChart("").empty());
}

TEST(LineChart, StaysInsideItsFrame) {
  for (bool log_y : {false, true}) {
    for (double scale : {1e-9, 3e-3, 1.0, 7e5}) {
      std::vector<ChartPoint> points;
      for (int i = 0; i < 40; ++i) points.push_back({i * 37.0 * scale, scale * (1.5 + std::sin(i))});
      for (const ChartPoint& p :
           PointsOf(LineChart(points, {.title = "t", .x_label = "x", .y_label = "y", .log_y = log_y}))) {
        EXPECT_GE(p.x, kChartLeft - 0.1);
        EXPECT_LE(p.x, kChartRight + 0.1);
        EXPECT_GE(p.y, kChartTop - 0.1) << log_y << " " << scale;
        EXPECT_LE(p.y, kChartBottom + 0.1) << log_y << " " << scale;
      }
    }
  }
}

TEST(LineChart, LeavesOutWhatIsNotANumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               infinity = std::numeric_limits<double>::infinity();
  const ChartOptions options = {.title = "t", .x_label = "x", .y_label = "y"};
  const std::string svg = LineChart({{0, 1}, {1, nan}, {2, infinity}, {3, 2}}, options);
  EXPECT_EQ(PointsOf(svg).size(), 2u);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_TRUE(LineChart({{0, 1}}, options).empty());
  EXPECT_TRUE(LineChart({}, options).empty());
}

TEST(LineChart, LevelCurvesAndSingleColumnsAreDrawn) {
  const ChartOptions options = {.title = "t", .x_label = "x", .y_label = "y"};
  for (const std::string& svg :
       {LineChart({{0, 5}, {1, 5}}, options), LineChart({{3, 1}, {3, 2}}, options)}) {
    EXPECT_EQ(PointsOf(svg).size(), 2u);
    EXPECT_EQ(svg.find("nan"), std::string::npos);
  }
}

TEST(LineChart, ThinsLongCurvesAndKeepsTheEnds) {
  std::vector<ChartPoint> points;
  for (int i = 0; i <= 50000; ++i) points.push_back({static_cast<double>(i), i * 2.0});
  const std::vector<ChartPoint> drawn =
      PointsOf(LineChart(points, {.title = "t", .x_label = "x", .y_label = "y"}));
  EXPECT_LE(drawn.size(), 1000u);
  EXPECT_NEAR(drawn.front().x, kChartLeft, 0.06);
  EXPECT_NEAR(drawn.back().x, kChartRight, 0.06);
}

TEST(LineChart, EscapesItsTexts) {
  const std::string svg = LineChart({{0, 1}, {1, 2}}, {.title = "a<b", .x_label = "c&d", .y_label = "y"});
  EXPECT_EQ(svg.find("a<b"), std::string::npos);
  EXPECT_NE(svg.find("a&lt;b"), std::string::npos);
  EXPECT_NE(svg.find("c&amp;d"), std::string::npos);
}

TEST(RoundTicks, CoverTheRange) {
  EXPECT_EQ(RoundTicks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  for (const auto& [low, high] :
       {std::pair(0.13, 0.97), std::pair(-3.0, 7.7), std::pair(1e6, 1e6 + 3), std::pair(1e-8, 2e-8)}) {
    const std::vector<double> ticks = RoundTicks(low, high, 5);
    ASSERT_GE(ticks.size(), 2u);
    EXPECT_LE(ticks.size(), 9u);
    EXPECT_LE(ticks.front(), low + 1e-6 * (high - low));
    EXPECT_GE(ticks.back(), high - 1e-6 * (high - low));
  }
}

}  // namespace
}  // namespace semfield
