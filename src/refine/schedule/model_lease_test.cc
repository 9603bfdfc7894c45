#include "refine/schedule/model_lease.h"

#include <gtest/gtest.h>

#include <thread>

#include "io/fault_store.h"
#include "io/local_object_store.h"
#include "judge/python.h"

namespace millrace::refine {
namespace {

using std::chrono::seconds;

/// Stands still.
class StoppedClock final : public Clock {
 public:
  explicit StoppedClock(Timestamp now) : now_(now) {}
  Timestamp Now() const override { return now_; }
  SteadyTime Steady() const override { return {}; }
  bool SleepFor(std::chrono::nanoseconds duration, std::stop_token stop) const override {
    return System().SleepFor(duration, stop);
  }

 private:
  const Timestamp now_;
};

class ModelLeaseTest : public ::testing::Test {
 protected:
  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_ = io::LocalObjectStore::Open(folder_.path() / "wh");
};

bool Has(const ModelLeases::Taken& taken) { return std::holds_alternative<std::unique_ptr<ModelLeases::Lease>>(taken); }

TEST_F(ModelLeaseTest, OneHasItUntilItIsGivenBack) {
  ModelLeases one(*store_, "one", seconds(600)), other(*store_, "other", seconds(600));
  {
    const auto held = one.TryTake("gold.by_day");
    ASSERT_TRUE(Has(held));
    const auto refused = other.TryTake("gold.by_day");
    ASSERT_FALSE(Has(refused));
    EXPECT_EQ(std::get<ModelLeases::Held>(refused).by, "one");
    EXPECT_TRUE(Has(other.TryTake("gold.by_day_too"))) << "of another model";
  }
  EXPECT_TRUE(Has(other.TryTake("gold.by_day")));
  int objects = 0;
  store_->List(".millrace-leases/", "", [&](const io::ObjectInfo&) { return ++objects > 0; });
  EXPECT_EQ(objects, 2) << "one a model, however often it is taken";
}

TEST_F(ModelLeaseTest, OfOneThatDiedItIsTakenWhenItsTimeIsOver) {
  const auto at = *ParseTimestamp("2026-01-01T00:00:00Z");
  store_->PutIfAbsent(".millrace-leases/gold.t/00000000000000000007",
                      R"({"version":1,"holder":"dead","until":"2026-01-01T00:00:30Z"})");
  for (const auto& [after, free] : {std::pair{29, false}, {30, true}}) {
    const StoppedClock clock(at + seconds(after));
    ModelLeases leases(*store_, "heir", seconds(30), clock);
    EXPECT_EQ(Has(leases.TryTake("gold.t")), free) << after;
  }
}

TEST_F(ModelLeaseTest, WhatIsNoLeaseHoldsNobodyUp) {
  store_->PutIfAbsent(".millrace-leases/gold.t/00000000000000000001", "\xff{[");
  store_->PutIfAbsent(".millrace-leases/gold.t/readme", R"({"version":1,"holder":"x","until":"2999-01-01T00:00:00Z"})");
  ModelLeases leases(*store_, "one", seconds(30));
  EXPECT_TRUE(Has(leases.TryTake("gold.t")));
}

TEST_F(ModelLeaseTest, AStoreThatTakesNoneHoldsNobodyUp) {
  for (const auto call : {io::StoreCall::kList, io::StoreCall::kPut}) {
    io::FaultStore denied(*store_);
    denied.Inject({.call = call, .times = 100, .code = ErrorCode::kStop});
    ModelLeases leases(denied, "one", seconds(30));
    const auto taken = leases.TryTake("gold.t");
    ASSERT_TRUE(Has(taken));
    EXPECT_EQ(std::get<0>(taken), nullptr);
    EXPECT_EQ(denied.fired(), 1);
  }
  // The answer to the lease's creation is lost: it stands, and its time passes.
  io::FaultStore forgetful(*store_);
  forgetful.Inject({.call = io::StoreCall::kPut, .effect = io::StoreFault::Effect::kLandThenFail});
  ModelLeases leases(forgetful, "one", seconds(1));
  EXPECT_TRUE(Has(leases.TryTake("gold.t")));
  EXPECT_TRUE(Has(leases.Take("gold.t", {})));
}

TEST_F(ModelLeaseTest, WhoWaitsGetsItOrIsStopped) {
  ModelLeases one(*store_, "one", seconds(600)), other(*store_, "other", seconds(600));
  auto held = one.TryTake("gold.t");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(Has(other.Take("gold.t", stop.get_token())));
  std::jthread giving([&] { held = ModelLeases::Held{}; });
  EXPECT_TRUE(Has(other.Take("gold.t", {})));
}

}  // namespace
}  // namespace millrace::refine
