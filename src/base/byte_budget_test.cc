#include "base/byte_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace millrace {
namespace {

TEST(ByteBudget, ReservationsGiveBackWhatTheyTook) {
  ByteBudget budget(100);
  {
    auto first = budget.Reserve(60, {});
    auto second = std::move(first);
    EXPECT_EQ(budget.used(), 60);
    EXPECT_EQ(second.bytes(), 60);
    second.Merge(budget.Force(80));
    EXPECT_EQ(second.bytes(), 140);
    EXPECT_TRUE(budget.under_pressure());
  }
  EXPECT_EQ(budget.used(), 0);
  EXPECT_FALSE(budget.under_pressure());
}

TEST(ByteBudget, OneRequestAboveTheLimitIsGrantedAlone) {
  ByteBudget budget(10);
  EXPECT_EQ(budget.Reserve(1000, {}).bytes(), 1000);
}

TEST(ByteBudget, WhoeverIsRefusedIsPressureUntilSomethingIsGivenBack) {
  ByteBudget budget(100);
  auto first = budget.TryReserve(80);
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(budget.under_pressure());
  EXPECT_FALSE(budget.TryReserve(30).has_value());
  EXPECT_TRUE(budget.under_pressure());
  first.reset();
  EXPECT_FALSE(budget.under_pressure());
  EXPECT_EQ(budget.TryReserve(1000)->bytes(), 1000) << "one request above the limit is granted alone";
}

TEST(ByteBudget, AWaiterEndsWithNothingWhenStopped) {
  ByteBudget budget(10);
  const auto held = budget.Reserve(10, {});
  std::stop_source stop;
  std::jthread waiter([&] { EXPECT_EQ(budget.Reserve(1, stop.get_token()).bytes(), 0); });
  while (!budget.under_pressure()) std::this_thread::yield();
  stop.request_stop();
}

TEST(ByteBudget, ManyThreadsNeverHoldMoreThanTheLimit) {
  ByteBudget budget(1000);
  std::atomic<bool> over{false};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          const auto held = budget.Reserve(1 + i % 300, {});
          if (budget.used() > 1000) over = true;
        }
      });
    }
  }
  EXPECT_FALSE(over);
  EXPECT_EQ(budget.used(), 0);
}

}  // namespace
}  // namespace millrace
