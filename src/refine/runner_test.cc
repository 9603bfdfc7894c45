#include "refine/runner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <sstream>

#include "base/fault.h"
#include "base/random.h"
#include "catalog/sql/sql_catalog.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "long_tests.h"
#include "query/printer.h"
#include "refine/model_lake.h"
#include "table/manifest.h"
#include "table/snapshot_builder.h"

namespace millrace::refine {
namespace {

using ::testing::HasSubstr;
using Outcome = RunReport::Outcome;

class RunnerTest : public ModelLakeTest {};

TEST_F(RunnerTest, ATableIsRebuiltWhenItsInputChangesAndOnlyThen) {
  Land(Rows(0, 10, 1));
  const auto model = Parse("gold.by_type",
                           "-- ---\n-- partition_by: [type, day(first)]\n-- ---\nSELECT type, count(*) AS events, "
                           "sum(n) AS n, min(ts) AS first FROM "
                           "Silver.Events GROUP BY type;");
  const auto built = RunOne(model);
  EXPECT_EQ(built.outcome, Outcome::kBuilt) << built.why;
  EXPECT_EQ(built.rows, 2);
  EXPECT_EQ(built.files, 2);
  EXPECT_EQ(Ask("SELECT type, events, n FROM gold.by_type ORDER BY type"), "type,events,n\r\nPull,6,6\r\nPush,4,4\r\n");
  EXPECT_EQ(Ask("SELECT DISTINCT typeof(n) AS t FROM gold.by_type"), "t\r\nBIGINT\r\n")
      << "a sum of whole numbers is long";

  const auto again = RunOne(model);
  EXPECT_EQ(again.outcome, Outcome::kNothing);
  EXPECT_EQ(again.why, "Silver.Events has nothing new since the last run");

  Land(Rows(10, 12, 1));
  EXPECT_EQ(RunOne(model).outcome, Outcome::kBuilt);
  EXPECT_EQ(Ask("SELECT sum(events) AS n FROM gold.by_type"), "n\r\n12\r\n");
}

TEST_F(RunnerTest, AnIncrementTakesNewRowsAndEqualsARebuild) {
  const auto model = Parse("gold.pushes",
                           "/* ---\nmaterialized: incremental\nover: silver.events\npartition_by: day(ts)\n--- "
                           "*/\nSELECT id, ts, n FROM silver.events WHERE "
                           "type = 'Push'");
  EXPECT_THAT(RunOne(model).why, HasSubstr("waits for silver.events"));
  Land(Rows(0, 30, 1));
  EXPECT_TRUE(RunOne(model).full_refresh);
  Land(Rows(30, 60, 2));
  Land(Rows(60, 63, 2));
  const auto fed = RunOne(model);
  EXPECT_EQ(fed.outcome, Outcome::kBuilt);
  EXPECT_FALSE(fed.full_refresh);
  EXPECT_EQ(fed.rows, 11);
  EXPECT_EQ(RunOne(model).outcome, Outcome::kNothing);
  const auto fed_rows = Ask("SELECT * FROM gold.pushes ORDER BY id");
  const auto rebuilt = RunOne(model, {.full_refresh = true});
  EXPECT_EQ(rebuilt.rows, 21);
  EXPECT_EQ(Ask("SELECT * FROM gold.pushes ORDER BY id"), fed_rows);
}

TEST_F(RunnerTest, AKeyKeepsItsNewestRow) {
  const auto model = Parse("gold.latest",
                           "-- ---\n-- materialized: incremental\n-- over: silver.events\n-- key: id\n-- newest_by: "
                           "n\n-- partition_by: type\n-- "
                           "---\nSELECT * FROM silver.events");
  Land(Rows(0, 20, 5));
  EXPECT_EQ(RunOne(model).rows, 20);
  Land(Rows(10, 15, 9) + " UNION ALL " + Rows(15, 17, 1) + " UNION ALL " + Rows(100, 102, 1) + " UNION ALL " +
       Rows(100, 101, 3));
  const auto merged = RunOne(model);
  EXPECT_EQ(merged.outcome, Outcome::kBuilt) << merged.why;
  EXPECT_FALSE(merged.full_refresh);
  const auto rows = Ask("SELECT * FROM gold.latest ORDER BY id");
  EXPECT_EQ(Ask("SELECT count(*) AS c, count(DISTINCT id) AS d, sum(n) AS n FROM gold.latest"),
            "c,d,n\r\n22,22,124\r\n")
      << "15 kept at 5, 5 replaced by 9, one of 3 and one of 1";
  RunOne(model, {.full_refresh = true});
  EXPECT_EQ(Ask("SELECT * FROM gold.latest ORDER BY id"), rows);
}

TEST_F(RunnerTest, OnlyFilesThatHoldAKeyAreRewritten) {
  const auto model =
      Parse("gold.keyed",
            "-- ---\n-- materialized: incremental\n-- over: silver.events\n-- key: [id]\n-- ---\nFROM silver.events");
  Land(Rows(0, 10, 1));
  RunOne(model);
  Land(Rows(50, 60, 1));
  EXPECT_EQ(RunOne(model).rows, 10) << "no key was there: nothing is rewritten";
  Land(Rows(55, 56, 2));
  EXPECT_EQ(RunOne(model).rows, 10) << "the file that has the key";
  EXPECT_EQ(Ask("SELECT count(*) AS c, sum(n) AS n FROM gold.keyed"), "c,n\r\n20,21\r\n");
}

TEST_F(RunnerTest, OtherChangesOfTheInputMeanARebuild) {
  const auto model =
      Parse("gold.copy",
            "-- ---\n-- materialized: incremental\n-- over: silver.events\n-- ---\nSELECT id FROM silver.events");
  Land(Rows(0, 10, 1));
  RunOne(model);
  table::SnapshotChange gone;
  gone.operation = "overwrite";
  gone.remove_all = true;
  CommitEvents(std::move(gone));
  Land(Rows(3, 5, 1));
  const auto rebuilt = RunOne(model);
  EXPECT_TRUE(rebuilt.full_refresh);
  EXPECT_THAT(rebuilt.why, HasSubstr("did more than add rows (overwrite)"));
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM gold.copy"), "n\r\n2\r\n");
  const auto edited = RunOne(Parse(
      "gold.copy",
      "-- ---\n-- materialized: incremental\n-- over: silver.events\n-- ---\nSELECT id + 1 AS id FROM silver.events"));
  EXPECT_EQ(edited.why, "the model was edited");
}

TEST_F(RunnerTest, CompactionOfTheInputAddsNothing) {
  const auto model =
      Parse("gold.copy",
            "-- ---\n-- materialized: incremental\n-- over: silver.events\n-- ---\nSELECT id FROM silver.events");
  Land(Rows(0, 10, 1));
  RunOne(model);
  const auto base = *catalog_.Load(kEvents);
  table::SnapshotChange compaction;
  compaction.operation = "replace";
  for (const auto& manifest : table::ReadManifestList(*store_, *base.metadata->current_snapshot())) {
    for (auto& entry : table::ReadManifest(*store_, *base.metadata, manifest))
      compaction.removed_paths.insert(entry.file.file_path);
  }
  const auto staged = *catalog_.Load({"staging", "rows1"});
  for (const auto& manifest : table::ReadManifestList(*store_, *staged.metadata->current_snapshot())) {
    for (auto& entry : table::ReadManifest(*store_, *staged.metadata, manifest)) compaction.added.push_back(entry.file);
  }
  CommitEvents(std::move(compaction));
  const auto moved = RunOne(model);
  EXPECT_EQ(moved.outcome, Outcome::kBuilt) << moved.why;
  EXPECT_EQ(moved.rows, 0);
  EXPECT_EQ(RunOne(model).outcome, Outcome::kNothing);
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM gold.copy"), "n\r\n10\r\n");
}

TEST_F(RunnerTest, ColumnsFollowTheModel) {
  Land(Rows(0, 4, 1));
  RunOne(Parse("gold.t", "SELECT id::INT AS id, type FROM silver.events"));
  RunOne(Parse("gold.t", "SELECT id, type, {'os': 'x', 'v': [1]} AS device FROM silver.events"));
  EXPECT_EQ(Ask("SELECT id, device FROM gold.t WHERE id = 3"),
            "id,device\r\n3,\"{\"\"os\"\":\"\"x\"\",\"\"v\"\":[1]}\"\r\n");
  RunOne(Parse("gold.t", "SELECT id::VARCHAR AS id FROM silver.events"));
  EXPECT_EQ(Ask("SELECT * FROM gold.t ORDER BY id LIMIT 1"), "id\r\n0\r\n") << "another type, and columns gone";
}

TEST_F(RunnerTest, Expectations) {
  Land(Rows(0, 10, 1));
  const std::string select = "SELECT id, CASE WHEN id > 7 THEN NULL ELSE id END AS maybe FROM silver.events";
  const auto report =
      RunOne(Parse("gold.t", "-- ---\n-- expect:\n--   - id > 0: warn\n--   - maybe >= 0: drop\n-- ---\n" + select));
  EXPECT_EQ(report.rows, 8);
  EXPECT_EQ(report.rows_dropped, 2);
  ASSERT_EQ(report.expectations.size(), 2U);
  EXPECT_EQ(report.expectations[0].violations, 1);
  EXPECT_EQ(report.expectations[1].violations, 2) << "null does not meet a condition";
  const auto failed = RunOne(Parse("gold.t", "-- ---\n-- expect: [id < 5: fail]\n-- ---\n" + select));
  EXPECT_EQ(failed.outcome, Outcome::kFailed);
  EXPECT_EQ(failed.error, ErrorCode::kData);
  EXPECT_THAT(failed.why, HasSubstr("5 of 10 rows break the expectation `id < 5`"));
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM gold.t"), "n\r\n8\r\n") << "what was there stays";
}

TEST_F(RunnerTest, AModelThatFailsAtItsFirstRowsMakesNoTable) {
  Land(Rows(0, 10, 1));
  const auto failed = RunOne(Parse("gold.t", "SELECT CAST(type AS INT) AS n FROM silver.events"));
  EXPECT_EQ(failed.outcome, Outcome::kFailed) << failed.why;
  EXPECT_FALSE(catalog_.Load({"gold", "t"}));
}

TEST_F(RunnerTest, ModelsRunInOrderAndFailAlone) {
  Land(Rows(0, 10, 1));
  const auto reports =
      Run({Parse("z.last", "SELECT sum(c) AS c FROM y.middle"), Parse("y.middle", "SELECT c FROM x.v, x.t"),
           Parse("x.v", "/* ---\nmaterialized: view\n--- */ SELECT count(*) AS c FROM silver.events"),
           Parse("x.t", "SELECT 1 AS one"), Parse("b.broken", "SELECT nope FROM silver.events"),
           Parse("b.above", "SELECT * FROM b.broken"),
           Parse("b.manual", "-- ---\n-- schedule: manual\n-- ---\nSELECT 1 AS a")},
          {.on_commit_only = true});
  std::map<std::string, Outcome> outcomes;
  for (const auto& report : reports) outcomes[ToString(report.model)] = report.outcome;
  EXPECT_EQ(outcomes, (std::map<std::string, Outcome>{{"z.last", Outcome::kBuilt},
                                                      {"y.middle", Outcome::kBuilt},
                                                      {"x.v", Outcome::kNothing},
                                                      {"x.t", Outcome::kBuilt},
                                                      {"b.broken", Outcome::kFailed},
                                                      {"b.above", Outcome::kSkipped}}));
  EXPECT_EQ(Ask("SELECT * FROM z.last"), "c\r\n10\r\n");
}

TEST_F(RunnerTest, WhatTheHeaderSaysOfColumnsIsSaidByTheTable) {
  Land(Rows(0, 4, 1));
  const auto text = [](const std::string& more) {
    return "/* ---\ndescription: Pushes and pulls.\ncolumns:\n  id: {doc: one, tests: [not_null, unique]}\n" + more +
           "--- */\nSELECT id, type FROM silver.events";
  };
  const auto doc = [&](int column) {
    return catalog_.Load({"gold", "t"})->metadata->schema().fields[static_cast<size_t>(column)].doc;
  };
  EXPECT_EQ(RunOne(Parse("gold.t", text(""))).why, "");
  EXPECT_EQ(doc(0), "one");
  EXPECT_EQ(doc(1), "");
  const auto described = RunOne(Parse("gold.t", text("  type: two\n")));
  EXPECT_EQ(described.outcome, Outcome::kNothing) << "no row is made anew for words";
  EXPECT_EQ(doc(1), "two");
  const auto location = catalog_.Load({"gold", "t"})->metadata_location;
  RunOne(Parse("gold.t", text("  type: two\n")));
  EXPECT_EQ(catalog_.Load({"gold", "t"})->metadata_location, location);
  EXPECT_EQ(catalog_.Load({"gold", "t"})->metadata->properties.at("comment"), "Pushes and pulls.");
  EXPECT_THAT(RunOne(Parse("gold.u", text("  typ: two\n"))).why,
              HasSubstr("makes no column 'typ'; did you mean 'type'?"));
  Land(Rows(0, 1, 1));
  EXPECT_THAT(RunOne(Parse("gold.t", text(""))).why, HasSubstr("unique id"));
}

TEST_F(RunnerTest, RowsOfOthersAreNotTouched) {
  Land(Rows(0, 10, 1));
  const auto report = RunOne(Parse("silver.events", "SELECT 1 AS id"));
  EXPECT_EQ(report.error, ErrorCode::kStop);
  EXPECT_THAT(report.why, HasSubstr("has rows that this model did not write"));
}

std::string RandomCondition(Random& random) {
  static const std::vector<std::string> kConditions[] = {
      {"id = {}", "id IN ({}, 3, 77)", "id < {}", "id >= {}", "id BETWEEN {} AND 60"},
      {"ts >= TIMESTAMPTZ '2023-11-01 00:00:00Z' + {} * INTERVAL 31 HOUR",
       "ts < TIMESTAMPTZ '2023-11-01 00:00:00Z' + {} * INTERVAL 31 HOUR",
       "ts = TIMESTAMPTZ '2023-12-30 00:00:00Z' + {} * INTERVAL 7 HOUR", "ts IS NULL"},
      {"old > TIMESTAMP '1969-01-01' + {} * INTERVAL 11 DAY", "old <= TIMESTAMP '1969-01-01' + {} * INTERVAL 11 DAY"},
      {"name = 'n{}'", "name > 'n{}'", "name < 'n{}'", "name LIKE 'n{}%'", "name IS NOT NULL"},
      {"d = DATE '1970-01-01' + ({} - 50)", "d < DATE '1970-01-01' + ({} - 50)"},
      {"big = {} * 1000", "big > -{}"}};
  const auto& group = kConditions[random.Below(std::size(kConditions))];
  return fmt::format(fmt::runtime(group[random.Below(group.size())]), random.Below(100));
}

/// Bounds are left out of the files' records, so only partitions prune: by each transform, before and after 1970.
TEST_F(RunnerTest, PartitionsPruneAndNeverChangeAnAnswer) {
  constexpr const char* kSelect =
      "SELECT range AS id, CASE WHEN range % 11 = 0 THEN NULL ELSE TIMESTAMPTZ '2023-12-30 00:00:00Z' + range * "
      "INTERVAL 7 HOUR END AS ts, "
      "TIMESTAMP '1969-06-01' + range * INTERVAL 5 DAY AS old, CASE WHEN range % 13 = 0 THEN NULL ELSE 'n' || range "
      "END AS name, "
      "DATE '1970-01-01' + (range - 50)::INT AS d, (range - 50) * 1000 AS big FROM range(100)";
  Random random(7);
  for (const auto* partition :
       {"bucket(5, id)", "day(ts)", "month(old)", "year(old)", "hour(ts)", "truncate(2, name)", "month(d)", "day(d)",
        "truncate(7000, big)", "bucket(4, name)", "bucket(3, ts)", "name"}) {
    const auto model =
        Parse("gold.parts", fmt::format("-- ---\n-- partition_by: \"{}\"\n-- ---\n{}", partition, kSelect));
    ASSERT_EQ(RunOne(model).outcome, Outcome::kBuilt);
    WithoutBounds(model.name);
    int pruned = 0;
    for (int i = 0; i < 30; ++i) {
      const auto condition =
          RandomCondition(random) + (random.Below(2) == 0 ? " AND " : " OR ") + RandomCondition(random);
      SCOPED_TRACE(fmt::format("{}: {}", partition, condition));
      const auto ask = "SELECT count(*) AS n, sum(id) AS s FROM {} WHERE " + condition;
      const auto result = engine_.Run(fmt::format(fmt::runtime(ask), "gold.parts"), {}, {});
      pruned += result->scans()[0].files_read < result->scans()[0].files_total ? 1 : 0;
      std::ostringstream answer;
      Print(*result, query::OutputFormat::kCsv, {}, answer);
      ASSERT_EQ(answer.str(), Ask(fmt::format(fmt::runtime(ask), "(SELECT * FROM gold.parts LIMIT 1000000)")));
    }
    EXPECT_GT(pruned, 0) << partition;
  }
}

constexpr const char* kLatest =
    "-- ---\n-- materialized: incremental\n-- over: silver.events\n-- key: id\n-- newest_by: n\n-- partition_by: "
    "type\n-- "
    "---\nFROM silver.events";

constexpr const char* kChecked =
    "/* ---\nmaterialized: incremental\nover: silver.events\nexpect:\n  - id % 4 <> 0: quarantine\n  - id > 0: warn\n"
    "  - unique: [id, n]\n--- */\nSELECT id, n FROM silver.events";
constexpr const char* kCheckedTable =
    "/* ---\nexpect:\n  - id % 4 <> 0: quarantine\n  - rows: {min: 1}\n--- */\nSELECT id, n FROM silver.events";

constexpr const char* kReplaced =
    "/* ---\nmaterialized: incremental\nover: silver.events\nincremental_strategy: replace_partitions\npartition_by: "
    "[day(day), type]\nexpect:\n  - events % 3 <> 0 AND type = 'Push': quarantine\n--- */\nSELECT date_trunc('day', "
    "ts) AS day, type, "
    "count(*) AS events, sum(n) AS n FROM silver.events GROUP BY ALL";

const std::map<std::string, const char*> kCrashing = {
    {"latest", kLatest}, {"checked", kChecked}, {"checked_table", kCheckedTable}, {"replaced", kReplaced}};

/// Not a test of its own: the process that the next ones kill. Fault points are armed by the environment, once a
/// process.
TEST(CrashingRun, DISABLED_OfAModel) {
  const std::string lake = std::getenv("MILLRACE_TEST_LAKE");
  const std::string model = std::getenv("MILLRACE_TEST_MODEL");
  const auto store = io::LocalObjectStore::Open(lake + "/wh");
  catalog::SqlCatalog catalog({.file = lake + "/catalog.db"}, *store);
  query::Engine engine(catalog, {.memory_bytes = int64_t{128} << 20, .threads = 1, .spill_directory = ""});
  ByteBudget budget(int64_t{64} << 20);
  Runner runner(catalog, engine, budget,
                Graph({ParseModel({"gold", model}, model + ".sql", kCrashing.at(model))}, engine));
  EXPECT_EQ(runner.Run({}, {}, {}).front().outcome, Outcome::kBuilt);
}

/// Every point at which a run can die, in turn; the run after it must end where one that did not die ends.
class CrashTest : public RunnerTest {
 protected:
  /// The exit status of a process that runs the model.
  int InProcess(const std::string& model, const std::string& environment) {
    const auto program = std::filesystem::read_symlink("/proc/self/exe").string();
    const auto status =
        std::system(fmt::format("MILLRACE_TEST_LAKE={} MILLRACE_TEST_MODEL={} {} {} "
                                "--gtest_also_run_disabled_tests --gtest_filter=CrashingRun.* >{} 2>&1",
                                folder_.path().string(), model, environment, program, folder_.File("out"))
                        .c_str());
    return WEXITSTATUS(status);
  }

