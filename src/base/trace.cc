#include "base/trace.h"

#include <algorithm>
#include <atomic>
#include <exception>

#include "base/random.h"

namespace millrace {
namespace {

std::atomic<SpanTaker*> taker = nullptr;
thread_local std::optional<SpanContext> current;

template <size_t kSize>
void Fill(std::array<uint8_t, kSize>& bytes) {
  thread_local Random random = Random::FromSystem();
  for (size_t i = 0; i < kSize; i += 8) {
    auto word = random.Next();
    if (word == 0) word = 1;  // all zero is no name
    for (size_t j = 0; j < 8; ++j) bytes[i + j] = static_cast<uint8_t>(word >> (8 * j));
  }
}

}  // namespace

bool Tracing::on() { return taker.load(std::memory_order_relaxed) != nullptr; }
void Tracing::SendTo(SpanTaker* to) { taker = to; }

std::optional<SpanContext> Tracing::Begin() {
  const auto* to = taker.load();
  if (to == nullptr) return std::nullopt;
  SpanContext context;
  Fill(context.trace_id);
  if (!to->Samples(context.trace_id)) return std::nullopt;
  Fill(context.span_id);
  return context;
}

std::optional<Span> Tracing::BeginChild(std::string_view name) {
  if (!on() || !current) return std::nullopt;
  Span span{.context = {.trace_id = current->trace_id}, .parent_id = current->span_id, .name = std::string(name)};
  Fill(span.context.span_id);
  span.begin = Clock::System().Now();
  return span;
}

void Tracing::End(Span span) {
  if (auto* to = taker.load()) to->Take(std::move(span));
}

Tracing::Within::Within(const std::optional<SpanContext>& context) : before_(std::exchange(current, context)) {}
Tracing::Within::~Within() { current = before_; }

ChildSpan::ChildSpan(std::string_view name)
    : span_(Tracing::BeginChild(name)), exceptions_(std::uncaught_exceptions()) {
  if (span_) within_.emplace(span_->context);
}

ChildSpan::~ChildSpan() {
  if (!span_) return;
  within_.reset();
  span_->end = Clock::System().Now();
  if (std::uncaught_exceptions() > exceptions_) span_->error = "ended by an error";
  Tracing::End(std::move(*span_));
}

void ChildSpan::Set(std::string_view key, SpanValue value) {
  if (span_) span_->attributes.emplace_back(key, std::move(value));
}

void BusyTime::Add(const BusyTime& more) {
  if (!more.begin) return;
  begin = begin ? std::min(*begin, *more.begin) : *more.begin;
  end = std::max(end, more.end);
  busy += more.busy;
}

void BusyTime::Emit(std::string_view name) const {
  auto span = begin ? Tracing::BeginChild(name) : std::nullopt;
  if (!span) return;
  span->begin = *begin;
  span->end = end;
  span->attributes.emplace_back("millrace.busy_seconds", std::chrono::duration<double>(busy).count());
  Tracing::End(std::move(*span));
}

BusyTimer::BusyTimer(BusyTime& time) : time_(Tracing::on() ? &time : nullptr) {
  if (time_ != nullptr) begin_ = Clock::System().Now();
}

BusyTimer::~BusyTimer() {
  if (time_ == nullptr) return;
  const auto end = std::max(Clock::System().Now(), begin_);
  time_->Add({.begin = begin_, .end = end, .busy = end - begin_});
}

}  // namespace millrace
