#include "app/table_why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace millrace::app {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const Timestamp kNow = *ParseTimestamp("2026-03-01T10:00:00Z");
const SteadyTime kSteady{seconds(1000)};

TableSituation Running(event::WaitKind kind = event::WaitKind::kNothing, std::string detail = {}) {
  TableSituation situation;
  situation.status.state = FeedState::kRunning;
  situation.status.wait = {.kind = kind, .detail = std::move(detail), .since = kSteady - seconds(40)};
  situation.now = kNow;
  situation.steady = kSteady;
  return situation;
}

TableSituation Behind(double per_second, std::optional<double> falls_by) {
  auto situation = Running(event::WaitKind::kBuffering, "10 records wait for freshness");
  situation.status.lag.records = 1'200'000;
  situation.status.lag.oldest = kNow - seconds(60);
  situation.status.read_per_second = per_second;
  situation.status.unread_falls_by = falls_by;
  return situation;
}

TEST(TableWhy, ABacklogHasARateAndATime) {
  const auto why = Explain(Behind(300'000, 300'000));
  EXPECT_EQ(why.state, "behind");
  EXPECT_EQ(why.sentence, "1.2 M records behind; at 300 k/s caught up in 4.0 s");
}

TEST(TableWhy, ABacklogThatArrivalsKeepUpIsNotPromisedAnEnd) {
  EXPECT_EQ(Explain(Behind(300'000, -10'000)).sentence,
            "1.2 M records behind; at 300 k/s not catching up: as many or more arrive");
  EXPECT_EQ(Explain(Behind(300'000, 100'000)).sentence, "1.2 M records behind; at 300 k/s caught up in 12 s");
  EXPECT_EQ(Explain(Behind(0, 0)).sentence, "1.2 M records behind, and none were read in the last seconds");
}

TEST(TableWhy, ABacklogWaitsForItsTurn) {
  auto situation = Behind(300'000, 300'000);
  situation.status.waits_for_turn = true;
  EXPECT_EQ(Explain(situation).sentence,
            "1.2 M records behind; at 300 k/s caught up in 4.0 s; it waits for its turn: of the tables that are "
            "behind, a few are read at a time");
  situation.status.wait.kind = event::WaitKind::kNothing;
  situation.status.lag = {.records = -1, .bytes = -1, .oldest = {}, .partitions = {}};  // a source that cannot say
  const auto why = Explain(situation);
  EXPECT_EQ(why.state, "behind");
  EXPECT_THAT(why.sentence, testing::StartsWith("it waits for its turn"));
}

TEST(TableWhy, TroubleGoesBeforeABacklog) {
  auto situation = Behind(0, 0);
  situation.status.wait = {event::WaitKind::kCatalog, "the table cannot be read (503); trying again",
                           kSteady - seconds(40)};
  const auto why = Explain(situation);
  EXPECT_EQ(why.state, "catalog");
  EXPECT_EQ(why.sentence, "the table cannot be read (503); trying again, for 40 s");
}

TEST(TableWhy, WhatJustArrivedIsNoBacklog) {
  auto situation = Running(event::WaitKind::kBuffering, "10 records wait for freshness");
  situation.status.lag.records = 10;
  situation.status.lag.oldest = kNow - std::chrono::milliseconds(300);
  EXPECT_EQ(Explain(situation).sentence, "10 records wait for freshness");
  EXPECT_EQ(Explain(situation).state, "buffering");
}

TEST(TableWhy, UpToDateSaysSinceWhenNothingCame) {
  auto situation = Running();
  EXPECT_EQ(Explain(situation).sentence, "everything has landed; no new events since the start");
  situation.status.newest_read = kNow - seconds(192);
  EXPECT_EQ(Explain(situation).sentence,
            "everything has landed; no new events since 2026-03-01T09:56:48Z (3 min 12 s ago)");
  EXPECT_EQ(Explain(situation).state, "up_to_date");
  situation.intake_ended = true;
  EXPECT_EQ(Explain(situation).sentence, "everything has landed, and its sources have ended");
}

TEST(TableWhy, AnErrorIsSaidInItsOwnWords) {
  auto situation = Running();
  situation.status.state = FeedState::kFailed;
  situation.status.error = "table silver.users: the disk is full";
  EXPECT_EQ(Explain(situation).state, "failed");
  EXPECT_EQ(Explain(situation).sentence, "stopped by an error: table silver.users: the disk is full");
}

TEST(TableWhy, TheLastCommitsRejectsAndSmallFilesFollow) {
  auto situation = Running();
  situation.status.last_commit.emplace();
  situation.status.last_commit->landed.rejected = {{event::RejectCause::kMalformed, 3}};
  situation.maintenance = MaintenanceNote{.files = 30, .small_files = 25, .small_files_max = 16};
  EXPECT_THAT(Explain(situation).sentence,
              HasSubstr("; 3 records of the last commit went to quarantine (malformed 3); 25 of 30 files are small, a "
                        "partition's are merged from 16 on"));
  situation.maintenance->compact = false;
  EXPECT_THAT(Explain(situation).sentence, HasSubstr("switched off"));
  situation.maintenance->compact = true;
  situation.maintenance->groups_dropped = 1;
  EXPECT_THAT(Explain(situation).sentence, HasSubstr("another writer"));
  situation.maintenance->why_failed = "maintenance of silver.users: the bucket is gone";
  EXPECT_THAT(Explain(situation).sentence, HasSubstr("failed: maintenance of silver.users: the bucket is gone"));
  situation.maintenance = MaintenanceNote{.files = 1, .small_files = 1};
  EXPECT_THAT(Explain(situation).sentence, Not(HasSubstr("small")));
}

}  // namespace
}  // namespace millrace::app
