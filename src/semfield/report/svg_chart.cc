#include "semfield/report/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "semfield/base/check.h"
#include "semfield/report/html.h"

namespace semfield {
namespace {

constexpr size_t kMaxPoints = 1000;
constexpr double kNameWidth = 62, kNameHeight = 13;
// Told apart by those who see few colours too; later curves keep the page's own.
constexpr std::array<const char*, 6> kCurveColors = {"#2563a8", "#c2410c", "#15803d",
                                                     "#7e22ce", "#a16207", "#be185d"};

// One axis: values to picture units.
struct Axis {
  std::vector<double> ticks;  // in axis values (logarithms on a log axis)
  double begin = 0, end = 0;  // picture units of the first and the last tick
  double At(double value) const {
    return begin + (value - ticks.front()) / (ticks.back() - ticks.front()) * (end - begin);
  }
};

std::vector<ChartPoint> Plottable(const std::vector<ChartPoint>& points, const ChartOptions& options) {
  std::vector<ChartPoint> kept;
  for (const ChartPoint& point : points) {
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) continue;
    if ((options.log_x && point.x <= 0) || (options.log_y && point.y <= 0)) continue;
    kept.push_back(
        {options.log_x ? std::log10(point.x) : point.x, options.log_y ? std::log10(point.y) : point.y});
  }
  if (kept.size() <= kMaxPoints) return kept;
  std::vector<ChartPoint> thinned;
  for (size_t i = 0; i < kMaxPoints; ++i) thinned.push_back(kept[i * (kept.size() - 1) / (kMaxPoints - 1)]);
  return thinned;
}

std::pair<double, double> Range(const std::vector<ChartPoint>& points, double ChartPoint::*value) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const ChartPoint& point : points) {
    low = std::min(low, point.*value);
    high = std::max(high, point.*value);
  }
  // A level curve still needs a range.
  if (high - low < 1e-9 * std::max(1.0, std::abs(high))) return {low - 0.5, high + 0.5};
  return {low, high};
}

std::string Number(double value) {
  if (std::abs(value) < 1e-12) return "0";
  if (std::abs(value) >= 10000) return fmt::format("{:g} k", value / 1000);
  return fmt::format("{:.4g}", value);
}

// Whole powers of ten and, where those are few, 2 and 5 times them.
std::vector<double> LogTicks(double low, double high) {
  std::vector<double> all;
  const bool dense = high - low < 2;
  for (int power = static_cast<int>(std::floor(low)); power <= static_cast<int>(std::ceil(high)); ++power) {
    for (double factor : {1.0, 2.0, 5.0}) {
      if (factor == 1.0 || dense) all.push_back(power + std::log10(factor));
    }
  }
  size_t first = 0, last = all.size() - 1;
  while (first + 1 < all.size() && all[first + 1] <= low) ++first;
  while (last > first + 1 && all[last - 1] >= high) --last;
  return {all.begin() + static_cast<ptrdiff_t>(first), all.begin() + static_cast<ptrdiff_t>(last) + 1};
}

std::string AxesSvg(const Axis& x, const Axis& y, const ChartOptions& options) {
  std::string svg;
  for (double tick : y.ticks) {
    const double at = y.At(tick);
    svg += fmt::format("<line class=\"chart-grid\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>",
                       x.begin, at, x.end, at);
    svg += fmt::format("<text class=\"chart-text\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                       x.begin - 8, at + 4, Number(options.log_y ? std::pow(10.0, tick) : tick));
  }
  for (double tick : x.ticks) {
    svg +=
        fmt::format("<text class=\"chart-text\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                    x.At(tick), y.begin + 18, Number(options.log_x ? std::pow(10.0, tick) : tick));
  }
  svg += fmt::format("<text class=\"chart-text\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                     0.5 * (x.begin + x.end), y.begin + 38, EscapeHtml(options.x_label));
  return svg;
}

struct Axes {
  Axis x, y;
};

// Axes that cover all points; `right` is where the first one ends.
Axes AxesOf(const std::vector<ChartPoint>& points, const ChartOptions& options, double right) {
  const auto [x_low, x_high] = Range(points, &ChartPoint::x);
  const auto [y_low, y_high] = Range(points, &ChartPoint::y);
  return {.x = {.ticks = options.log_x ? LogTicks(x_low, x_high) : RoundTicks(x_low, x_high, 5),
                .begin = kChartLeft,
                .end = right},
          .y = {.ticks = options.log_y ? LogTicks(y_low, y_high) : RoundTicks(y_low, y_high, 5),
                .begin = kChartBottom,
                .end = kChartTop}};
}

std::string BeginSvg(const ChartOptions& options) {
  const std::string title = EscapeHtml(options.title);
  return fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\"><title>{}</title>",
      kChartWidth, kChartHeight, title, title);
}

std::string Polyline(const std::vector<ChartPoint>& points, const Axes& axes, const std::string& css_class) {
  std::string svg = fmt::format("<polyline class=\"{}\" points=\"", css_class);
  for (const ChartPoint& point : points)
    svg += fmt::format("{:.1f},{:.1f} ", axes.x.At(point.x), axes.y.At(point.y));
  svg.back() = '"';
  return svg + "/>";
}

std::string Dot(const ChartPoint& point, const Axes& axes, const std::string& css_class) {
  return fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>", css_class,
                     axes.x.At(point.x), axes.y.At(point.y));
}

// Heights of the names, each as near to where its curve ends as the others allow.
std::vector<double> SpreadNames(const std::vector<double>& wanted) {
  std::vector<size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return wanted[a] < wanted[b]; });
  std::vector<double> heights = wanted;
  for (size_t i = 1; i < order.size(); ++i)
    heights[order[i]] = std::max(heights[order[i]], heights[order[i - 1]] + kNameHeight);
  return heights;
}

}  // namespace

