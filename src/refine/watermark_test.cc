#include "refine/watermark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "refine/backfill.h"
#include "refine/model_lake.h"

namespace millrace::refine {
namespace {

using ::testing::HasSubstr;
using Outcome = RunReport::Outcome;

constexpr const char* kText =
    "/* ---\nmaterialized: incremental\nover: silver.events\nincremental_strategy: replace_partitions\npartition_by: "
    "[day(hour)]\nevent_time: hour\nwatermark: {{column: ts, delay: 6h, late: {}, emit: {}}}\n--- */\nSELECT "
    "date_trunc('hour', ts) AS hour, type, count(*) AS events, sum(n) AS n FROM silver.events GROUP BY ALL";

/// Rows(from, to, n) are an hour apart, from 2024-01-01 on.
class WatermarkTest : public ModelLakeTest {
 protected:
  Model Late(const std::string& name, const std::string& late, const std::string& emit = "on_update") {
    return Parse("gold." + name, fmt::format(kText, late, emit));
  }
  std::string Of(const Model& model) { return Ask("SELECT * FROM " + ToString(model.name) + " ORDER BY ALL"); }
  /// What the table is to hold, of rows that `wanted` is true of.
  std::string Hours(const std::string& wanted) {
    return Ask(
        "SELECT date_trunc('hour', ts) AS hour, type, count(*) AS events, sum(n) AS n FROM silver.events WHERE " +
        wanted + " GROUP BY ALL ORDER BY ALL");
  }
  std::string LateOf(const std::string& name) {
    return Ask("SELECT cause, decode(record) AS r FROM quarantine.gold_" + name + " ORDER BY ALL");
  }
};

TEST_F(WatermarkTest, ClosedPartitionsAreNotReopenedAndLateRowsGoWhereTheHeaderSays) {
  const auto drop = Late("dropped", "drop");
  const auto quarantine = Late("kept", "quarantine");
  const auto accept = Late("accepted", "accept");
  Land(Rows(0, 55, 1));  // until the third day, 06:00: the watermark is 00:00, so two days are closed
  for (const auto& model : {drop, quarantine, accept}) {
    const auto report = RunOne(model);
    EXPECT_TRUE(report.full_refresh);
    EXPECT_EQ(report.watermark, ParseTimestamp("2024-01-03T00:00:00Z"));
    EXPECT_EQ(report.rows_late, 0);
    EXPECT_EQ(Of(model), Hours("true")) << "what is not closed is there as well";
  }
  // Two of a closed day, one of a day that is not, one of a new day that closes the third.
  Land(Rows(30, 32, 7) + " UNION ALL " + Rows(50, 51, 7) + " UNION ALL " + Rows(80, 81, 7));
  for (const auto& model : {drop, quarantine, accept}) {
    SCOPED_TRACE(ToString(model.name));
    const auto report = RunOne(model);
    EXPECT_EQ(report.outcome, Outcome::kBuilt) << report.why;
    EXPECT_FALSE(report.full_refresh);
    EXPECT_EQ(report.rows_late, 2);
    EXPECT_EQ(report.watermark, ParseTimestamp("2024-01-04T02:00:00Z"));
    const bool accepts = model.watermark->late == Model::Watermark::Late::kAccept;
    EXPECT_EQ(Of(model), Hours(accepts ? "true" : "NOT (n = 7 AND id < 48)"));
    EXPECT_EQ(RunOne(model).outcome, Outcome::kNothing);
    // The watermark does not go back, and the day that was open is closed.
    const auto table = *catalog_.Load(model.name);
    EXPECT_EQ(ReadWatermark(model, *table.metadata)->late, 2);
  }
  EXPECT_EQ(
      LateOf("kept"),
      "cause,r\r\nlate,\"{\"\"id\"\":30,\"\"type\"\":\"\"Push\"\",\"\"ts\"\":\"\"2024-01-02 "
      "06:00:00+00\"\",\"\"n\"\":7}\"\r\nlate,\"{\"\"id\"\":31,\"\"type\"\":\"\"Pull\"\",\"\"ts\"\":\"\"2024-01-02 "
      "07:00:00+00\"\",\"\"n\"\":7}\"\r\n");
  EXPECT_FALSE(catalog_.Load({"quarantine", "gold_dropped"}));
  Land(Rows(60, 62, 9));
  for (const auto& model : {drop, quarantine}) {
    EXPECT_EQ(RunOne(model).rows_late, 2);
    EXPECT_EQ(Of(model), Hours("NOT (n = 7 AND id < 48 OR n = 9)"));
    EXPECT_EQ(ReadWatermark(model, *catalog_.Load(model.name)->metadata)->late, 4);
  }
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM quarantine.gold_kept"), "n\r\n4\r\n");
  // A stretch that is made again takes its late rows in, and so does a rebuild of all.
  const Graph graph({quarantine}, engine_);
  Backfill({catalog_, engine_, budget_, graph}, *graph.Find(quarantine.name),
           {.from = *ParseTimestamp("2024-01-02T00:00:00Z"),
            .to = *ParseTimestamp("2024-01-03T00:00:00Z"),
            .window = std::chrono::hours(24)},
           "a")
      .Run(false, [](int64_t, int64_t) {}, {});
  EXPECT_EQ(Of(quarantine), Hours("n <> 9"));
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM quarantine.gold_kept"), "n\r\n2\r\n");
  EXPECT_EQ(RunOne(quarantine, {.full_refresh = true}).rows_late, 0);
  EXPECT_EQ(Of(quarantine), Hours("true"));
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM quarantine.gold_kept"), "n\r\n0\r\n");
}

TEST_F(WatermarkTest, OnClosePartitionsAreHeldBackUntilTheyAreClosed) {
  const auto model = Late("closed", "quarantine", "on_close");
  const auto accepting = Late("reopened", "accept", "on_close");
  const auto run = [&](const std::string& closed, int64_t late) {
    for (const auto& one : {model, accepting}) {
      SCOPED_TRACE(ToString(one.name));
      const auto report = RunOne(one);
      EXPECT_EQ(report.outcome, Outcome::kBuilt) << report.why;
      EXPECT_EQ(report.rows_late, late);
      const bool accepts = one.watermark->late == Model::Watermark::Late::kAccept;
      EXPECT_EQ(Of(one), Hours("ts < TIMESTAMPTZ '" + closed + "'" + (accepts ? "" : " AND n <> 7")));
    }
  };
  Land(Rows(0, 20, 1));
  for (const auto& one : {model, accepting}) EXPECT_EQ(RunOne(one).rows, 0) << "the first day is not closed";
  Land(Rows(20, 29, 1));
  run("2024-01-01 00:00:00Z", 0);
  Land(Rows(29, 80, 2));
  run("2024-01-04 00:00:00Z", 0);
  Land(Rows(70, 71, 7) + " UNION ALL " + Rows(81, 82, 1));
  run("2024-01-04 00:00:00Z", 1);
  const Graph graph({model}, engine_);
  Backfill({catalog_, engine_, budget_, graph}, *graph.Find(model.name),
           {.from = *ParseTimestamp("2024-01-03T00:00:00Z"),
            .to = *ParseTimestamp("2024-01-09T00:00:00Z"),
            .window = std::chrono::hours(48)},
           "a")
      .Run(false, [](int64_t, int64_t) {}, {});
  EXPECT_EQ(Of(model), Hours("ts < TIMESTAMPTZ '2024-01-04 00:00:00Z'")) << "what is not closed stays held back";
  RunOne(model, {.full_refresh = true});
  EXPECT_EQ(Of(model), Hours("ts < TIMESTAMPTZ '2024-01-04 00:00:00Z'"));
}

TEST_F(WatermarkTest, WhatItNeedsIsSaidAtItsLine) {
  Land(Rows(0, 3, 1));
  const auto why = [&](const std::string& header, const std::string& sql = "SELECT ts, type FROM silver.events") {
    try {
      const auto report = RunOne(
          Parse("gold.t", "/* ---\nmaterialized: incremental\nover: silver.events\n" + header + "--- */\n" + sql));
      return report.outcome == Outcome::kFailed ? report.why : std::string();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kConfig);
      return std::string(error.what());
    }
  };
  const std::string replace = "incremental_strategy: replace_partitions\npartition_by: ";
  EXPECT_THAT(why("watermark: {column: ts, delay: 2h}\n"), HasSubstr("gold.t.sql:4: this belongs to"));
  EXPECT_THAT(why(replace + "[day(ts)]\nwatermark: {column: ts}\n"), HasSubstr("gold.t.sql:6: a watermark has"));
  EXPECT_THAT(why(replace + "[day(ts)]\nwatermark: {column: ts, delay: soon}\n"), HasSubstr("no duration"));
  EXPECT_THAT(why(replace + "[day(ts)]\nwatermark: {column: ts, delay: 2h, late: land}\n"), HasSubstr("gold.t.sql:6"));
  EXPECT_THAT(why(replace + "[type]\nwatermark: {column: ts, delay: 2h}\n"),
              HasSubstr("gold.t.sql:6: watermark: partitions"));
  EXPECT_THAT(why(replace + "[day(ts)]\nwatermark: {column: tz, delay: 2h}\n"),
              HasSubstr("gold.t.sql:6: watermark, over a row"));
}

}  // namespace
}  // namespace millrace::refine
