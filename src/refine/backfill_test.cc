#include "refine/backfill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "refine/maintenance/maintainer.h"
#include "refine/model_lake.h"

namespace millrace::refine {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPlain =
    "/* ---\nmaterialized: incremental\nover: silver.events\nevent_time: ts\npartition_by: [type]\nexpect:\n  - n <> "
    "3: "
    "drop\n--- */\nSELECT e.id, e.type, e.ts, e.n, f.factor FROM silver.events AS e LEFT JOIN staging.factors AS f "
    "ON e.n = f.n";
constexpr const char* kKeyed =
    "/* ---\nmaterialized: incremental\nover: silver.events\nevent_time: ts\nkey: id\nnewest_by: n\n--- */\nSELECT "
    "e.*, "
    "f.factor FROM silver.events AS e LEFT JOIN staging.factors AS f ON e.n = f.n";

/// Rows(from, to, n) are an hour apart, from 2024-01-01 on: day d has the ids 24 * d to 24 * d + 23.
class BackfillTest : public ModelLakeTest {
 protected:
  using Meanwhile = std::function<void(int64_t window)>;

  void Factors(int factor) {
    const auto ran =
        RunOne(Parse("staging.factors", fmt::format("SELECT range AS n, {} AS factor FROM range(10)", factor)));
    ASSERT_NE(ran.outcome, RunReport::Outcome::kFailed) << ran.why;
  }

  /// Days [from, to) of January.
  Backfill::Report Fill(
      const Model& model, int from, int to, const std::string& name, const Meanwhile& meanwhile = [](int64_t) {},
      bool stage = false) {
    const Graph graph({model}, engine_);
    const auto day = [](int number) { return *ParseTimestamp(fmt::format("2024-01-{:02}T00:00:00Z", number + 1)); };
    Backfill backfill({catalog_, engine_, budget_, graph}, *graph.Find(model.name),
                      {.from = day(from), .to = day(to), .window = std::chrono::hours(24)}, name);
    return backfill.Run(stage, [&](int64_t done, int64_t) { meanwhile(done); }, {});
  }

  std::string Of(const Model& model) { return Ask("SELECT * FROM " + ToString(model.name) + " ORDER BY ALL"); }
};

TEST_F(BackfillTest, RowsOfTheStretchAreMadeAgainAndNoOthers) {
  for (const auto* text : {kPlain, kKeyed}) {
    SCOPED_TRACE(text);
    Factors(10);
    const auto model = Parse(text == kPlain ? "gold.plain" : "gold.keyed", text);
    Land(Rows(0, 100, 1));
    Land(Rows(50, 60, 3));
    Land(Rows(60, 70, 2));
    ASSERT_EQ(RunOne(model).why, "");
    const auto run = Of(model);
    Factors(20);
    const auto expected =
        Ask(fmt::format("SELECT * REPLACE (CASE WHEN ts >= TIMESTAMPTZ '2024-01-02' AND ts < TIMESTAMPTZ '2024-01-04' "
                        "THEN 20 ELSE 10 END "
                        "AS factor) FROM {} ORDER BY ALL",
                        ToString(model.name)));
    const auto report = Fill(model, 1, 3, "a");
    EXPECT_TRUE(report.published);
    EXPECT_EQ(report.windows, 2);
    EXPECT_EQ(Of(model), expected);
    EXPECT_NE(Of(model), run);
    EXPECT_EQ(RunOne(model).outcome, RunReport::Outcome::kNothing) << "the position stays";
    EXPECT_EQ(catalog_.Load(model.name)->metadata->refs.size(), 1U);
    Fill(model, 0, 6, "b");
    const auto filled = Of(model);
    RunOne(model, {.full_refresh = true});
    EXPECT_EQ(Of(model), filled) << "all of it made again is a rebuild";
    Factors(10);
  }
}

TEST_F(BackfillTest, WhatMainGetsMeanwhileStays) {
  for (const auto* text : {kPlain, kKeyed}) {
    SCOPED_TRACE(text);
    Factors(10);
    const auto model = Parse(text == kPlain ? "gold.plain" : "gold.keyed", text);
    Land(Rows(0, 100, 1));
    ASSERT_NE(RunOne(model).outcome, RunReport::Outcome::kFailed);
    Factors(20);
    int begun = 0;
    const auto report = Fill(model, 1, 3, "a", [&](int64_t window) {
      begun += window == 0 ? 1 : 0;
      if (window != 1 || begun > 1) return;
      // Of the stretch: other rows of ids that are there, newer than any.
      Land(Rows(30, 35, text == kPlain ? 5 : 7));
      const auto ran = RunOne(model);
      EXPECT_EQ(ran.outcome, RunReport::Outcome::kBuilt) << ran.why;
    });
    EXPECT_TRUE(report.published);
    EXPECT_EQ(begun, text == kPlain ? 1 : 2) << "by key it starts over from what is there then";
    EXPECT_EQ(Ask("SELECT count(*) AS n FROM " + ToString(model.name)),
              text == kPlain ? "n\r\n105\r\n" : "n\r\n100\r\n");
    const auto both =
        "SELECT id, n, factor FROM {} WHERE ts >= TIMESTAMPTZ '2024-01-02' AND ts < TIMESTAMPTZ '2024-01-04' ORDER BY "
        "ALL";
    const auto filled = Ask(fmt::format(fmt::runtime(both), ToString(model.name)));
    RunOne(model, {.full_refresh = true});
    EXPECT_EQ(Ask(fmt::format(fmt::runtime(both), ToString(model.name))), filled);
    Factors(10);
  }
}

TEST_F(BackfillTest, WhenMaintenanceMergesItsFilesItStartsOver) {
  Factors(10);
  const auto model = Parse("gold.plain", kPlain);
  for (int n = 1; n <= 2; ++n) {
    Land(Rows(0, 100, n));
    ASSERT_NE(RunOne(model).outcome, RunReport::Outcome::kFailed);
  }
  Factors(20);
  int begun = 0;
  const auto report = Fill(model, 1, 3, "a", [&](int64_t window) {
    begun += window == 0 ? 1 : 0;
    if (window != 1 || begun > 1) return;
    Maintainer maintainer(catalog_, budget_, folder_.path() / "maintenance");
    MaintenanceRules rules;
    rules.compaction.small_files_max = 2;
    const auto merged = maintainer.Maintain(model.name, rules, {});
    EXPECT_EQ(merged.compaction.files_removed, 4) << merged.why_failed;
  });
  EXPECT_TRUE(report.published);
  EXPECT_EQ(begun, 2);
  const auto filled = "SELECT count(*) AS n, sum(factor) AS f FROM gold.plain";
  EXPECT_EQ(Ask(filled), "n,f\r\n200,2960\r\n") << "two days twice by 20, the rest by 10";
}

TEST_F(BackfillTest, ATableThatIsAlwaysChangedIsLeftAsItIs) {
  Factors(10);
  const auto model = Parse("gold.plain", kPlain);
  Land(Rows(0, 100, 1));
  RunOne(model);
  try {
    Fill(model, 1, 2, "a", [&](int64_t window) {
      if (window == 1) RunOne(model, {.full_refresh = true});
    });
    FAIL() << "it never became part of the table";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("others changed rows of the table each time"));
  }
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM gold.plain"), "n\r\n100\r\n");
}

