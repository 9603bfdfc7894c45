#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "refine/backfill.h"
#include "refine/maintenance/maintainer.h"
#include "refine/model_lake.h"
#include "refine/partition_slices.h"
#include "table/live_files.h"

namespace millrace::refine {
namespace {

using ::testing::HasSubstr;
using Outcome = RunReport::Outcome;

constexpr const char* kHead =
    "/* ---\nmaterialized: incremental\nover: silver.events\nincremental_strategy: replace_partitions\n{}--- */\n{}";
constexpr const char* kDays =
    "SELECT date_trunc('day', ts) AS day, type, count(*) AS events, sum(n) AS n, max(id) AS newest FROM silver.events "
    "GROUP BY ALL";

class ReplacePartitionsTest : public ModelLakeTest {
 protected:
  Model Replacing(const std::string& name, const std::string& header, const std::string& sql) {
    return Parse(name, fmt::format(fmt::runtime(kHead), header, sql));
  }
  std::string Of(const Model& model) { return Ask("SELECT * FROM " + ToString(model.name) + " ORDER BY ALL"); }
  std::set<std::string> FilesOf(const Model& model) {
    std::set<std::string> files;
    const auto table = *catalog_.Load(model.name);
    table::ForEachLiveFile(*store_, *table.metadata, *table.metadata->current_snapshot(), {},
                           [&](const table::ManifestEntry& entry) { files.insert(entry.file.file_path); });
    return files;
  }
  /// What a run says of itself when the header or the SQL is refused.
  std::string Refused(const std::string& header, const std::string& sql) {
    try {
      const auto report = RunOne(Replacing("gold.refused", header, sql));
      return report.outcome == Outcome::kFailed ? report.why : "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kConfig);
      return error.what();
    }
  }
};

TEST_F(ReplacePartitionsTest, LateRowsMakeTheirPartitionsAnewAndNoOthers) {
  // As the table is partitioned, by the column alone, and where a partition of the table holds rows of several.
  const std::vector<std::pair<std::string, std::string>> ways = {
      {"gold.a", "partition_by: [day(day), type]\n"},
      {"gold.b", "partition_by: [day]\n"},
      {"gold.c", "partition_by: [year(day)]\nreplace_by: [day(day), type]\n"},
      {"gold.d", "replace_by: [day(day)]\nsort_by: [day]\n"},
      {"gold.e", "partition_by: ['bucket(4, newest)', day(day)]\n"},
      {"gold.f", "partition_by: [month(day)]\ntouched_by: {day: ts}\n"}};
  Land(Rows(0, 100, 1));
  std::vector<Model> models;
  for (const auto& [name, header] : ways) models.push_back(Replacing(name, header, kDays));
  for (const auto& report : Run(models)) EXPECT_TRUE(report.full_refresh) << report.why;
  // Two hours of the second day, and a new day.
  Land(Rows(30, 32, 7));
  Land(Rows(200, 203, 2));
  for (const auto& model : models) {
    SCOPED_TRACE(ToString(model.name));
    const auto before = FilesOf(model);
    const auto report = RunOne(model);
    EXPECT_EQ(report.outcome, Outcome::kBuilt) << report.why;
    EXPECT_FALSE(report.full_refresh) << report.why;
    EXPECT_EQ(Of(model), Ask(std::string(kDays) + " ORDER BY ALL"));
    EXPECT_EQ(RunOne(model).outcome, Outcome::kNothing);
    if (ToString(model.name) < "gold.c") {
      std::set<std::string> gone;
      for (const auto& file : before) {
        if (!FilesOf(model).contains(file)) gone.insert(file);
      }
      EXPECT_EQ(gone.size(), ToString(model.name) == "gold.a" ? 2U : 1U) << "of one day, two types";
      EXPECT_EQ(report.rows, 4) << "two types of two days";
    }
  }
}

TEST_F(ReplacePartitionsTest, PartitionsOfNullsOfTimesBefore1970AndOfOtherTypes) {
  const std::string sql =
      "SELECT CAST(ts AS DATE) - 20000 AS d, CAST(ts AS TIMESTAMP) - INTERVAL 60 YEAR AS t, nullif(type, 'Push') AS "
      "type, id % 3 = 0 AS b, CAST(n AS DECIMAL(9, 2)) AS c, count(*) AS events FROM silver.events GROUP BY ALL";
  const auto model = Replacing(
      "gold.t", "partition_by: [d, hour(t), type, b, c]\nreplace_by: [d, hour(t), month(t), type, b, c]\n", sql);
  // A time of its own twice is no partition spec.
  EXPECT_THAT(RunOne(model).why, HasSubstr("waits for"));
  const auto plain = Replacing("gold.u", "partition_by: [month(d), hour(t), type, b, c]\n", sql);
  const auto hours = Replacing("gold.v", "replace_by: [t]\n", sql);
  Land(Rows(0, 10, 1));
  for (const auto& one : {plain, hours}) EXPECT_EQ(RunOne(one).outcome, Outcome::kBuilt);
  Land(Rows(5, 12, 1));
  Land(
      "SELECT CAST(NULL AS BIGINT) AS id, CAST(NULL AS VARCHAR) AS type, CAST(NULL AS TIMESTAMPTZ) AS ts, "
      "NULL::INTEGER AS n");
  Land(Rows(0, 1, 3));
  for (const auto& one : {plain, hours}) {
    const auto report = RunOne(one);
    EXPECT_EQ(report.outcome, Outcome::kBuilt) << report.why;
    EXPECT_FALSE(report.full_refresh) << report.why;
    EXPECT_EQ(Of(one), Ask(sql + " ORDER BY ALL"));
  }
}

TEST_F(ReplacePartitionsTest, WhatHidesRowsNeedsTouchedBy) {
  Land(Rows(0, 48, 1));
  const std::string by_day = "partition_by: [day(day)]\n";
  EXPECT_THAT(
      Refused(by_day,
              "SELECT date_trunc('day', ts) AS day, count(*) AS c FROM silver.events GROUP BY ALL HAVING c > 30"),
      HasSubstr("gold.refused.sql:4: its SQL has HAVING"));
  EXPECT_THAT(Refused(by_day, "SELECT date_trunc('day', ts) AS day, row_number() OVER () AS c FROM silver.events"),
              HasSubstr("a window function"));
  EXPECT_THAT(Refused(by_day, "SELECT date_trunc('day', a.ts) AS day FROM silver.events AS a, Silver.EVENTS AS b"),
              HasSubstr("2 times"));
  EXPECT_THAT(Refused(by_day, "SELECT ts AS day FROM silver.events LIMIT 3"), HasSubstr("LIMIT"));
  EXPECT_THAT(Refused("", "SELECT ts AS day FROM silver.events"), HasSubstr("needs `partition_by`"));
  EXPECT_THAT(Refused(by_day + "key: day\n", "SELECT ts AS day FROM silver.events"), HasSubstr("`key` merges"));
  const auto model =
      Replacing("gold.busy", by_day + "touched_by: {day: \"date_trunc('day', ts)\"}\n",
                "SELECT date_trunc('day', ts) AS day, count(*) AS c FROM silver.events GROUP BY ALL HAVING c > 30");
  EXPECT_EQ(RunOne(model).rows, 0);
  Land(Rows(24, 34, 1));
  EXPECT_EQ(RunOne(model).rows, 1) << "of the ten new rows alone there is no group of more than thirty";
  Land(Rows(0, 3, 1));
  EXPECT_EQ(RunOne(model).outcome, Outcome::kBuilt);
  EXPECT_EQ(Ask("SELECT c FROM gold.busy"), "c\r\n34\r\n");
  // What can be told when there is a table to replace in alone is told by the run.
  const auto run = [&](const std::string& header) {
    const auto bad =
        Replacing("gold.bad" + std::to_string(header.size()), header, "SELECT ts AS day, id FROM silver.events");
    EXPECT_EQ(RunOne(bad).outcome, Outcome::kBuilt);
    Land(Rows(0, 1, 9));
    return RunOne(bad).why;
  };
  EXPECT_THAT(run("partition_by: ['bucket(4, id)']\n"), HasSubstr("needs a field of a value"));
  EXPECT_THAT(run(by_day + "touched_by: {other: id}\n"), HasSubstr("says nothing of column day"));
  EXPECT_THAT(run(by_day + "touched_by: {day: nothing}\n"), HasSubstr(":4: touched_by, over a row of silver.events"));
}

TEST_F(ReplacePartitionsTest, ASourceThatIsCompactedRolledBackChangedOrEvolvedIsReadRight) {
  const auto model = Replacing("gold.days", "partition_by: [day(day)]\n", kDays);
  Land(Rows(0, 60, 1));
  Land(Rows(60, 90, 1));
  ASSERT_EQ(RunOne(model).outcome, Outcome::kBuilt);
  const auto first = catalog_.Load(kEvents)->metadata->current_snapshot_id;
  Maintainer maintainer(catalog_, budget_, folder_.path() / "maintenance");
  MaintenanceRules rules;
  rules.compaction.small_files_max = 1;
  EXPECT_EQ(maintainer.Maintain(kEvents, rules, {}).compaction.files_removed, 2);
  Land(Rows(10, 12, 4));
  auto report = RunOne(model);
  EXPECT_FALSE(report.full_refresh) << report.why;
  EXPECT_EQ(report.rows, 2) << "two types of one day";
  EXPECT_EQ(Of(model), Ask(std::string(kDays) + " ORDER BY ALL"));
  // Rows that go make all anew: which partitions they were of is not known any more.
  table::SnapshotChange gone;
  gone.operation = "overwrite";
  gone.remove_all = true;
  CommitEvents(std::move(gone));
  Land(Rows(3, 5, 1));
  report = RunOne(model);
  EXPECT_THAT(report.why, HasSubstr("did more than add rows (overwrite)"));
  EXPECT_EQ(Of(model), Ask(std::string(kDays) + " ORDER BY ALL"));
  // Rolled back.
  const auto table = *catalog_.Load(kEvents);
  ASSERT_TRUE(std::holds_alternative<catalog::Committed>(
      catalog_.Commit(kEvents, {table::AssertTableUuid{table.metadata->table_uuid}},
                      {table::SetSnapshotRef{"main", {.snapshot_id = *first, .type = "branch"}}})));
  report = RunOne(model);
  EXPECT_THAT(report.why, HasSubstr("was rolled back"));
  EXPECT_EQ(Of(model), Ask(std::string(kDays) + " ORDER BY ALL"));
}

TEST_F(ReplacePartitionsTest, WhatAnotherPutIntoTheTableMeanwhileIsNotDoubled) {
  const auto model = Replacing("gold.days", "partition_by: [day(day)]\nevent_time: day\n", kDays);
  Land(Rows(0, 90, 1));
  ASSERT_EQ(RunOne(model).outcome, Outcome::kBuilt);
  Land(Rows(10, 12, 4));
  const Graph graph({model}, engine_);
  const auto day = [](int number) { return *ParseTimestamp(fmt::format("2024-01-{:02}T00:00:00Z", number)); };
  Backfill backfill({catalog_, engine_, budget_, graph}, *graph.Find(model.name),
                    {.from = day(1), .to = day(3), .window = std::chrono::hours(24)}, "a");
  int begun = 0;
  backfill.Run(false,
               [&](int64_t window, int64_t) {
                 begun += window == 0 ? 1 : 0;
                 if (window != 1 || begun > 1) return;
                 EXPECT_EQ(RunOne(model).outcome, Outcome::kBuilt);
               },
               {});
  EXPECT_EQ(begun, 2) << "the run replaced files that the backfill had";
  EXPECT_EQ(Of(model), Ask(std::string(kDays) + " ORDER BY ALL"));
}

TEST(PartitionSlices, AreStoredAndReadBack) {
  using schema::Primitive;
  const PartitionSlices slices{
      .columns = {{"h\"our", {.kind = Primitive::kTimestamptz}},
                  {"c", {.kind = Primitive::kDecimal, .precision = 9, .scale = 2}}},
      .slices = {{{"2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"}, {"1.50", std::nullopt}}, {{}, {}}}};
  EXPECT_EQ(
      PrintSlices(slices),
      R"x({"columns":[["h\"our","timestamptz"],["c","decimal(9, 2)"]],"slices":[[["2024-01-01T00:00:00Z","2024-01-02T00:00:00Z"],["1.50"]],[[],[]]],"version":1})x");
  EXPECT_EQ(ParseSlices(PrintSlices(slices), "here"), slices);
  for (const auto* wrong : {"", "{}", R"({"version":2})", R"({"version":1,"columns":[["a","list"]],"slices":[]})",
                            R"({"version":1,"columns":[["a","int"]],"slices":[[]]})"}) {
    EXPECT_THROW(ParseSlices(wrong, "here"), Error) << wrong;
  }
  EXPECT_EQ(InSlices(slices, "r", ModelEngine::kDuckDb),
            "(((r.\"h\"\"our\" >= TIMESTAMP WITH TIME ZONE '2024-01-01T00:00:00Z' AND r.\"h\"\"our\" < TIMESTAMP WITH "
            "TIME ZONE '2024-01-02T00:00:00Z' AND r.\"c\" = CAST('1.50' AS DECIMAL(9, 2))) OR (r.\"h\"\"our\" IS NULL "
            "AND r.\"c\" IS NULL)))");
}

}  // namespace
}  // namespace millrace::refine
