#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace millrace {

/// Names a span and the trace it belongs to, as OpenTelemetry does: random bytes, all zero for none.
struct SpanContext {
  std::array<uint8_t, 16> trace_id{};
  std::array<uint8_t, 8> span_id{};
};

/// A span of another process that caused one here, as the header `traceparent` names it (W3C Trace Context).
struct RemoteParent {
  SpanContext context;
  bool sampled = false;  // it is kept there
};
/// "00-<32 hex digits>-<16>-<2>"; nullopt for what is malformed, which is as if it were not there.
std::optional<RemoteParent> ParseTraceparent(std::string_view text);

/// kServer: it answers a request from elsewhere.
enum class SpanKind { kInternal, kServer };

using SpanValue = std::variant<std::string, int64_t, double, bool>;

/// One thing that was done, from when to when.
struct Span {
  SpanContext context;
  std::array<uint8_t, 8> parent_id{};  // all zero: it is the root of its trace
  std::string name;                    // of few different words: what differs is an attribute
  Timestamp begin{};
  Timestamp end{};
  std::vector<std::pair<std::string, SpanValue>> attributes{};
  std::vector<std::pair<std::string, Timestamp>> events{};  // moments within it
  std::string error{};                                      // empty: it went well
  SpanKind kind = SpanKind::kInternal;
};

/// Where spans go. Thread-safe; returns at once, whatever hangs, and drops what it has no room for.
class SpanTaker {
 public:
  virtual ~SpanTaker() = default;
  /// Whether a trace that begins here is to be kept; or the part here of one that began elsewhere, `parent`.
  virtual bool Samples(const std::array<uint8_t, 16>& trace_id, const RemoteParent* parent) const = 0;
  virtual void Take(Span span) noexcept = 0;
};

/// The traces of this process. Off until somebody takes spans; then making one costs a look at a pointer.
class Tracing {
 public:
  static bool on();
  /// Null ends it. The taker outlives every span that was begun.
  static void SendTo(SpanTaker* taker);

  /// The names of the root of a new trace; nullopt when nothing is traced, or this one is not to be kept.
  static std::optional<SpanContext> Begin();
  /// The first span here of a request from elsewhere, begun now; below its parent there, if it names one.
  static std::optional<Span> BeginServer(const std::optional<RemoteParent>& parent);
  /// The names of a child of the current span of this thread; nullopt when there is none.
  static std::optional<Span> BeginChild(std::string_view name);
  static void End(Span span);

  /// The span that what this thread does is part of, for as long as this lives.
  class Within {
   public:
    explicit Within(const std::optional<SpanContext>& context);
    ~Within();
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;

   private:
    std::optional<SpanContext> before_;
  };
};

/// A child of the current span of its thread, from here to the end of the scope, and the current one meanwhile. One
/// that an exception ends is marked as an error.
class ChildSpan {
 public:
  explicit ChildSpan(std::string_view name);
  ~ChildSpan();
  ChildSpan(const ChildSpan&) = delete;
  ChildSpan& operator=(const ChildSpan&) = delete;

  void Set(std::string_view key, SpanValue value);

 private:
  std::optional<Span> span_;
  const int exceptions_;
  std::optional<Tracing::Within> within_;
};

/// What is done piece by piece, perhaps by several threads: when it began and ended, and how long it took in all.
struct BusyTime {
  std::optional<Timestamp> begin{};
  Timestamp end{};
  std::chrono::microseconds busy{0};

  void Add(const BusyTime& more);
  /// A child of the current span; nothing when nothing was done.
  void Emit(std::string_view name) const;
};

/// Adds the time from here to the end of the scope; nothing while nothing is traced.
class BusyTimer {
 public:
  explicit BusyTimer(BusyTime& time);
  ~BusyTimer();
  BusyTimer(const BusyTimer&) = delete;
  BusyTimer& operator=(const BusyTimer&) = delete;

 private:
  BusyTime* time_;  // null: nothing is traced
  Timestamp begin_{};
};

}  // namespace millrace
