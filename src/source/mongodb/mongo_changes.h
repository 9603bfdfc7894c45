#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "event/source.h"
#include "io/mongo_client.h"
#include "source/mongodb/mongo_conditions.h"
#include "source/mongodb/mongo_source_options.h"

namespace millrace::source {

/// What the server says instead of a change. kUnavailable for what another try may mend; kConfig when it has no change
/// streams, told at the first one; kStop when the place that was reached is gone. `passing`: the server says so itself.
[[noreturn]] void ThrowChanges(const MongoSourceOptions& options, const bson_error_t& error, bool passing, bool first);

/// Changes of a collection, as the server's change stream tells them, as batches of one split. A place in it is kept
/// before the documents are read for the first time, so that nothing that changes meanwhile is missed: it comes as a
/// change, also where the document was read already. Frozen:
///
///   {"n": <records so far>, "token": <resume token> or "time": <Timestamp>, "snapshot": true while documents are read}
///
/// An update whose document is gone when the server looks for it is left out: the delete is behind it. Driven by one
/// thread; the options, the clients and the clock outlive it.
class MongoChanges {
 public:
  /// Error kStop for a position that is none of a change stream.
  MongoChanges(const MongoSourceOptions& options, io::MongoClients& clients, const Clock& clock, event::SplitId split,
               event::Cursor at);
  ~MongoChanges();

  bool started() const { return at_ != event::kStart; }
  /// Documents are read before changes.
  bool documents_first() const { return documents_first_; }

  /// The place where the stream stands now, as a batch without records. Call first, unless it started.
  event::EventBatchPtr Start();
  /// All documents were read; as a batch without records.
  event::EventBatchPtr EndDocuments();
  /// The next changes. kExhausted when there are none any more and it ends. Error as by ThrowChanges, with nothing
  /// moved; kStop behind the last change of a collection that was dropped or renamed.
  event::ReadResult Take(const event::ReadLimits& limits, const std::stop_token& stop);
  /// Gives its connection back.
  void LetGo();

 private:
  struct Stream;  // the server's, with the connection it lives on
  struct Records;

  std::unique_ptr<Stream> OpenAt(const std::string& place, std::chrono::milliseconds wait);
  void CheckError(Stream& stream, bool first) const;
  std::string FreshPlace();
  void ReadSome(const event::ReadLimits& limits, const std::stop_token& stop, Records& records);
  bool Add(const bson_t& event, Records& records);
  bool AtItsEnd();
  event::EventBatchPtr HandOn(std::shared_ptr<event::EventBatch> batch);
  event::Cursor Position() const;

  const MongoSourceOptions& options_;
  io::MongoClients& clients_;
  const Clock& clock_;
  const event::SplitId split_;
  event::Cursor at_;
  std::string place_;  // {"token": ...} or {"time": ...}; empty: none yet
  int64_t count_ = 0;
  bool documents_first_ = false;
  std::unique_ptr<Stream> stream_;
  SteadyTime moved_{};      // when the position was handed on last
  std::string end_place_;   // of a stream opened when there seemed to be no more
  bool ended_ = false;      // nothing will come any more
  std::string last_event_;  // the collection went by it
};

}  // namespace millrace::source
