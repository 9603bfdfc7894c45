#include "refine/schedule/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "catalog/sql/sql_catalog.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "land/positions.h"
#include "refine/run_plan.h"
#include "refine/schedule/run_log.h"
#include "refine/selection.h"

namespace millrace::refine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Outcome = RunReport::Outcome;

/// A clock that stands until it is set.
class SetClock final : public Clock {
 public:
  Timestamp Now() const override { return now; }
  SteadyTime Steady() const override { return System().Steady(); }
  bool SleepFor(std::chrono::nanoseconds, std::stop_token) const override { return true; }
  Timestamp now{};
};

class SchedulerTest : public ::testing::Test {
 protected:
  SchedulerTest()
      : store_(io::LocalObjectStore::Open(folder_.path() / "wh")),
        catalog_({.file = folder_.path() / "catalog.db"}, *store_),
        engine_(catalog_, {.memory_bytes = int64_t{128} << 20, .threads = 1, .spill_directory = ""}) {
    At("2026-11-27T10:15:00Z");
  }

  void At(const std::string& time) { clock_.now = ParseTimestamp(time).value(); }

  static Model Parse(const std::string& name, const std::string& header, const std::string& sql) {
    return ParseModel(catalog::ParseTableName(name), name + ".sql", "/* ---\n" + header + "\n--- */\n" + sql);
  }

  /// Runs what is due, as a process would that knows nothing but the tables.
  std::vector<std::string> RunDue(Scheduler& scheduler, Runner& runner) {
    std::vector<std::string> ran;
    const auto due = scheduler.Due(Scheduler::First::kAtOnce);
    if (due.empty()) return ran;
    for (const auto& report : runner.Run(due, {.at = clock_.now}, {})) {
      scheduler.Ended(report);
      log_.Add(report);
      ran.push_back(ToString(report.model) + " " + std::string(ToString(report.outcome)));
    }
    return ran;
  }

  Runner RunnerOf(const std::vector<Model>& models) {
    return {catalog_, engine_, budget_, Graph(models, engine_), clock_};
  }

  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_;
  catalog::SqlCatalog catalog_;
  query::Engine engine_;
  ByteBudget budget_{int64_t{64} << 20};
  SetClock clock_;
  RunLog log_{folder_.path() / "state.db"};
};

TEST_F(SchedulerTest, AModelRunsAtItsMomentsAndOnceForThoseThatWereMissed) {
  const auto waits = Parse("gold.waits", "schedule: \"@hourly\"", "SELECT 1 AS x");
  auto none = RunnerOf({waits});
  Scheduler first(none.graph(), catalog_, clock_);
  EXPECT_THAT(first.Due(), IsEmpty());
  EXPECT_EQ(FormatTimestamp(first.NextOf(waits.name).value()), "2026-11-27T11:00:00Z");

  const auto models = std::vector{Parse("gold.hourly", "schedule: \"@hourly\"", "SELECT random() AS x"),
                                  Parse("gold.other", "", "SELECT 1 AS x")};
  auto runner = RunnerOf(models);
  Scheduler scheduler(runner.graph(), catalog_, clock_);
  EXPECT_THAT(RunDue(scheduler, runner), ElementsAre("gold.hourly built")) << "it never ran";
  EXPECT_THAT(RunDue(scheduler, runner), IsEmpty());
  EXPECT_EQ(FormatTimestamp(LastRunAt(catalog_, models[0]).value()), "2026-11-27T10:15:00Z");

  At("2026-11-27T15:30:00Z");
  Scheduler later(runner.graph(), catalog_, clock_);
  EXPECT_THAT(RunDue(later, runner), ElementsAre("gold.hourly nothing")) << "nothing it is made of has changed";
  EXPECT_THAT(RunDue(later, runner), IsEmpty());
  EXPECT_EQ(FormatTimestamp(later.NextOf(models[0].name).value()), "2026-11-27T16:00:00Z");
  EXPECT_THAT(log_.Newest("", 10), SizeIs(2));
}

TEST_F(SchedulerTest, MomentsThatWereMissedMayBeSkipped) {
  const auto model = Parse("gold.a", "schedule: \"@hourly\"\ncatch_up: skip", "SELECT 1 AS x");
  auto runner = RunnerOf({model});
  runner.Run({}, {.at = clock_.now}, {});
  At("2026-11-27T15:30:00Z");
  Scheduler scheduler(runner.graph(), catalog_, clock_);
  EXPECT_THAT(scheduler.Due(), IsEmpty());
  At("2026-11-27T16:00:00Z");
  EXPECT_THAT(scheduler.Due(), SizeIs(1));
}

TEST_F(SchedulerTest, WhatAnotherProcessHasRunIsNotRunAgain) {
  const auto model = Parse("gold.a", "schedule: \"@hourly\"", "SELECT 1 AS x");
  auto runner = RunnerOf({model});
  runner.Run({}, {.at = clock_.now}, {});
  Scheduler one(runner.graph(), catalog_, clock_);
  Scheduler two(runner.graph(), catalog_, clock_);
  EXPECT_THAT(one.Due(), IsEmpty());
  EXPECT_THAT(two.Due(), IsEmpty());
  At("2026-11-27T11:00:01Z");
  auto again = runner.Run({}, {.full_refresh = true, .at = clock_.now}, {});
  EXPECT_EQ(again.at(0).outcome, Outcome::kBuilt);
  EXPECT_THAT(one.Due(), IsEmpty()) << "another one has run it";
  EXPECT_THAT(two.Due(), IsEmpty());
  At("2026-11-27T12:00:00Z");
  EXPECT_THAT(one.Due(), SizeIs(1));
}

