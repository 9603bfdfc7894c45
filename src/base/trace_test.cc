#include "base/trace.h"

#include <gtest/gtest.h>

#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace millrace {
namespace {

class Kept final : public SpanTaker {
 public:
  explicit Kept(bool samples = true) : samples_(samples) { Tracing::SendTo(this); }
  ~Kept() override { Tracing::SendTo(nullptr); }
  bool Samples(const std::array<uint8_t, 16>&, const RemoteParent* parent) const override {
    return parent != nullptr ? parent->sampled : samples_;
  }
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

TEST(Trace, ReadsWhereARequestComesFrom) {
  const std::string text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";  // of the specification
  const auto parent = ParseTraceparent(text);
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->context.trace_id[0], 0x0A);
  EXPECT_EQ(parent->context.trace_id[15], 0x9C);
  EXPECT_EQ(parent->context.span_id[7], 0x31);
  EXPECT_TRUE(parent->sampled);
  EXPECT_FALSE(ParseTraceparent(text.substr(0, 53) + "02")->sampled);
  EXPECT_TRUE(ParseTraceparent("cc" + text.substr(2) + "-what-is-to-come"));
  const std::vector<std::string> wrong = {"",
                                          text.substr(0, 54),
                                          text + "-more",
                                          text + "0",
                                          "ff" + text.substr(2),
                                          "0g" + text.substr(2),
                                          "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                                          "00-" + std::string(32, '0') + text.substr(35),
                                          text.substr(0, 36) + std::string(16, '0') + "-01",
                                          text.substr(0, 35) + " " + text.substr(36)};
  for (const auto& each : wrong) EXPECT_FALSE(ParseTraceparent(each)) << each;
}

TEST(Trace, ARequestIsPartOfTheTraceItComesFrom) {
  EXPECT_FALSE(Tracing::BeginServer(std::nullopt));
  const Kept kept(false);
  auto parent = ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  const auto span = Tracing::BeginServer(parent);
  ASSERT_TRUE(span);
  EXPECT_EQ(span->context.trace_id, parent->context.trace_id);
  EXPECT_EQ(span->parent_id, parent->context.span_id);
  EXPECT_NE(span->context.span_id, parent->context.span_id);
  EXPECT_EQ(span->kind, SpanKind::kServer);
  EXPECT_FALSE(Tracing::BeginServer(std::nullopt));  // not sampled
  parent->sampled = false;
  EXPECT_FALSE(Tracing::BeginServer(parent));
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
