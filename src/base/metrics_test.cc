#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Metric kRows{MetricKind::kCounter, "rows_total", "Rows.", {"table"}};
constexpr Metric kHeld{MetricKind::kGauge, "held_bytes", "Held."};
constexpr std::array<double, 2> kBounds = {0.5, 2};
constexpr Metric kSeconds{MetricKind::kHistogram, "seconds", "How long.", {"table"}, kBounds};

TEST(Metrics, IsPrintedInTheTextFormat) {
  Metrics metrics;
  metrics.Add(kRows, {"silver.users"}, 3);
  metrics.Add(kRows, {"silver.users"}, 4);
  metrics.Set(kHeld, {}, 0.5);
  metrics.Observe(kSeconds, {"a"}, 0.5);  // a bound belongs to its bucket
  metrics.Observe(kSeconds, {"a"}, 1);
  metrics.Observe(kSeconds, {"a"}, 3);
  EXPECT_EQ(metrics.Text(),
            "# HELP held_bytes Held.\n# TYPE held_bytes gauge\nheld_bytes 0.5\n"
            "# HELP rows_total Rows.\n# TYPE rows_total counter\nrows_total{table=\"silver.users\"} 7\n"
            "# HELP seconds How long.\n# TYPE seconds histogram\n"
            "seconds_bucket{table=\"a\",le=\"0.5\"} 1\nseconds_bucket{table=\"a\",le=\"2\"} 2\n"
            "seconds_bucket{table=\"a\",le=\"+Inf\"} 3\nseconds_sum{table=\"a\"} 4.5\nseconds_count{table=\"a\"} 3\n");
  EXPECT_EQ(metrics.Value(kRows, {"silver.users"}), 7);
  EXPECT_EQ(metrics.Value(kSeconds, {"a"}), 3);
  EXPECT_EQ(metrics.Value(kRows, {"another"}), 0);
}

TEST(Metrics, CountsOfLargeRunsStayExact) {
  Metrics metrics;
  metrics.Add(kRows, {"t"}, 4503599627370497.0);
  metrics.Add(kRows, {"t"});
  EXPECT_THAT(metrics.Text(), HasSubstr("} 4503599627370498\n"));
}

TEST(Metrics, NothingInALabelBreaksTheLine) {
  Metrics metrics;
  metrics.Add(kRows, {"a\"b\\c\nd"});
  EXPECT_THAT(metrics.Text(), HasSubstr("rows_total{table=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(Metrics, SeriesAreBounded) {
  Metrics metrics;
  for (size_t i = 0; i < Metrics::kSeriesMax + 500; ++i) metrics.Add(kRows, {std::to_string(i)});
  EXPECT_EQ(metrics.Value(kRows, {"other"}), 500);
  EXPECT_EQ(metrics.Value(kRows, {"0"}), 1);
  metrics.Add(kRows, {"0"});
  EXPECT_EQ(metrics.Value(kRows, {"0"}), 2);
}

TEST(Metrics, WhatIsGoneIsNotShown) {
  Metrics metrics;
  metrics.Set(kHeld, {}, 7);
  metrics.Clear(kHeld);
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("held_bytes")));
}

TEST(Metrics, ManyThreadsCount) {
  Metrics metrics;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) {
        metrics.Add(kRows, {"t"});
        metrics.Observe(kSeconds, {"t"}, 1);
        if (n % 100 == 0) metrics.Text();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(metrics.Value(kRows, {"t"}), 4000);
  EXPECT_EQ(metrics.Value(kSeconds, {"t"}), 4000);
}

}  // namespace
}  // namespace millrace
