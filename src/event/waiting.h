#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace millrace::event {

/// Why a sink has not landed more. The words are read by programs (`status --json`): frozen.
enum class WaitKind {
  kNothing,         // nothing is buffered
  kBuffering,       // for freshness or size: a commit is not due yet
  kMemory,          // the budget is used up
  kReplay,          // records are read again to finish what a crash left half done
  kCommitting,      // a commit is under way
  kOutcomeUnknown,  // the answer to a commit was lost: the table is being read again
  kCatalog,         // the catalogue does not answer
  kStore,           // the object store does not answer
  kStream,          // the stream does not answer, or gives this reader nothing
};
std::string_view ToString(WaitKind kind);

struct Wait {
  WaitKind kind = WaitKind::kNothing;
  std::string detail;               // a clause for a person; empty for kNothing
  std::optional<SteadyTime> since;  // when it began to be of this kind
};

/// What a sink says of itself while it keeps its caller waiting. Written by the thread that drives the sink, read by
/// any.
class WaitBoard {
 public:
  explicit WaitBoard(const Clock& clock = Clock::System()) : clock_(clock) {}

  /// `since` stays while the kind does.
  void Put(WaitKind kind, std::string detail = {});
  void Clear() { Put(WaitKind::kNothing); }
  Wait Get() const;

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  Wait wait_;
};

}  // namespace millrace::event
