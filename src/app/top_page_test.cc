#include "app/top_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/top_report.h"
#include "query/display_width.h"

namespace millrace::app {
namespace {

using nlohmann::ordered_json;
using std::chrono::seconds;

ordered_json Table(int64_t read, int64_t unread, int64_t landed, double freshness = 1) {
  return {{"state", "behind"},
          {"why", "it is behind"},
          {"records", read},
          {"rows", landed},
          {"rejected", 0},
          {"unread_records", unread},
          {"pending_records", 5},
          {"lag_seconds", 2.0},
          {"landed_records", landed},
          {"freshness_seconds", freshness}};
}

TopSample Sample(int at, ordered_json tables, int pid = 1) {
  return {
      .at = SteadyTime(seconds(1000 + at)),
      .status = {{"pipeline", "p"}, {"pid", pid}, {"memory", ordered_json::object()}, {"tables", std::move(tables)}},
      .models = ordered_json::array(),
      .runs = ordered_json::array()};
}

TEST(TopReport, RatesAreOverFiveSecondsOrTheFreshnessOfATable) {
  TopReport report;
  for (int at = 0; at <= 30; ++at) {
    // 10 a second come at first and 20 of the last ten seconds; every 20 s a commit lands what came.
    const int came = 10 * at + 10 * std::max(at - 20, 0);
    report.Add(
        Sample(at, {{"t", Table(came, 0, at < 25 ? 0 : 400, 20)}, {"u", Table(came / 2, came - came / 2, came)}}));
    if (at == 0) {
      EXPECT_TRUE(report.Build()["tables"][0]["in_per_second"].is_null());
    }
  }
  const auto built = report.Build();
  EXPECT_EQ(built["tables"][0]["in_per_second"], 20);
  EXPECT_EQ(built["tables"][0]["out_per_second"], 20);  // 400 in 20 s
  EXPECT_EQ(built["tables"][1]["in_per_second"], 20);
  EXPECT_EQ(built["tables"][1]["out_per_second"], 20);
  EXPECT_EQ(built["in_per_second"], 40);
  EXPECT_EQ(built["tables"][1]["lag_records"], 205);  // 200 unread, 5 of the next commit
}

TEST(TopReport, WhatIsNotKnownIsNullAndAnotherProcessBeginsAnew) {
  TopReport report;
  report.Add(Sample(0, {{"t", Table(100, -1, 100)}}));
  report.Add(Sample(1, {{"t", Table(200, -1, 200)}}));
  EXPECT_TRUE(report.Build()["tables"][0]["in_per_second"].is_null());
  EXPECT_TRUE(report.Build()["tables"][0]["lag_records"].is_null());
  EXPECT_EQ(report.Build()["tables"][0]["out_per_second"], 100);
  report.Add(Sample(2, {{"t", Table(0, 0, 0)}}, 2));
  EXPECT_TRUE(report.Build()["tables"][0]["out_per_second"].is_null());
}

ordered_json TwoTables() {
  TopReport report;
  report.Add(Sample(0, {{"silver.\x1b[31mred", Table(0, 10, 0)}, {"bronze.b", Table(0, 20, 0)}}));
  return report.Build();
}

TEST(TopPage, FitsAnyTerminalAndLetsNothingControlIt) {
  for (const int width : {1, 10, 20, 40, 80, 200}) {
    for (const int height : {1, 2, 5, 24}) {
      const auto page = RenderTop(TwoTables(), {.width = width, .height = height});
      EXPECT_EQ(page.lines.size(), static_cast<size_t>(height));
      for (const auto& line : page.lines) {
        EXPECT_LE(query::DisplayWidth(line), width) << line;
        EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
      }
    }
  }
  const auto coloured = RenderTop(TwoTables(), {.width = 100, .height = 24, .colours = true});
  EXPECT_THAT(coloured.lines, testing::Contains(testing::HasSubstr("\x1b[1mSTATE\x1b[0m")));
}

TEST(TopPage, SortsTables) {
  const auto first = [](TopPageOptions options) { return RenderTop(TwoTables(), options).lines[4].substr(0, 6); };
  EXPECT_EQ(first({.sort = TopSort::kName}), "bronze");
  EXPECT_EQ(first({.sort = TopSort::kLag}), "bronze");
  EXPECT_EQ(first({.sort = TopSort::kLag, .reversed = true}), "silver");
  auto sort = TopSort::kName;
  for (int i = 0; i < 6; ++i) sort = NextSort(sort);
  EXPECT_EQ(sort, TopSort::kName);
}

}  // namespace
}  // namespace millrace::app