TEST_F(BackfillTest, BrokenExpectationsThatFailLeaveTheTable) {
  Factors(10);
  std::string text = kPlain;
  text.replace(text.find("n <> 3: drop"), 12, "n <> 3: drop\n  - factor < 15: fail\n  - unique: id\n    then: fail");
  const auto model = Parse("gold.plain", text);
  Land(Rows(0, 50, 1));
  ASSERT_NE(RunOne(model).outcome, RunReport::Outcome::kFailed);
  const auto before = Of(model);
  Factors(20);
  EXPECT_THROW(Fill(model, 1, 2, "a"), Error);
  EXPECT_EQ(Of(model), before);
  Factors(12);
  EXPECT_FALSE(Fill(
                   model, 1, 2, "b", [](int64_t) {}, true)
                   .published)
      << "staged";
  EXPECT_EQ(Of(model), before);
  EXPECT_TRUE(Fill(model, 1, 2, "b").published);
  EXPECT_NE(Of(model), before);
}

TEST_F(BackfillTest, QuarantineOfTheStretchIsMadeAgainWithIt) {
  const std::string head =
      "/* ---\nmaterialized: incremental\nover: silver.events\nevent_time: ts\nexpect:\n  - factor < 15 OR id % 3 = 0: "
      "quarantine\n{}--- */\nSELECT e.id, e.ts, e.n, f.factor FROM silver.events AS e LEFT JOIN staging.factors AS f "
      "ON "
      "e.n = f.n";
  const std::string kept = "SELECT id, n, factor FROM gold.{} ORDER BY ALL";
  const std::string broken =
      "SELECT CAST(json_extract(decode(record), '$.id') AS BIGINT) AS id, CAST(json_extract(decode(record), '$.n') AS "
      "BIGINT) AS n, CAST(json_extract(decode(record), '$.factor') AS BIGINT) AS factor FROM quarantine.gold_{} ORDER "
      "BY "
      "ALL";
  // Days two and three by the newer factor; the day five came after the backfill had begun.
  const auto expected = [&](bool in_quarantine, bool keyed, int end) {
    return Ask(fmt::format(
        "SELECT id, n, factor FROM (SELECT id, n, CASE WHEN id >= 24 AND id < 72 OR id >= 100 THEN 20 ELSE 10 END AS "
        "factor FROM (FROM silver.events {}) WHERE id < {}) WHERE (factor < 15 OR id % 3 = 0) = {} ORDER BY ALL",
        keyed ? "QUALIFY row_number() OVER (PARTITION BY id ORDER BY n DESC) = 1" : "", end, !in_quarantine));
  };
  for (const bool keyed : {false, true}) {
    const std::string name = keyed ? "keyed" : "plain";
    SCOPED_TRACE(name);
    Factors(10);
    const auto model = Parse("gold." + name, fmt::format(fmt::runtime(head), keyed ? "key: id\nnewest_by: n\n" : ""));
    if (!keyed) Land(Rows(0, 100, 1));
    ASSERT_NE(RunOne(model).outcome, RunReport::Outcome::kFailed);
    Factors(20);
    int begun = 0;
    auto report = Fill(model, 1, 3, "a", [&](int64_t window) {
      begun += window == 0 ? 1 : 0;
      if (window != 1 || begun > 1 || keyed) return;
      Land(Rows(100, 110, 2));
      EXPECT_EQ(RunOne(model).outcome, RunReport::Outcome::kBuilt);
    });
    EXPECT_TRUE(report.published);
    EXPECT_EQ(report.rows_quarantined, 32) << "two of three of two days";
    if (!keyed) {
      EXPECT_EQ(Ask(fmt::format(fmt::runtime(kept), name)), expected(false, keyed, 110));
      EXPECT_EQ(Ask(fmt::format(fmt::runtime(broken), name)), expected(true, keyed, 110));
    }
    // Once more by another name, and back: the rows leave quarantine again.
    const auto once = Ask(fmt::format(fmt::runtime(broken), name));
    Fill(model, 1, 3, "b");
    EXPECT_EQ(Ask(fmt::format(fmt::runtime(broken), name)), once);
    Factors(10);
    EXPECT_EQ(Fill(model, 1, 3, "c").rows_quarantined, 0);
    EXPECT_EQ(
        Ask(fmt::format(
            "SELECT count(*) AS n FROM quarantine.gold_{} WHERE CAST(json_extract(decode(record), '$.id') AS BIGINT) < "
            "72",
            name)),
        "n\r\n0\r\n");
    // What is given up, or staged alone, leaves nothing there.
    Factors(20);
    Fill(
        model, 1, 3, "d", [](int64_t) {}, true);
    const Graph graph({model}, engine_);
    Backfill::Abandon({catalog_, engine_, budget_, graph}, *graph.Find(model.name), "d", {});
    EXPECT_EQ(
        Ask(fmt::format(
            "SELECT count(*) AS n FROM quarantine.gold_{} WHERE CAST(json_extract(decode(record), '$.id') AS BIGINT) < "
            "72",
            name)),
        "n\r\n0\r\n");
    EXPECT_NE(RunOne(model, {.full_refresh = true}).outcome, RunReport::Outcome::kFailed);
    EXPECT_EQ(Ask(fmt::format("SELECT count(*) AS n FROM (SELECT id, n FROM gold.{0} UNION ALL {1})", name,
                              fmt::format("SELECT 0, 0 FROM quarantine.gold_{}", name))),
              "n\r\n110\r\n");
  }
}

