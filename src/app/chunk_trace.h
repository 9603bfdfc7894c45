#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/trace.h"
#include "event/event_batch.h"
#include "event/sink.h"
#include "telemetry/lineage_event.h"

namespace millrace::app {

/// What others are told of a chunk, while anybody wants to know: the trace and the lineage of what a table's feed reads
/// and lands together: root `land`, below it `poll` (reads that brought something), `decode` and `encode` (by land's
/// lanes), `commit`, and at its end the event `visible`; and that a run of the job `land.<table>` began and ended. Used
/// by the thread of the feed.
class ChunkTrace {
 public:
  /// That of the feed whose thread this is: each feed has a thread of its own.
  static ChunkTrace& OfThread();
  /// Somebody takes traces or lineage. Otherwise Read is not called.
  static bool Wanted();

  /// A read began and brought a batch.
  void Read(Timestamp began, const event::EventBatch& events, const std::string& table, const std::string& from);
  /// The chunk is over: what became of it. `counts` are the sink's.
  void Ended(event::CommitOutcome outcome, const event::SinkCounts& counts);
  /// It ends without a commit, because of an error.
  void Failed(const std::string& error);

  /// What a commit is part of; nullopt when this chunk is not traced.
  const std::optional<SpanContext>& context() const { return context_; }

 private:
  void End(std::string error);
  void EndTrace(std::string error);
  void BeginLineage(const std::string& table, const std::string& from);
  void EndLineage(const std::string& error);

  bool open_ = false;
  std::optional<SpanContext> context_;
  Span root_;
  BusyTime poll_;
  int64_t batches_ = 0;
  int64_t records_ = 0;
  int64_t bytes_ = 0;
  Timestamp oldest_{};
  telemetry::LineageEvent lineage_;  // without run id: nobody wants it
  event::SinkCounts landed_;         // of this chunk
  event::SinkCounts before_;         // of those before it
};

}  // namespace millrace::app
