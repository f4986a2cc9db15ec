#include "semfield/evaluation/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "semfield/base/check.h"
#include "semfield/evaluation/html.h"

namespace semfield {
namespace {

constexpr size_t kMaxPoints = 1000;

// One axis: values to picture units.
struct Axis {
  std::vector<double> ticks;  // in axis values (logarithms on a log axis)
  double begin = 0, end = 0;  // picture units of the first and the last tick
  double At(double value) const {
    return begin + (value - ticks.front()) / (ticks.back() - ticks.front()) * (end - begin);
  }
};

std::vector<ChartPoint> Plottable(const std::vector<ChartPoint>& points, bool log_y) {
  std::vector<ChartPoint> kept;
  for (const ChartPoint& point : points) {
    if (!std::isfinite(point.x) || !std::isfinite(point.y) || (log_y && point.y <= 0)) continue;
    kept.push_back({point.x, log_y ? std::log10(point.y) : point.y});
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
                    x.At(tick), y.begin + 18, Number(tick));
  }
  svg += fmt::format("<text class=\"chart-text\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                     0.5 * (x.begin + x.end), y.begin + 38, EscapeHtml(options.x_label));
  return svg;
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
  const std::vector<ChartPoint> kept = Plottable(points, options.log_y);
  if (kept.size() < 2) return {};
  const auto [x_low, x_high] = Range(kept, &ChartPoint::x);
  const auto [y_low, y_high] = Range(kept, &ChartPoint::y);
  const Axis x = {.ticks = RoundTicks(x_low, x_high, 5), .begin = kChartLeft, .end = kChartRight};
  const Axis y = {.ticks = options.log_y ? LogTicks(y_low, y_high) : RoundTicks(y_low, y_high, 5),
                  .begin = kChartBottom,
                  .end = kChartTop};
  const std::string title = EscapeHtml(options.title);
  std::string svg = fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\"><title>{}</title>",
      kChartWidth, kChartHeight, title, title);
  svg += AxesSvg(x, y, options);
  svg += "<polyline class=\"chart-line\" points=\"";
  for (const ChartPoint& point : kept) svg += fmt::format("{:.1f},{:.1f} ", x.At(point.x), y.At(point.y));
  svg.back() = '"';
  svg += "/>";
  const ChartPoint& last = kept.back();
  svg += fmt::format("<circle class=\"chart-dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>", x.At(last.x),
                     y.At(last.y));
  return svg + "</svg>";
}

}  // namespace semfield