  void LandMore() {
    ++round_;
    Land(Rows(round_ * 5, round_ * 5 + 20, round_));
  }

  /// `judge` is asked after each recovery. `moves`: what drives the model goes on between a crash and its repetition.
  int CrashEverywhere(const std::string& name, bool moves, const std::function<void()>& judge) {
    const auto model = Parse("gold." + name, kCrashing.at(name));
    LandMore();
    EXPECT_EQ(RunOne(model).outcome, Outcome::kBuilt);
    LandMore();
    EXPECT_EQ(InProcess(name, "MILLRACE_FAULT_LOG=" + folder_.File("points")), 0) << judge::Slurp(folder_.File("out"));
    std::istringstream points(judge::Slurp(folder_.File("points")));
    int crashes = 0;
    int number = 0;
    for (std::string point; points >> point; ++number) {
      // What is the same for every table is passed by each of them.
      if (moves && !LongTests() && !point.starts_with("refine.") && number % 5 != 0) continue;
      SCOPED_TRACE(point);
      LandMore();
      EXPECT_EQ(InProcess(name, fmt::format("MILLRACE_FAULT={}:1", point)), kFaultExitStatus)
          << judge::Slurp(folder_.File("out"));
      ++crashes;
      if (moves && crashes % 2 == 0) LandMore();
      const auto report = RunOne(model);
      EXPECT_NE(report.outcome, Outcome::kFailed) << report.why;
      EXPECT_EQ(RunOne(model).outcome, Outcome::kNothing) << "a second recovery does nothing";
      judge();
      if (HasFailure()) break;
    }
    return crashes;
  }