TEST_F(SchedulerTest, AClockThatIsSetDoesNotStopIt) {
  const auto model = Parse("gold.a", "schedule: \"@hourly\"", "SELECT 1 AS x");
  auto runner = RunnerOf({model});
  At("2036-01-01T00:00:01Z");
  Scheduler scheduler(runner.graph(), catalog_, clock_);
  runner.Run({}, {.at = clock_.now}, {});
  EXPECT_THAT(scheduler.Due(), IsEmpty());
  At("2026-11-27T10:15:00Z");
  EXPECT_THAT(scheduler.Due(), IsEmpty());
  At("2026-11-27T11:00:00Z");
  EXPECT_THAT(scheduler.Due(), SizeIs(1));
}

TEST_F(SchedulerTest, AFailedRunIsTriedAgainLaterAndLater) {
  const auto model = Parse("gold.a", "schedule: \"@daily\"\nretries: 2", "SELECT error('no') AS x");
  auto runner = RunnerOf({model});
  Scheduler scheduler(runner.graph(), catalog_, clock_);
  EXPECT_THAT(RunDue(scheduler, runner), ElementsAre("gold.a failed"));
  for (const auto* time : {"2026-11-27T10:15:30Z", "2026-11-27T10:16:30Z"}) {
    At(time);
    clock_.now -= std::chrono::milliseconds(1);
    EXPECT_THAT(scheduler.Due(), IsEmpty()) << time;
    At(time);
    EXPECT_THAT(RunDue(scheduler, runner), ElementsAre("gold.a failed")) << time;
  }
  EXPECT_EQ(FormatTimestamp(scheduler.NextOf(model.name).value()), "2026-11-28T00:00:00Z");
  EXPECT_THAT(log_.Newest("gold.a", 1).at(0).why, HasSubstr("no"));
}

TEST_F(SchedulerTest, AModelWhosePositionsAreDamagedFailsAlone) {
  const auto models = std::vector{Parse("gold.a", "schedule: \"@hourly\"", "SELECT 1 AS x"),
                                  Parse("gold.b", "schedule: \"@hourly\"", "SELECT 1 AS x")};
  auto runner = RunnerOf(models);
  runner.Run({}, {.at = clock_.now}, {});
  const auto damaged = land::PositionsProperty(PositionScope(models[0]));
  ASSERT_TRUE(std::holds_alternative<catalog::Committed>(
      catalog_.Commit(models[0].name, {}, {table::SetProperties{{{damaged, "no positions"}}}})));
  At("2026-11-27T11:00:00Z");
  Scheduler scheduler(runner.graph(), catalog_, clock_);
  EXPECT_THAT(RunDue(scheduler, runner), ElementsAre("gold.a failed", "gold.b nothing"));
  EXPECT_THAT(RunDue(scheduler, runner), IsEmpty()) << "not again and again";
}

TEST_F(SchedulerTest, ARunThatTakesTooLongIsStopped) {
  const auto model = Parse("gold.a", "timeout: 100ms", "SELECT count(*) AS n FROM range(100000) a, range(1000000) b");
  auto runner = RunnerOf({model});
  const auto reports = runner.Run({}, {}, {});
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_EQ(reports[0].outcome, Outcome::kFailed);
  EXPECT_THAT(reports[0].why, HasSubstr("it took longer than its timeout of 100ms"));
}

TEST_F(SchedulerTest, ModelsAreSelectedByNameTagAndWhatTheyAreMadeOf) {
  const auto models = std::vector{Parse("silver.a", "tags: [daily]", "SELECT 1 AS x"),
                                  Parse("silver.v", "materialized: view", "SELECT * FROM silver.a"),
                                  Parse("gold.b", "tags: [daily, big]", "SELECT * FROM silver.v"),
                                  Parse("gold.c", "", "SELECT 1 AS x")};
  const Graph graph(models, engine_);
  const auto select = [&](const std::vector<std::string>& words) {
    std::vector<std::string> names;
    for (const auto& name : Select(graph, words)) names.push_back(ToString(name));
    return names;
  };
  EXPECT_THAT(select({"gold.b"}), ElementsAre("gold.b"));
  EXPECT_THAT(select({"+gold.b"}), ElementsAre("gold.b", "silver.a", "silver.v"));
  EXPECT_THAT(select({"silver.a+"}), ElementsAre("gold.b", "silver.a", "silver.v"));
  EXPECT_THAT(select({"+silver.v+"}), ElementsAre("gold.b", "silver.a", "silver.v"));
  EXPECT_THAT(select({"tag:daily", "gold.c"}), ElementsAre("gold.b", "gold.c", "silver.a"));
  EXPECT_THAT(select({"+tag:big"}), ElementsAre("gold.b", "silver.a", "silver.v"));
  EXPECT_THAT(select({}), IsEmpty());
  try {
    select({"gold.bb"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_THAT(error.message(), HasSubstr("did you mean 'gold.b'?"));
  }
  EXPECT_THROW(select({"tag:none"}), Error);
}

}  // namespace
}  // namespace millrace::refine
