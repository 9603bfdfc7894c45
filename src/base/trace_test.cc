#include "base/trace.h"

#include <gtest/gtest.h>

#include <mutex>
#include <stdexcept>
#include <thread>

namespace millrace {
namespace {

class Kept final : public SpanTaker {
 public:
  explicit Kept(bool samples = true) : samples_(samples) { Tracing::SendTo(this); }
  ~Kept() override { Tracing::SendTo(nullptr); }
  bool Samples(const std::array<uint8_t, 16>&) const override { return samples_; }
  void Take(Span span) noexcept override {
    const std::lock_guard lock(mutex_);
    spans.push_back(std::move(span));
  }
  std::vector<Span> spans;

 private:
  const bool samples_;
  std::mutex mutex_;
};

TEST(Trace, NothingIsMadeWhileNobodyTakesSpans) {
  EXPECT_FALSE(Tracing::Begin());
  BusyTime time;
  { const BusyTimer timer(time); }
  EXPECT_FALSE(time.begin);
  const Kept kept(false);
  EXPECT_FALSE(Tracing::Begin());  // not sampled
  { const ChildSpan orphan("orphan"); }
  EXPECT_TRUE(kept.spans.empty());
}

TEST(Trace, ChildrenHangBelowTheCurrentSpanOfTheirThread) {
  const Kept kept;
  const auto root = Tracing::Begin();
  ASSERT_TRUE(root);
  {
    const Tracing::Within within(root);
    ChildSpan outer("outer");
    outer.Set("rows", int64_t{3});
    { const ChildSpan inner("inner"); }
    std::thread([] { const ChildSpan elsewhere("elsewhere"); }).join();
  }
  { const ChildSpan after("after"); }
  ASSERT_EQ(kept.spans.size(), 2U);
  const auto& inner = kept.spans[0];
  const auto& outer = kept.spans[1];
  EXPECT_EQ(inner.name, "inner");
  EXPECT_EQ(inner.parent_id, outer.context.span_id);
  EXPECT_EQ(outer.parent_id, root->span_id);
  EXPECT_EQ(outer.context.trace_id, root->trace_id);
  EXPECT_EQ(std::get<int64_t>(outer.attributes.at(0).second), 3);
  EXPECT_LE(outer.begin, inner.begin);
  EXPECT_TRUE(outer.error.empty());
}

TEST(Trace, WhatAnExceptionEndsIsAnError) {
  const Kept kept;
  const Tracing::Within within(Tracing::Begin());
  try {
    const ChildSpan span("span");
    throw std::runtime_error("no");
  } catch (const std::runtime_error&) {
  }
  EXPECT_FALSE(kept.spans.at(0).error.empty());
}

TEST(Trace, PiecesAreOneSpan) {
  const Kept kept;
  const Tracing::Within within(Tracing::Begin());
  BusyTime time;
  { const BusyTimer timer(time); }
  const auto begin = *time.begin;
  time.Add({.begin = begin + std::chrono::seconds(1),
            .end = begin + std::chrono::seconds(3),
            .busy = std::chrono::seconds(2)});
  time.Add({});
  time.Emit("decode");
  BusyTime().Emit("nothing");
  ASSERT_EQ(kept.spans.size(), 1U);
  EXPECT_EQ(kept.spans[0].begin, begin);
  EXPECT_EQ(kept.spans[0].end, begin + std::chrono::seconds(3));
  EXPECT_GE(std::get<double>(kept.spans[0].attributes.at(0).second), 2.0);
}

}  // namespace
}  // namespace millrace
