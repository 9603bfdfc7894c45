#pragma once

#include <memory>

#include "event/stream.h"

namespace millrace::event {

/// Records on their way. Destroying it waits for them too, and says nothing of what became of them.
class PendingAppend {
 public:
  PendingAppend() = default;
  virtual ~PendingAppend() = default;
  PendingAppend(const PendingAppend&) = delete;
  PendingAppend& operator=(const PendingAppend&) = delete;

  /// Returns when the records are durable. Errors as of Stream::Append.
  virtual void Await() = 0;
};

/// A stream that takes records while it waits for the ones before: a round trip for each batch would be most of the
/// time otherwise. Records of one partition stay in the order of the calls.
class AppendsAhead {
 public:
  virtual ~AppendsAhead() = default;
  /// Of a request without position, idempotency key and reports; returns when the records are queued.
  virtual std::unique_ptr<PendingAppend> BeginAppend(const AppendRequest& request) = 0;
  /// Gets ready for the first append, which waits less then: from another thread, while topics are looked at. Whatever
  /// is wrong, that append says.
  virtual void GetReady() noexcept = 0;
};

}  // namespace millrace::event
