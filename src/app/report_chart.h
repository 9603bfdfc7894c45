#pragma once

#include <string>
#include <vector>

namespace millrace::app {

/// Numbers to be looked at.
struct ReportChart {
  enum class Kind { kBars, kLine };
  struct Point {
    std::string label;
    double x = 0;  // of a line: its place, rising
    double y = 0;  // finite
  };
  Kind kind = Kind::kBars;
  std::string title;
  std::vector<Point> points;
};

/// It as one <svg> for a page that defines the classes bar, line, dot, grid, and label. Every number is also there as a
/// <title>, for who points at it or has it read out.
std::string ChartSvg(const ReportChart& chart);

/// "1.2M", "350", "0.05": a number that has little room.
std::string ShortNumber(double number);

/// `text` as HTML text, or the value of a quoted attribute; control characters, which HTML has no place for, become
/// U+FFFD.
std::string HtmlText(std::string_view text);

}  // namespace millrace::app
