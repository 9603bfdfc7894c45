#include "event/waiting.h"

#include <utility>

namespace millrace::event {

std::string_view ToString(WaitKind kind) {
  switch (kind) {
    case WaitKind::kNothing:
      return "nothing";
    case WaitKind::kBuffering:
      return "buffering";
    case WaitKind::kMemory:
      return "memory";
    case WaitKind::kReplay:
      return "replay";
    case WaitKind::kCommitting:
      return "committing";
    case WaitKind::kOutcomeUnknown:
      return "outcome_unknown";
    case WaitKind::kCatalog:
      return "catalog";
    case WaitKind::kStore:
      return "store";
    case WaitKind::kStream:
      return "stream";
  }
  return "nothing";
}

void WaitBoard::Put(WaitKind kind, std::string detail) {
  const std::lock_guard lock(mutex_);
  if (kind == WaitKind::kNothing) {
    wait_.since.reset();
  } else if (kind != wait_.kind) {
    wait_.since = clock_.Steady();
  }
  wait_.kind = kind;
  wait_.detail = std::move(detail);
}

Wait WaitBoard::Get() const {
  const std::lock_guard lock(mutex_);
  return wait_;
}

}  // namespace millrace::event