TEST_F(BackfillTest, RefusesWhatItCannotDo) {
  Factors(10);
  Land(Rows(0, 50, 1));
  const auto why = [&](const Model& model) -> std::string {
    try {
      Fill(model, 1, 2, "a");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage) << error.what();
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(why(Parse("gold.t", "SELECT ts FROM silver.events")), HasSubstr("only an incremental model"));
  const std::string head = "-- ---\n-- materialized: incremental\n-- over: silver.events\n";
  EXPECT_THAT(why(Parse("gold.t", head + "-- ---\nFROM silver.events")), HasSubstr("names no `event_time`"));
  EXPECT_THAT(why(Parse("gold.plain", kPlain)), HasSubstr("has not run yet"));
  RunOne(Parse("gold.plain", kPlain));
  EXPECT_THAT(why(Parse("gold.plain", std::string(kPlain) + " WHERE e.id > 3")), HasSubstr("was edited"));
  const auto text = Parse("gold.u", head + "-- event_time: type\n-- ---\nFROM silver.events");
  RunOne(text);
  EXPECT_THAT(why(text), HasSubstr("column type is string"));
  EXPECT_THROW(Parse("gold.v", "-- ---\n-- event_time: ts\n-- ---\nFROM silver.events"), Error);
}

}  // namespace
}  // namespace millrace::refine
