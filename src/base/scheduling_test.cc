#include "base/scheduling.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace millrace {
namespace {

int Policy() { return ::sched_getscheduler(0); }

TEST(SchedulingTest, AThreadAndThoseThatItStartsWorkInBatches) {
  int own = -1;
  int started = -1;
  std::thread([&] {
    WorkInBatches();
    own = Policy();
    std::thread([&] { started = Policy(); }).join();
  }).join();
  EXPECT_EQ(own, SCHED_BATCH);
  EXPECT_EQ(started, SCHED_BATCH);
  EXPECT_EQ(Policy(), SCHED_OTHER);
}

}  // namespace
}  // namespace millrace
