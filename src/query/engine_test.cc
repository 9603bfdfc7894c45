#include "query/engine.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "base/random.h"
#include "long_tests.h"
#include "query/test_lake.h"
#include "table/snapshot_builder.h"

namespace millrace::query {
namespace {

using catalog::TableName;
using ::testing::HasSubstr;
using ::testing::Not;

class EngineTest : public TestLake {};

TEST_F(EngineTest, ReadsWhatPyicebergReads) {
  for (const auto* table : {"silver.events", "silver.nested", "silver.added", "silver.empty"}) {
    SCOPED_TRACE(table);
    ExpectEqualToPyiceberg(table);
  }
}

TEST_F(EngineTest, HonoursPositionDeletes) {
  const TableName name{"silver", "mor"};
  const auto path = folder_->path() / "wh/silver/mor/deletes.parquet";
  judge::Python("query_lake.py", fmt::format("deletes {} {}", folder_->path().string(), path.string()));
  const auto loaded = catalog_.Load(name).value();
  table::DataFile deletes;
  deletes.content = table::FileContent::kPositionDeletes;
  deletes.file_path = "file://" + path.string();
  deletes.record_count = 4;
  deletes.file_size_in_bytes = static_cast<int64_t>(std::filesystem::file_size(path));
  table::SnapshotChange change;
  change.operation = "delete";
  change.added = {deletes};
  table::SnapshotBuilder builder(*store_, change);
  const auto request = builder.Build(*loaded.metadata, Clock::System().Now());
  ASSERT_TRUE(std::holds_alternative<catalog::Committed>(catalog_.Commit(name, request.requirements, request.updates)));

  ExpectEqualToPyiceberg("silver.mor");
  EXPECT_EQ(Ask("SELECT count(*) AS n, sum(id) AS s FROM silver.mor"), "{\"n\":6,\"s\":46}\n");
  QueryOptions before;
  before.as_of_snapshot = loaded.metadata->current_snapshot_id;
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM silver.mor", before), "{\"n\":10}\n");
}

TEST_F(EngineTest, PrunesFilesByPartitionAndBounds) {
  Ask("SELECT * FROM silver.events WHERE type = 'Pull'");
  EXPECT_EQ(scans_[0].files_read, 1);
  EXPECT_EQ(scans_[0].files_total, 7);
  Ask("SELECT count(*) FROM silver.events WHERE id BETWEEN 1000 AND 1010");
  EXPECT_EQ(scans_[0].files_read, 1);
  Ask("SELECT count(*) FROM silver.events WHERE type IS NULL");
  EXPECT_EQ(scans_[0].files_read, 1);
  Ask("SELECT count(*) FROM silver.events WHERE ts >= '2024-01-10'");
  EXPECT_EQ(scans_[0].files_read, 1);
  Ask("WITH e AS (SELECT * FROM silver.events) SELECT (SELECT count(*) FROM e WHERE d = DATE '2024-01-03') AS n");
  EXPECT_EQ(scans_[0].files_read, 1);
  Ask("SELECT count(*) FROM silver.events WHERE s.c > 1000");
  EXPECT_LE(scans_[0].files_read, 6) << "the only file that has the member has no such value";
  Ask("SELECT count(*) FROM silver.events a JOIN silver.events b USING (id) WHERE a.type = 'Pull' AND b.d < "
      "'2024-01-02'");
  EXPECT_EQ(scans_[0].files_read, 2) << "one table read twice is read for both";
}

std::string RandomCondition(Random& random, int depth) {
  static const std::vector<std::string> kConstants[] = {
      {"0", "7", "49", "1000", "1025", "2049", "7003", "99999"},
      {"'Push'", "'Pull'", "'Öl, \"x\"/%y'", "'A'", "'Q'"},
      {"'2024-01-01'", "'2024-01-02 05:00:00'", "'2024-01-09'", "'2030-01-01'"},
      {"0", "0.01", "12.34", "-5", "48.99"},
      {"0", "3", "49", "1099511627786"},
      {"0", "0.5", "'nan'", "'inf'", "-0.0", "16.0"},
      {"DATE '2024-01-01'", "DATE '2024-01-10'", "DATE '2023-05-05'"},
      {"true", "false"},
      {"3", "50", "-1"},
      {"'b1'", "'b49'", "'q'"},
      {"'00000000-0000-0000-0000-000000000003'", "'01000000-0000-0000-0000-000000000003'"},
      {"'e'", "'d'"},
      {"0.5", "6.125"}};
  static const std::string kColumns[] = {"id", "type", "ts",  "amount", "num",   "f", "d",
                                         "ok", "s.a",  "s.b", "u",      "extra", "r"};
  static const std::string kComparisons[] = {"=", "<>", "<", "<=", ">", ">="};
  if (depth > 0 && random.Below(2) == 0) {
    const auto* word = random.Below(2) == 0 ? "AND" : "OR";
    return fmt::format("({} {} {})", RandomCondition(random, depth - 1), word, RandomCondition(random, depth - 1));
  }
  if (depth > 0 && random.Below(6) == 0) return fmt::format("(NOT {})", RandomCondition(random, depth - 1));
  const auto column = random.Below(std::size(kColumns));
  const auto& constants = kConstants[column];
  const auto constant = [&] { return constants[random.Below(constants.size())]; };
  switch (random.Below(5)) {
    case 0:
      return fmt::format("{} IS {}NULL", kColumns[column], random.Below(2) == 0 ? "NOT " : "");
    case 1:
      return fmt::format("{} IN ({}, {}, {})", kColumns[column], constant(), constant(), constant());
    case 2:
      return fmt::format("{} BETWEEN {} AND {}", kColumns[column], constant(), constant());
    default:
      return fmt::format("{} {} {}", kColumns[column], kComparisons[random.Below(std::size(kComparisons))], constant());
  }
}

/// A LIMIT stops predicates on their way down, so the same question is answered from every file.
TEST_F(EngineTest, PruningNeverChangesAnAnswer) {
  Random random(20240101);
  int pruned = 0;
  const int conditions = LongTests() ? 400 : 60;
  for (int i = 0; i < conditions; ++i) {
    const auto condition = RandomCondition(random, 3);
    SCOPED_TRACE(condition);
    const auto ask = "SELECT count(*) AS n, sum(id) AS s, sum(hash(id, num)) AS h FROM {} WHERE " + condition;
    const auto answer = Ask(fmt::format(fmt::runtime(ask), "silver.events"));
    pruned += scans_[0].files_read < scans_[0].files_total ? 1 : 0;
    const auto plain = Ask(fmt::format(fmt::runtime(ask), "(SELECT * FROM silver.events LIMIT 1000000)"));
    ASSERT_EQ(scans_[0].files_read, scans_[0].files_total);
    ASSERT_EQ(answer, plain);
  }
  EXPECT_GT(pruned, conditions / 4);
}

TEST_F(EngineTest, ReadsThePast) {
  std::istringstream history(
      judge::Python("query_lake.py", fmt::format("snapshots {} silver.events", folder_->path().string())));
  int64_t id = 0;
  int64_t millis = 0;
  ASSERT_TRUE(history >> id >> millis);
  QueryOptions first;
  first.as_of_snapshot = table::SnapshotId(id);
  EXPECT_EQ(Ask("SELECT count(*) AS c, max(n) AS n FROM silver.events", first), "{\"c\":50,\"n\":49}\n")
      << "with the columns of then";
  QueryOptions then;
  then.as_of = Timestamp(std::chrono::milliseconds(millis));
  EXPECT_EQ(Ask("SELECT count(*) AS c FROM silver.events", then), "{\"c\":50}\n");
  then.as_of = Timestamp(std::chrono::milliseconds(millis - 1));
  EXPECT_THAT(ErrorOf("SELECT 1 FROM silver.events", then), HasSubstr("the oldest snapshot is of"));
  first.as_of_snapshot = table::SnapshotId(42);
  EXPECT_THAT(ErrorOf("SELECT 1 FROM silver.events", first), HasSubstr("it has no snapshot 42"));
}

TEST_F(EngineTest, ReadsRowsBetweenSnapshots) {
  std::istringstream history(
      judge::Python("query_lake.py", fmt::format("snapshots {} silver.events", folder_->path().string())));
  std::vector<table::SnapshotId> ids;
  for (int64_t id = 0, millis = 0; history >> id >> millis;) ids.emplace_back(id);
  ASSERT_GE(ids.size(), 8U);
  const TableName events{"silver", "events"};
  QueryOptions options;
  options.ranges[events] = {.after = ids[0], .upto = ids[2]};
  EXPECT_EQ(Ask("SELECT min(id) AS a, max(id) AS b FROM silver.events", options), "{\"a\":1000,\"b\":2049}\n");
  options.ranges[events] = {.after = std::nullopt, .upto = ids[1]};
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM silver.events", options), "{\"n\":100}\n");
  options.ranges[events] = {.after = std::nullopt, .upto = std::nullopt};
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM silver.events", options), "{\"n\":0}\n");
  options.ranges[events] = {.after = ids[0], .upto = ids.back()};
  EXPECT_THAT(ErrorOf("SELECT 1 FROM silver.events", options), HasSubstr("read the whole table"));
}

TEST_F(EngineTest, FindsTheTablesThatAStatementNames) {
  const auto names = engine_.TablesIn(
      "WITH t AS (SELECT * FROM silver.users u JOIN \"g\".\"x y\" USING (id)), silver AS (SELECT 1) SELECT a.b, "
      "(SELECT "
      "max(q) FROM deep.er.one) FROM t a, (SELECT 1 FROM gold.z), silver WHERE EXISTS (FROM gold.z2) UNION ALL VALUES "
      "(1, 2) ORDER BY (SELECT 1 FROM last.one)");
  EXPECT_THAT(names, ::testing::UnorderedElementsAre(TableName{"silver", "users"}, TableName{"g", "x y"},
                                                     TableName{"deep.er", "one"}, TableName{"gold", "z"},
                                                     TableName{"gold", "z2"}, TableName{"last", "one"}));
}

TEST_F(EngineTest, OpensViewsAndQuotedNames) {
  QueryOptions options;
  options.views[{"gold", "pushes"}] = "SELECT * FROM silver.events WHERE type = 'Push'; ";
  options.views[{"gold", "few"}] = "SELECT id FROM gold.Pushes WHERE id < 5 -- the first ones";
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM gold.few f JOIN Gold.pushes USING (id)", options), "{\"n\":4}\n");
  EXPECT_EQ(scans_[0].files_read, 4) << "predicates go down through views";
  EXPECT_EQ(Ask("SELECT * FROM deep.er.\"Table One\" t JOIN \"deep.er\".\"table one\" u ON t.id = u.id"),
            "{\"id\":1,\"id_2\":1}\n");
  options.views[{"gold", "few"}] = "SELECT * FROM gold.few";
  EXPECT_THAT(ErrorOf("FROM gold.few", options), HasSubstr("made of itself"));
  options.views[{"gold", "few"}] = "COPY silver.events TO '/tmp/x'";
  EXPECT_THAT(ErrorOf("FROM gold.few", options), HasSubstr("view gold.few: only SELECT"));
}

TEST_F(EngineTest, RunsStatementsThatOnlyLook) {
  EXPECT_THAT(Ask("SHOW TABLES"), HasSubstr("{\"namespace\":\"deep.er\",\"name\":\"Table One\",\"kind\":\"table\"}\n"));
  EXPECT_THAT(Ask("DESCRIBE silver.added"), HasSubstr("\"column_name\":\"title\",\"column_type\":\"VARCHAR\""));
  EXPECT_THAT(Ask("SUMMARIZE silver.added"), HasSubstr("\"column_name\":\"title\""));
  EXPECT_THAT(Ask("EXPLAIN ANALYZE SELECT * FROM silver.added"), HasSubstr("explain"));
  EXPECT_THAT(Ask("/* a */ explain (FORMAT json) SELECT * FROM silver.added"), HasSubstr("explain"));
  EXPECT_EQ(Ask("VALUES (1, 'a')"), "{\"col0\":1,\"col1\":\"a\"}\n");
  EXPECT_EQ(Ask("SELECT sum(i) AS s FROM range(10) t(i)"), "{\"s\":45}\n");
  EXPECT_EQ(
      Ask("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT max(n) AS n FROM r"),
      "{\"n\":3}\n");
}

TEST_F(EngineTest, RefusesEverythingElse) {
  const std::string secret = folder_->File("secret.csv");
  judge::Spill(secret, "a\n1\n");
  for (const std::string& sql :
       {"SELECT * FROM read_csv('" + secret + "')",
        "SELECT * FROM '" + secret + "'",
        "FROM \"" + secret + "\"",
        std::string("SELECT * FROM read_text('/etc/passwd')"),
        std::string("SELECT * FROM glob('/etc/*')"),
        std::string("SELECT * FROM parquet_scan('x')"),
        std::string("SELECT * FROM query('SELECT 1')"),
        std::string("SELECT * FROM query_table('silver.events')"),
        std::string("SELECT * FROM duckdb_settings()"),
        std::string("SELECT * FROM duckdb_secrets()"),
        std::string("SELECT current_setting('temp_directory')"),
        std::string("SELECT getvariable('x')"),
        std::string("SELECT * FROM information_schema.tables"),
        std::string("SELECT * FROM sniff_csv('/etc/passwd')"),
        std::string("SHOW DATABASES"),
        std::string("SHOW ALL TABLES; SELECT 1"),
        std::string("COPY (SELECT 1) TO '/tmp/millrace-hostile.csv'"),
        std::string("ATTACH '/tmp/millrace-hostile.db'"),
        std::string("INSTALL httpfs"),
        std::string("LOAD httpfs"),
        std::string("PRAGMA version"),
        std::string("SET threads = 1"),
        std::string("CREATE TABLE t AS SELECT 1"),
        std::string("INSERT INTO silver.events VALUES (1)"),
        std::string("DELETE FROM silver.events"),
        std::string("DROP TABLE silver.events"),
        std::string("CALL pragma_version()"),
        std::string("EXPORT DATABASE '/tmp/x'"),
        std::string("EXPLAIN COPY (SELECT 1) TO '/tmp/millrace-hostile.csv'"),
        std::string("EXPLAIN ANALYZE DELETE FROM silver.events"),
        std::string("USE memory"),
        std::string("SELECT 1; SELECT 2"),
        std::string(""),
        std::string("-- nothing"),
        std::string("SELECT 1\0; DROP", 15),
        std::string("SELECT $1"),
        std::string("BEGIN"),
        std::string("VACUUM"),
        std::string("SELECT * FROM silver.events AT (VERSION => 1)"),
        std::string("WITH x AS (FROM read_json('/etc/passwd')) FROM x"),
        std::string("SELECT (SELECT content FROM read_text('/etc/passwd'))"),
        std::string("SELECT write_log('x')"),
        std::string("SELECT * FROM silver.events ORDER BY (SELECT 1 FROM read_blob('/etc/passwd'))")}) {
    SCOPED_TRACE(sql);
    EXPECT_THAT(ErrorOf(sql), HasSubstr("data: "));
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/millrace-hostile.csv"));
  EXPECT_FALSE(std::filesystem::exists("/tmp/millrace-hostile.db"));
}

TEST_F(EngineTest, ErrorsNameThePlaceAndTheMend) {
  EXPECT_EQ(ErrorOf("SELECT * FROM silver.event"),
            "data: there is no table 'silver.event'; did you mean 'silver.events'?");
  EXPECT_EQ(ErrorOf("SELECT * FROM events"), "data: there is no table 'events'; did you mean 'silver.events'?");
  EXPECT_THAT(ErrorOf("SELECT 1,\n  FROM FROM silver.events"), HasSubstr("line 2: syntax error"));
  EXPECT_THAT(ErrorOf("SELECT 1,\n  nam FROM silver.events"), HasSubstr("LINE 2:"));
  EXPECT_THAT(ErrorOf("SELECT CAST(type AS INT) FROM silver.events"), HasSubstr("data: "));
}

TEST_F(EngineTest, StopsWhenAsked) {
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THROW(
      {
        const auto result =
            engine_.Run("SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b", {}, stop.get_token());
        while (result->Next()) {
        }
      },
      Error);
  EXPECT_EQ(Ask("SELECT 1 AS a"), "{\"a\":1}\n") << "the engine goes on";
}

TEST_F(EngineTest, SpillsWhatMemoryDoesNotHold) {
  Engine small(catalog_, {.memory_bytes = int64_t{64} << 20, .threads = 1, .spill_directory = folder_->File("spill")});
  const auto ask =
      "SELECT count(*) FROM (SELECT range AS i, hash(range)::VARCHAR || range AS t FROM range(1500000) ORDER BY t)";
  std::ostringstream out;
  Print(*small.Run(ask, {}, {}), OutputFormat::kCsv, {}, out);
  EXPECT_EQ(out.str(), "count_star()\r\n1500000\r\n");
}

TEST_F(EngineTest, OneRowAGroupSpillsToo) {
  Engine small(catalog_, {.memory_bytes = int64_t{96} << 20, .threads = 1, .spill_directory = folder_->File("spill")});
  const auto ask =
      "SELECT count(*) AS n, sum(length(t)) AS bytes FROM (SELECT i, t FROM (SELECT range AS i, repeat(range::VARCHAR, "
      "12) AS t FROM range(1000000, 2000000)) AS rows QUALIFY row_number() OVER (PARTITION BY i ORDER BY hash(rows)) = "
      "1)";
  std::ostringstream out;
  Print(*small.Run(ask, {}, {}), OutputFormat::kCsv, {}, out);
  EXPECT_EQ(out.str(), "n,bytes\r\n1000000,84000000\r\n");
}

TEST_F(EngineTest, OutOfMemoryIsOneSentenceWithTheMend) {
  Engine small(catalog_, {.memory_bytes = int64_t{64} << 20, .threads = 1, .spill_directory = ""});
  try {
    const auto result = small.Run("SELECT list(range::VARCHAR || 'and more of it') AS l FROM range(20000000)", {}, {});
    while (result->Next()) {
    }
    ADD_FAILURE() << "it fits";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("raise `memory:`"));
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
  }
}

TEST_F(EngineTest, AFailureAmongTheLastRowsIsNoEnd) {
  const auto result = engine_.Run(
      "SELECT CAST(CASE WHEN range = 900000 THEN 'x' ELSE '1' END AS INT) AS n FROM range(1000000)", {}, {});
  EXPECT_THROW(while (result->Next()){}, Error);
}

TEST_F(EngineTest, AFailureInOneThreadIsWhatIsTold) {
  const std::string sql =
      "SELECT CAST(CASE WHEN range % 100000 = 99999 THEN 'seven' ELSE '1' END AS INT) AS a FROM range(1000000)";
  std::vector<std::jthread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) EXPECT_THAT(ErrorOf(sql), HasSubstr("seven"));
    });
  }
}

TEST_F(EngineTest, ManyStatementsAtOnce) {
  std::vector<std::jthread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        std::ostringstream out;
        Print(*engine_.Run(fmt::format("SELECT count(*) AS n FROM silver.events WHERE id = {}", i), {}, {}),
              OutputFormat::kJsonLines, {}, out);
        right += out.str() == fmt::format("{{\"n\":{}}}\n", i == 3 ? 0 : 1) ? 1 : 0;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, 40);
}

}  // namespace
}  // namespace millrace::query
