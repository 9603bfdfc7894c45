#include "app/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "app/files_table_facts.h"
#include "app/load_config.h"
#include "app/opened_lake.h"
#include "app/snapshot_facts.h"
#include "base/error.h"
#include "base/fault.h"

namespace millrace::app {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPipeline = R"(
name: test
memory: 128MiB
sources:
  users: { generator: { kind: users, rows: 3000, seed: 5, duplicates: 2% }, topic: created }
  clicks: { generator: { kind: clicks, rows: 5000, malformed: 1% } }
topics: { created: { partitions: 3 } }
tables:
  bronze.users: { from: created, files: { compression: zstd } }
  silver.users: { from: created, key: [id] }
  silver.clicks: { from: clicks }
models: models
)";

constexpr const char* kChildConfig = "MILLRACE_TEST_CHILD_CONFIG";

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    std::string name = testing::TempDir() + "pipeline_test_XXXXXX";
    folder_ = mkdtemp(name.data());
    std::filesystem::create_directories(folder_ / "models/gold");
    std::ofstream(folder_ / "models/gold/pages.sql")
        << "SELECT page, count(*) AS clicks FROM silver.clicks GROUP BY page";
    std::ofstream(folder_ / "p.yaml") << kPipeline;
  }
  ~PipelineTest() override { std::filesystem::remove_all(folder_); }

  PipelineConfig Config() const { return LoadConfig({(folder_ / "p.yaml").string()}); }

  RunReport RunUntilIdle(std::stop_token stop = {}) const {
    const auto config = Config();
    return Pipeline(config, true).Run(stop, {});
  }

  /// Rows of every table, as somebody else finds them.
  std::map<std::string, int64_t> Rows() const {
    Session session;
    session.config_paths = {(folder_ / "p.yaml").string()};
    auto opened = OpenLakeOf(session);
    std::map<std::string, int64_t> rows;
    rows["bronze.users"] = ReadFilesTable(opened.pipeline, "bronze.users", opened.lake).rows;
    for (const auto& name : AllTables(*opened.lake.catalog)) {
      const auto loaded = opened.lake.catalog->Load(name);
      const auto* snapshot = loaded->metadata->current_snapshot();
      rows[catalog::ToString(name)] =
          snapshot == nullptr ? 0 : SummaryNumber(snapshot->summary, "total-records").get<int64_t>();
    }
    return rows;
  }

  /// Runs the pipeline in a process of its own (PipelineChild below) that a fault point ends at its `count`-th pass.
  /// True when it was ended there.
  bool RunUntilFault(const std::string& point, int count) const {
    const auto config = (folder_ / "p.yaml").string();
    const pid_t child = fork();
    if (child == 0) {
      setenv("MILLRACE_FAULT", (point + ":" + std::to_string(count)).c_str(), 1);
      setenv(kChildConfig, config.c_str(), 1);
      execl("/proc/self/exe", "app_test", "--gtest_filter=PipelineChild.*", "--gtest_brief=1", nullptr);
      _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == kFaultExitStatus;
  }

  std::filesystem::path folder_;
};

TEST_F(PipelineTest, EverythingLandsOnceAndASecondRunDoesNothing) {
  const auto report = RunUntilIdle();
  EXPECT_TRUE(report.drained);
  EXPECT_EQ(report.events, 3000U);
  const auto rows = Rows();
  EXPECT_EQ(rows.at("bronze.users"), 3000);
  EXPECT_LT(rows.at("silver.users"), 3000);
  EXPECT_GT(rows.at("silver.users"), 2800);
  EXPECT_EQ(rows.at("silver.clicks") + rows.at("quarantine.silver_clicks"), 5000);
  EXPECT_EQ(rows.at("gold.pages"), 6);
  for (const auto& table : report.tables) {
    uint64_t rejected = 0;
    for (const auto& [cause, count] : table.counts.rejected) rejected += count;
    EXPECT_EQ(table.counts.records, table.counts.rows + table.counts.duplicates + table.counts.blank + rejected)
        << table.name;
  }
  const auto again = RunUntilIdle();
  EXPECT_EQ(again.events, 0U);
  EXPECT_EQ(Rows(), rows);
}

TEST(PipelineChild, RunsWhenAnotherTestAsks) {
  const char* file = std::getenv(kChildConfig);
  if (file == nullptr) GTEST_SKIP() << "only as a child of the crash test";
  const auto config = LoadConfig({file});
  EXPECT_TRUE(Pipeline(config, true).Run({}, {}).drained);
}

TEST_F(PipelineTest, ACrashAnywhereOnTheRunPathGivesTheSameTables) {
  RunUntilIdle();
  const auto expected = Rows();
  for (const auto* point : {"app.source_ack", "app.table_ack", "app.table_acked"}) {
    for (int count = 1; count <= 3; ++count) {
      std::filesystem::remove_all(folder_ / "millrace-data");
      EXPECT_TRUE(RunUntilFault(point, 1)) << point;
      RunUntilFault(point, count);
      EXPECT_TRUE(RunUntilIdle().drained);
      EXPECT_EQ(Rows(), expected) << point << ":" << count;
    }
  }
}

TEST_F(PipelineTest, AStopCommitsWhatWasReadAndTheNextRunGoesOn) {
  const auto config = Config();
  {
    Pipeline pipeline(config, false);
    std::stop_source stop;
    const auto report = pipeline.Run(stop.get_token(), [&](const PipelineRunner& runner) {
      if (runner.sources().front()->events() > 0) stop.request_stop();
    });
    for (const auto& table : report.tables) EXPECT_EQ(table.counts.rows > 0, table.counts.commits > 0) << table.name;
  }
  EXPECT_TRUE(RunUntilIdle().drained);
  EXPECT_EQ(Rows().at("bronze.users"), 3000);
}

TEST_F(PipelineTest, ASecondProcessIsTurnedAway) {
  const auto config = Config();
  const Pipeline first(config, true);
  try {
    const Pipeline second(config, true);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("another process (pid " + std::to_string(getpid()) + ") uses "));
  }
}

TEST_F(PipelineTest, AWarehouseOfAnotherVersionStops) {
  std::filesystem::create_directories(folder_ / "millrace-data/lake");
  std::ofstream(folder_ / "millrace-data/format") << "millrace data 1\n";
  std::ofstream(folder_ / "millrace-data/lake/.millrace-format") << "millrace warehouse 9\n";
  const auto config = Config();
  try {
    const Pipeline pipeline(config, true);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStop);
    EXPECT_THAT(error.what(), HasSubstr("has format 9"));
  }
}

TEST_F(PipelineTest, AnEndlessSourceCannotRunUntilIdle) {
  std::ofstream(folder_ / "p.yaml") << "sources: { users: { generator: { kind: users }, topic: t } }\n";
  EXPECT_THROW(RunUntilIdle(), Error);
}

TEST_F(PipelineTest, AFailingTableStopsTheRunWithItsNameAndTheOthersCommit) {
  std::ofstream(folder_ / "p.yaml") << R"(
sources: { users: { generator: { kind: users, rows: 100 }, topic: t } }
tables:
  bronze.users: { from: t, files: {} }
  silver.users: { from: t, iceberg: { partition_by: [day(no_such_column)] } }
)";
  try {
    RunUntilIdle();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("table silver.users: "));
    EXPECT_THAT(error.what(), HasSubstr("no_such_column"));
  }
}

}  // namespace
}  // namespace millrace::app
