#include "telemetry/outbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>

namespace millrace::telemetry {
namespace {

using std::chrono::milliseconds;
using Box = Outbox<int>;

TEST(Outbox, SendsInOrderAndWhatIsLeftAtTheEnd) {
  std::vector<int> sent;
  {
    Box box({.items_max = 100, .batch_max = 7, .delay = milliseconds(1)},
            [&](const std::vector<int>& batch, const std::stop_token&) {
              EXPECT_LE(batch.size(), 7U);
              sent.insert(sent.end(), batch.begin(), batch.end());
            });
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(box.Put(i));
  }
  ASSERT_EQ(sent.size(), 50U);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(sent[static_cast<size_t>(i)], i);
}

TEST(Outbox, PuttingNeverWaitsForWhoeverHangs) {
  std::binary_semaphore begun{0};
  std::atomic<int> batches = 0;
  {
    Box box({.items_max = 3, .batch_max = 1, .delay = milliseconds(0), .last_time = milliseconds(50)},
            [&](const std::vector<int>&, const std::stop_token& stop) {
              if (++batches == 1) begun.release();
              while (!stop.stop_requested()) std::this_thread::yield();
            });
    EXPECT_TRUE(box.Put(0));
    begun.acquire();
    for (int i = 1; i <= 3; ++i) EXPECT_TRUE(box.Put(i));
    EXPECT_FALSE(box.Put(4));
  }
  EXPECT_EQ(batches, 4);  // at the end each is offered once, and given up at once
}

}  // namespace
}  // namespace millrace::telemetry
