#include "app/read_turns.h"

#include <gtest/gtest.h>

#include <future>

namespace millrace::app {
namespace {

using std::chrono::milliseconds;

/// Stands still until it is moved.
class HandClock : public Clock {
 public:
  Timestamp Now() const override { return Timestamp{}; }
  SteadyTime Steady() const override { return SteadyTime{} + moved_; }
  bool SleepFor(std::chrono::nanoseconds, std::stop_token) const override { return true; }
  void Move(milliseconds by) { moved_ += by; }

 private:
  milliseconds moved_{};
};

class ReadTurnsTest : public ::testing::Test {
 protected:
  std::shared_ptr<ReadTurns> Make(size_t at_once) {
    return std::make_shared<ReadTurns>(
        ReadTurns::Options{
            .at_once = at_once, .turn_bytes = 100, .lease = milliseconds(500), .encode = milliseconds(50)},
        clock_);
  }
  static bool Now(ReadTurns::Turn& turn) { return turn.Take(milliseconds(0), {}); }

  HandClock clock_;
};

TEST_F(ReadTurnsTest, SoManyReadAtOnceAndTheNextOnesInTheOrderTheyAsked) {
  const auto turns = Make(2);
  ReadTurns::Turn a(turns), b(turns), c(turns), d(turns);
  EXPECT_TRUE(Now(a));
  EXPECT_TRUE(Now(b));
  EXPECT_TRUE(Now(a)) << "it has its turn still";
  EXPECT_FALSE(Now(c));
  EXPECT_FALSE(Now(d));
  a.End();
  EXPECT_FALSE(Now(d)) << "it asked after c";
  EXPECT_FALSE(Now(a)) << "it waits like everyone else";
  EXPECT_TRUE(Now(c));
  b.End();
  EXPECT_TRUE(Now(d));
  EXPECT_FALSE(Now(a));
  c.End();
  EXPECT_TRUE(Now(a));
}

TEST_F(ReadTurnsTest, ATurnIsOverWhenEnoughWasRead) {
  ReadTurns::Turn turn(Make(1));
  EXPECT_TRUE(turn.Read(1000)) << "without a turn there is nothing to be over";
  ASSERT_TRUE(Now(turn));
  EXPECT_TRUE(turn.Read(99));
  EXPECT_FALSE(turn.Read(1));
  turn.End();
  ASSERT_TRUE(Now(turn));
  EXPECT_TRUE(turn.Read(99)) << "counted anew";
  clock_.Move(milliseconds(500));
  EXPECT_FALSE(turn.Read(0)) << "its lease has run out";
}

TEST_F(ReadTurnsTest, WhoeverKeepsATurnForTooLongCountsNoLonger) {
  const auto turns = Make(1);
  ReadTurns::Turn stuck(turns), next(turns);
  ASSERT_TRUE(Now(stuck));
  clock_.Move(milliseconds(499));
  EXPECT_FALSE(Now(next));
  clock_.Move(milliseconds(1));
  EXPECT_TRUE(Now(next));
  EXPECT_TRUE(stuck.taken());
  stuck.End();
  ReadTurns::Turn third(turns);
  EXPECT_FALSE(Now(third)) << "next reads still";
}

TEST_F(ReadTurnsTest, WhileItEncodesATurnCountsForAShortTime) {
  const auto turns = Make(1);
  ReadTurns::Turn encodes(turns), next(turns);
  ASSERT_TRUE(Now(encodes));
  encodes.Encodes();
  clock_.Move(milliseconds(49));
  EXPECT_FALSE(Now(next));
  clock_.Move(milliseconds(1));
  EXPECT_TRUE(Now(next));
}

TEST_F(ReadTurnsTest, WhoeverCommitsBeforeItsTurnHoldsUpNobody) {
  const auto turns = Make(1);
  ReadTurns::Turn first(turns), commits(turns), last(turns);
  ASSERT_TRUE(Now(first));
  EXPECT_FALSE(Now(commits));
  EXPECT_FALSE(Now(last));
  commits.Encodes();
  first.End();
  EXPECT_TRUE(Now(last));
}

TEST_F(ReadTurnsTest, OneThatGoesAwayGivesItsPlaceToTheNext) {
  const auto turns = Make(1);
  ReadTurns::Turn first(turns), last(turns);
  {
    ReadTurns::Turn gone(turns);
    ASSERT_TRUE(Now(first));
    EXPECT_FALSE(Now(gone));
    EXPECT_FALSE(Now(last));
  }
  first.End();
  EXPECT_TRUE(Now(last));
}

TEST_F(ReadTurnsTest, WaitingEndsWithTheTurnOfAnotherOrAStop) {
  const auto turns = std::make_shared<ReadTurns>(ReadTurns::Options{.at_once = 1, .lease = std::chrono::hours(1)});
  ReadTurns::Turn first(turns), next(turns), stopped(turns);
  ASSERT_TRUE(Now(first));
  auto taken = std::async(std::launch::async, [&] { return next.Take(std::chrono::minutes(10), {}); });
  first.End();
  EXPECT_TRUE(taken.get());
  std::stop_source stop;
  auto given_up =
      std::async(std::launch::async, [&] { return stopped.Take(std::chrono::minutes(10), stop.get_token()); });
  stop.request_stop();
  EXPECT_FALSE(given_up.get());
}

}  // namespace
}  // namespace millrace::app