std::vector<double> RoundTicks(double low, double high, int count) {
  SF_CHECK_LT(low, high);
  SF_CHECK_GT(count, 0);
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  }
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  std::vector<double> ticks;
  for (double i = first; i <= last; ++i) ticks.push_back(i * step);
  return ticks;
}

std::string LineChart(const std::vector<ChartPoint>& points, const ChartOptions& options) {
  const std::vector<ChartPoint> kept = Plottable(points, options);
  if (kept.size() < 2) return {};
  const Axes axes = AxesOf(kept, options, kChartRight);
  return BeginSvg(options) + AxesSvg(axes.x, axes.y, options) + Polyline(kept, axes, "chart-line") +
         Dot(kept.back(), axes, "chart-dot") + "</svg>";
}

std::string CurvesChart(const std::vector<ChartCurve>& curves, const ChartOptions& options) {
  std::vector<ChartCurve> drawn;
  std::vector<ChartPoint> all;
  for (const ChartCurve& curve : curves) {
    drawn.push_back({curve.name, Plottable(curve.points, options)});
    all.insert(all.end(), drawn.back().points.begin(), drawn.back().points.end());
  }
  if (all.size() < 2) return {};
  const Axes axes = AxesOf(all, options, kChartRight - kNameWidth);
  std::string svg = BeginSvg(options) + AxesSvg(axes.x, axes.y, options);
  svg += fmt::format("<text class=\"chart-text\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", kChartLeft,
                     kChartTop - 4, EscapeHtml(options.y_label));
  std::vector<double> ends;
  for (const ChartCurve& curve : drawn)
    ends.push_back(curve.points.empty() ? kChartBottom : axes.y.At(curve.points.back().y));
  const std::vector<double> heights = SpreadNames(ends);
  for (size_t i = 0; i < drawn.size(); ++i) {
    const std::vector<ChartPoint>& points = drawn[i].points;
    if (points.empty()) continue;
    svg += fmt::format("<g class=\"chart-curve-{}\">", i) + Polyline(points, axes, "chart-line");
    for (const ChartPoint& point : points) svg += Dot(point, axes, "chart-dot");
    svg += fmt::format("<text class=\"chart-name\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text></g>",
                       axes.x.At(points.back().x) + 8, heights[i] + 4, EscapeHtml(drawn[i].name));
  }
  return svg + "</svg>";
}

std::string StandaloneChart(std::string chart) {
  if (chart.empty()) return chart;
  std::string style =
      ".chart-grid{stroke:#ccc;stroke-width:1}.chart-line{fill:none;stroke:#2563a8;stroke-width:2}"
      ".chart-dot{fill:#2563a8}.chart-text,.chart-name{fill:#333;font:12px sans-serif}";
  for (size_t i = 0; i < kCurveColors.size(); ++i) {
    style += fmt::format(
        ".chart-curve-{0} .chart-line{{stroke:{1}}}.chart-curve-{0} .chart-dot,.chart-curve-{0} "
        ".chart-name{{fill:{1}}}",
        i, kCurveColors[i]);
  }
  chart.insert(chart.find('>') + 1,
               "<style>" + style + "</style><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
  chart.insert(std::string("<svg").size(), " xmlns=\"http://www.w3.org/2000/svg\"");
  return chart;
}

}  // namespace semfield