  int round_ = 0;
};

TEST_F(CrashTest, ACrashAnywhereRepeatsToTheSameTable) {
  const int crashes = CrashEverywhere("latest", false, [&] {
    EXPECT_EQ(Ask("SELECT id, n FROM gold.latest ORDER BY id"),
              Ask("SELECT id, max(n) AS n FROM silver.events GROUP BY id ORDER BY id"));
  });
  EXPECT_GE(crashes, 6) << "manifests, list, metadata and the catalogue's row, before and after";
}

TEST_F(CrashTest, NoRowIsTwiceInQuarantineWhateverDies) {
  for (const std::string name : {"checked", "checked_table"}) {
    SCOPED_TRACE(name);
    const int crashes = CrashEverywhere(name, true, [&] {
      EXPECT_EQ(Ask(fmt::format("SELECT id, n FROM gold.{} ORDER BY ALL", name)),
                Ask("SELECT id, n FROM silver.events WHERE id % 4 <> 0 ORDER BY ALL"));
      EXPECT_EQ(Ask(fmt::format("SELECT decode(record) AS r FROM quarantine.gold_{} ORDER BY ALL", name)),
                Ask("SELECT CAST(to_json({id: id, n: n}) AS VARCHAR) AS r FROM silver.events WHERE id % 4 = 0 ORDER BY "
                    "ALL"));
      EXPECT_EQ(Ask(fmt::format("SELECT run_id, expectation, count(*) AS n FROM millrace.expectations WHERE model = "
                                "'gold.{}' GROUP BY ALL HAVING n > 1",
                                name)),
                "run_id,expectation,n\r\n");
    });
    EXPECT_GE(crashes, LongTests() ? 12 : 8) << "each point of a run, and of three tables";
    if (HasFailure()) break;
  }
}

TEST_F(CrashTest, PartitionsAndTheirQuarantineAreReplacedOnceWhateverDies) {
  const std::string days =
      "(SELECT date_trunc('day', ts) AS day, type, count(*) AS events, sum(n) AS n FROM silver.events GROUP BY ALL)";
  const int crashes = CrashEverywhere("replaced", true, [&] {
    EXPECT_EQ(Ask("SELECT day, type, events, n FROM gold.replaced ORDER BY ALL"),
              Ask("SELECT * FROM " + days + " WHERE events % 3 <> 0 AND type = 'Push' ORDER BY ALL"));
    EXPECT_EQ(Ask("SELECT decode(record) AS r FROM quarantine.gold_replaced ORDER BY ALL"),
              Ask("SELECT CAST(to_json(d) AS VARCHAR) AS r FROM " + days +
                  " AS d WHERE events % 3 = 0 OR type <> 'Push' ORDER BY ALL"));
  });
  EXPECT_GE(crashes, LongTests() ? 12 : 8) << "each point of a run, and of three tables";
  EXPECT_THAT(judge::Slurp(folder_.File("points")), HasSubstr("refine.before_replaced_rows_go"));
}

TEST_F(RunnerTest, RowsInQuarantineSayWhyAndGoWhenAllRowsAreMadeAnew) {
  Land(Rows(0, 10, 1));
  const std::string text =
      "-- ---\n-- materialized: incremental\n-- over: silver.events\n-- expect:\n--   - n < 2: quarantine\n--   - id % "
      "2 = 0: quarantine\n--   - id > 100: warn\n--   - id <> 3: drop\n-- ---\nSELECT id, n FROM silver.events";
  const auto model = Parse("gold.t", text);
  auto report = RunOne(model);
  EXPECT_EQ(report.rows, 5);
  EXPECT_EQ(report.rows_quarantined, 5) << "row 3 is kept, though it was to be dropped as well";
  EXPECT_EQ(report.rows_dropped, 0);
  EXPECT_EQ(Ask("SELECT cause, detail, \"table\", scope, topic, decode(record) AS r FROM quarantine.gold_t WHERE "
                "json_extract(decode(record), '$.id') = 3"),
            "cause,detail,table,scope,topic,r\r\nid % 2 = 0,does not meet: id % 2 = 0; id > 100; id <> "
            "3,gold.t,model:gold.t,,\"{\"\"id\"\":3,\"\"n\"\":1}\"\r\n");
  Land(Rows(0, 2, 5));
  EXPECT_EQ(RunOne(model).rows_quarantined, 2);
  EXPECT_EQ(Ask("SELECT cause, count(*) AS n FROM quarantine.gold_t GROUP BY ALL ORDER BY 1"),
            "cause,n\r\nid % 2 = 0,5\r\nn < 2,2\r\n");
  EXPECT_EQ(RunOne(Parse("gold.t", text), {.full_refresh = true}).rows_quarantined, 7);
  EXPECT_EQ(Ask("SELECT count(*) AS n, count(DISTINCT split) AS runs FROM quarantine.gold_t"), "n,runs\r\n7,1\r\n");
  auto mended = text;
  mended.replace(mended.find("n < 2"), 5, "n < 9");
  EXPECT_EQ(RunOne(Parse("gold.t", mended)).rows_quarantined, 6);
  EXPECT_EQ(Ask("SELECT DISTINCT cause FROM quarantine.gold_t"), "cause\r\nid % 2 = 0\r\n");
  EXPECT_EQ(Ask("SELECT split_part(run_id, '-', 1) AS run, rows_checked, rows_broken FROM millrace.expectations WHERE "
                "expectation = 'id % 2 = 0' ORDER BY 1"),
            "run,rows_checked,rows_broken\r\n1,10,5\r\n2,2,1\r\n3,12,6\r\n4,12,6\r\n");
}

TEST_F(RunnerTest, ExpectationsOfTheWholeTable) {
  Land(Rows(0, 10, 1));
  const std::string text =
      "/* ---\nmaterialized: incremental\nover: silver.events\nexpect:\n  - unique: id\n  - freshness: {column: ts, "
      "within: 10000d}\n  - rows: {max: 15, change: 40%}\n    then: fail\n  - drift: {column: n, mean: 10%, nulls: 5%, "
      "distinct: 60%}\n--- */\nFROM silver.events";
  const auto model = Parse("gold.t", text);
  const auto verdicts = [&](const RunReport& report) {
    std::string met;
    for (const auto& found : report.expectations) met += found.met ? "+" : "-";
    return met;
  };
  EXPECT_EQ(verdicts(RunOne(model)), "++++++");
  EXPECT_EQ(RunOne(model).outcome, Outcome::kNothing);
  Land(Rows(9, 12, 2));
  const auto second = RunOne(model);
  EXPECT_EQ(verdicts(second), "-++-+-")
      << "id 9 is there twice; the mean of n went from 1 to 1.23; two values, not one";
  EXPECT_EQ(second.expectations[0].violations, 1);
  EXPECT_EQ(second.expectations[2].observed, "13 rows, 10 after the run before");
  Land(Rows(20, 30, 1));
  const auto failed = RunOne(model);
  EXPECT_EQ(failed.outcome, Outcome::kFailed);
  EXPECT_THAT(failed.why,
              HasSubstr("the table breaks the expectation `rows: change 40%, max 15`: 23 rows, 13 after the run "
                        "before, which says fail; nothing was written"));
  EXPECT_EQ(verdicts(failed), "-+-+++") << "what was found is told although nothing was built";
  EXPECT_EQ(RunOne(model).outcome, Outcome::kFailed);
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM gold.t"), "n\r\n13\r\n");
  EXPECT_EQ(Ask("SELECT run_failed, count(*) AS n FROM millrace.expectations GROUP BY ALL ORDER BY 1"),
            "run_failed,n\r\nfalse,12\r\ntrue,6\r\n")
      << "a failure that repeats is written once";
  EXPECT_THAT(RunOne(Parse("gold.u", "/* ---\nexpect: [unique: idd]\n--- */\nFROM silver.events")).why,
              HasSubstr("its expectations of the whole table"));
}

TEST_F(RunnerTest, NothingMadeOfResultsOfExpectationsHasExpectations) {
  const Model alarms = Parse("gold.alarms", "FROM millrace.expectations WHERE verdict = 'broken'");
  EXPECT_NO_THROW(Graph({alarms}, engine_));
  const Model checked =
      Parse("gold.few", "/* ---\nexpect: [n < 9: warn]\n--- */\nSELECT count(*) AS n FROM gold.alarms");
  try {
    Graph({alarms, checked}, engine_);
    FAIL() << "it would feed itself";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    EXPECT_THAT(error.what(), HasSubstr("gold.few is made of millrace.expectations"));
  }
}

}  // namespace
}  // namespace millrace::refine
