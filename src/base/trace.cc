#include "base/trace.h"

#include <algorithm>
#include <atomic>
#include <exception>

#include "base/hex_digit.h"
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

/// Lower-case digits, as the specification wants them; false for others, and for all zero, which is no name.
template <size_t kSize>
bool ReadHex(std::string_view text, std::array<uint8_t, kSize>& bytes) {
  const bool digits = std::ranges::all_of(text, [](char c) { return HexDigit(c) >= 0 && !(c >= 'A' && c <= 'F'); });
  if (text.size() != 2 * kSize || !digits) return false;
  for (size_t i = 0; i < kSize; ++i)
    bytes[i] = static_cast<uint8_t>(HexDigit(text[2 * i]) << 4 | HexDigit(text[2 * i + 1]));
  return true;
}

template <size_t kSize>
bool IsName(const std::array<uint8_t, kSize>& bytes) {
  return std::ranges::any_of(bytes, [](uint8_t byte) { return byte != 0; });
}

}  // namespace

std::optional<RemoteParent> ParseTraceparent(std::string_view text) {
  constexpr size_t kSize = 55;
  if (text.size() < kSize || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  std::array<uint8_t, 1> version{};
  std::array<uint8_t, 1> flags{};
  RemoteParent parent;
  const bool read = ReadHex(text.substr(0, 2), version) && ReadHex(text.substr(3, 32), parent.context.trace_id) &&
                    ReadHex(text.substr(36, 16), parent.context.span_id) && ReadHex(text.substr(53, 2), flags);
  // Versions to come may append something; what is known of them stays where it is.
  const bool ends = text.size() == kSize || (version[0] != 0 && text[kSize] == '-');
  if (!read || !ends || version[0] == 0xFF) return std::nullopt;
  if (!IsName(parent.context.trace_id) || !IsName(parent.context.span_id)) return std::nullopt;
  parent.sampled = (flags[0] & 1) != 0;
  return parent;
}

bool Tracing::on() { return taker.load(std::memory_order_relaxed) != nullptr; }
void Tracing::SendTo(SpanTaker* to) { taker = to; }

std::optional<SpanContext> Tracing::Begin() {
  const auto* to = taker.load();
  if (to == nullptr) return std::nullopt;
  SpanContext context;
  Fill(context.trace_id);
  if (!to->Samples(context.trace_id, nullptr)) return std::nullopt;
  Fill(context.span_id);
  return context;
}

std::optional<Span> Tracing::BeginServer(const std::optional<RemoteParent>& parent) {
  const auto* to = taker.load();
  if (to == nullptr) return std::nullopt;
  Span span{.context = {}, .name = {}};
  if (parent) {
    span.context.trace_id = parent->context.trace_id;
    span.parent_id = parent->context.span_id;
  } else {
    Fill(span.context.trace_id);
  }
  if (!to->Samples(span.context.trace_id, parent ? &*parent : nullptr)) return std::nullopt;
  Fill(span.context.span_id);
  span.kind = SpanKind::kServer;
  span.begin = Clock::System().Now();
  return span;
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
