#include "app/report_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace millrace::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> All(const std::string& text, const std::string& pattern) {
  const std::regex wanted(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), wanted), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

TEST(ReportChartTest, NumbersThatHaveLittleRoom) {
  EXPECT_EQ(ShortNumber(0), "0");
  EXPECT_EQ(ShortNumber(350), "350");
  EXPECT_EQ(ShortNumber(999.6), "1k");
  EXPECT_EQ(ShortNumber(1234567), "1.23M");
  EXPECT_EQ(ShortNumber(-2.5e9), "-2.5G");
  EXPECT_EQ(ShortNumber(0.05), "0.05");
}

TEST(ReportChartTest, TextIsNoMarkup) {
  EXPECT_EQ(HtmlText("<b a=\"x\">&</b>"), "&lt;b a=&quot;x&quot;&gt;&amp;&lt;/b&gt;");
  EXPECT_EQ(HtmlText(std::string("a\0b\x1f\n", 5)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\n");
}

TEST(ReportChartTest, BarsGoBothWaysFromZero) {
  const auto svg =
      ChartSvg({.kind = ReportChart::Kind::kBars,
                .title = "a \"b\"",
                .points = {{.label = "up", .y = 30}, {.label = "<down>", .y = -10}, {.label = "none", .y = 0}}});
  EXPECT_THAT(svg, HasSubstr("aria-label=\"a &quot;b&quot;\""));
  EXPECT_THAT(svg, HasSubstr("<title>&lt;down&gt;: -10</title>"));
  const auto widths = All(svg, "class=\"bar\"[^>]* width=\"([0-9.]+)\"");
  const auto starts = All(svg, "class=\"bar\" x=\"([0-9.]+)\"");
  ASSERT_EQ(widths.size(), 3U);
  EXPECT_NEAR(std::stod(widths[0]), 3 * std::stod(widths[1]), 0.3);
  EXPECT_NEAR(std::stod(starts[1]) + std::stod(widths[1]), std::stod(starts[0]), 0.2) << "they meet at zero";
}

TEST(ReportChartTest, LinesAreDrawnToScale) {
  ReportChart chart{
      .kind = ReportChart::Kind::kLine, .title = "t", .points = {{"a", 0, 0}, {"b", 10, 50}, {"c", 40, 100}}};
  const auto svg = ChartSvg(chart);
  const auto x = All(svg, "cx=\"([0-9.]+)\"");
  const auto y = All(svg, "cy=\"([0-9.]+)\"");
  ASSERT_EQ(x.size(), 3U);
  EXPECT_NEAR((std::stod(x[1]) - std::stod(x[0])) * 4, std::stod(x[2]) - std::stod(x[0]), 0.5);
  EXPECT_NEAR(std::stod(y[0]) - std::stod(y[1]), std::stod(y[1]) - std::stod(y[2]), 0.2);
  EXPECT_EQ(All(svg, "class=\"label end\"[^>]*>([^<]*)<"), (std::vector<std::string>{"0", "50", "100", "c"}));
  for (const double low : {0.0, -1e-9, 1e300, 7.0}) {
    chart.points = {{"only", 5, low}};
    EXPECT_THAT(ChartSvg(chart), Not(HasSubstr("nan"))) << low;
    EXPECT_THAT(ChartSvg(chart), Not(HasSubstr("inf"))) << low;
  }
  chart.points.clear();
  EXPECT_EQ(ChartSvg(chart), "");
}

}  // namespace
}  // namespace millrace::app
