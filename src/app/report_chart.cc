#include "app/report_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>

#include "io/xml.h"
#include "query/display_width.h"

namespace millrace::app {
namespace {

// Pixels.
constexpr double kWidth = 720;
constexpr double kLineHeight = 240;
constexpr double kBarHeight = 24;
constexpr double kLabelWidth = 180;  // of bars
constexpr double kValueWidth = 64;
constexpr double kAxisWidth = 56;  // of lines
constexpr double kMargin = 8;
constexpr double kTextHeight = 18;
/// Characters that fit before a bar.
constexpr int kLabelCharacters = 24;
constexpr size_t kDotsMax = 60;
constexpr int kTicks = 4;

/// From 0, or as far below as the numbers go, to where they end.
struct Range {
  double low = 0;
  double high = 1;

  explicit Range(const std::vector<ReportChart::Point>& points) {
    high = 0;
    for (const auto& point : points) {
      low = std::min(low, point.y);
      high = std::max(high, point.y);
    }
    if (low == high) high = low + 1;
  }
  double Share(double y) const { return (y - low) / (high - low); }
};

/// 1, 2 or 5 times a power of ten, so that a few of them make the range.
double Step(const Range& range) {
  const double rough = (range.high - range.low) / kTicks;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double times : {1.0, 2.0, 5.0}) {
    if (times * power >= rough) return times * power;
  }
  return 10 * power;
}

std::string Open(const ReportChart& chart, double height) {
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", kWidth, height,
                     HtmlText(chart.title));
}

std::string Title(const ReportChart::Point& point) {
  return fmt::format("<title>{}: {}</title>", HtmlText(point.label), point.y);
}

std::string Bars(const ReportChart& chart) {
  const Range range(chart.points);
  const double room = kWidth - kLabelWidth - kValueWidth - kMargin;
  const double zero = kLabelWidth + room * range.Share(0);
  auto svg = Open(chart, kBarHeight * static_cast<double>(chart.points.size()) + kMargin);
  auto out = std::back_inserter(svg);
  double y = kMargin / 2;
  for (const auto& point : chart.points) {
    const double end = kLabelWidth + room * range.Share(point.y);
    fmt::format_to(out, "<text class=\"label end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", kLabelWidth - kMargin,
                   y + kTextHeight - 2, HtmlText(query::FitInto(point.label, kLabelCharacters)));
    fmt::format_to(
        out, "<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"2\">{}</rect>",
        std::min(zero, end), y + 3, std::max(std::abs(end - zero), 1.0), kBarHeight - 6, Title(point));
    fmt::format_to(out, "<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", std::max(zero, end) + 6,
                   y + kTextHeight - 2, ShortNumber(point.y));
    y += kBarHeight;
  }
  fmt::format_to(out, "<path class=\"axis\" d=\"M{0:.1f} 0V{1:.1f}\"/></svg>\n", zero, y + kMargin / 2);
  return svg;
}

std::string Line(const ReportChart& chart) {
  const Range range(chart.points);
  const double bottom = kLineHeight - kTextHeight - kMargin, top = kMargin;
  const double left = kAxisWidth, right = kWidth - kMargin;
  const double first = chart.points.front().x, last = chart.points.back().x;
  const auto place_x = [&](double x) {
    return last > first ? left + (right - left) * (x - first) / (last - first) : (left + right) / 2;
  };
  const auto place_y = [&](double y) { return bottom - (bottom - top) * range.Share(y); };
  auto svg = Open(chart, kLineHeight);
  auto out = std::back_inserter(svg);
  const double step = Step(range);
  for (double tick = std::ceil(range.low / step) * step; tick <= range.high + step / 1000; tick += step) {
    const double y = place_y(tick);
    fmt::format_to(out, "<path class=\"{}\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", std::abs(tick) < step / 2 ? "axis" : "grid",
                   left, y, right);
    fmt::format_to(out, "<text class=\"label end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", left - 6, y + 4,
                   ShortNumber(std::abs(tick) < step / 2 ? 0 : tick));
  }
  std::string path;
  for (const auto& point : chart.points)
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", place_x(point.x), place_y(point.y));
  fmt::format_to(out, "<path class=\"line\" d=\"{}\"/>\n", path);
  const bool dots = chart.points.size() <= kDotsMax;
  for (const auto& point : chart.points) {
    fmt::format_to(out, "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\">{}</circle>",
                   dots ? "dot" : "dot hidden", place_x(point.x), place_y(point.y), Title(point));
  }
  fmt::format_to(out, "\n<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", left, kLineHeight - 4,
                 HtmlText(chart.points.front().label));
  if (chart.points.size() > 1)
    fmt::format_to(out, "<text class=\"label end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", right, kLineHeight - 4,
                   HtmlText(chart.points.back().label));
  return svg + "</svg>\n";
}

}  // namespace

std::string ShortNumber(double number) {
  constexpr std::array<std::string_view, 5> kUnits = {"", "k", "M", "G", "T"};
  size_t unit = 0;
  while (std::abs(number) >= 999.5 && unit + 1 < kUnits.size()) {
    number /= 1000;
    ++unit;
  }
  return fmt::format("{:.3g}{}", number, kUnits[unit]);
}

std::string HtmlText(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7F) {
      plain += "\xEF\xBF\xBD";
    } else {
      plain += c;
    }
  }
  return io::XmlEscaped(plain);
}

std::string ChartSvg(const ReportChart& chart) {
  if (chart.points.empty()) return {};
  return chart.kind == ReportChart::Kind::kBars ? Bars(chart) : Line(chart);
}

}  // namespace millrace::app
