#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event/event_batch.h"
#include "event/source.h"

namespace millrace::event {

struct TopicSpec {
  std::string name;
  int32_t partitions = 1;
  std::optional<std::chrono::seconds> retention_age{};
  std::optional<int64_t> retention_bytes{};
};

struct PartitionInfo {
  int32_t partition = 0;
  int64_t first_offset = 0;  // the oldest record still there
  int64_t next_offset = 0;   // the one that the next append gets
  int64_t bytes = 0;         // stored, compressed
};

struct TopicInfo {
  TopicSpec spec;
  std::string id;  // a new one each time a topic of this name is created
  std::vector<PartitionInfo> partitions;
};

/// A reader registered with a topic, as an operator sees it.
struct ReaderInfo {
  std::string reader;
  std::string topic;
  int32_t partition = 0;
  int64_t next_offset = 0;
  int64_t lag_records = 0;
};

/// Ties an append to the position of the source it was made from, in one transaction: the append lands only if
/// the producer still stands at `begin`, and moves it to `end`.
struct ProducerPosition {
  std::string producer;
  SplitId split;
  Cursor begin;
  Cursor end;
};

enum class AppendOutcome {
  kAppended,
  kDuplicate,  // the idempotency key was seen before: nothing was appended, and that is success
  kFenced,     // the producer's stored position is not `begin`: somebody else moved it; read it again
};

struct AppendRequest {
  std::string topic;
  EventBatchPtr events;                      // partitioned by hash of the key; keyless batches go round robin
  std::optional<ProducerPosition> position;  // exactly once from a source
  std::string idempotency_key;               // exactly once from a client; empty: at least once
};

/// An append-only log of records, split into partitions. Thread-safe. Append returns only when the records are
/// durable (fsynced, or acknowledged by the broker).
class Stream {
 public:
  virtual ~Stream() = default;

  /// Makes the topic unless it exists with this many partitions; Error kConfig when it exists with another number.
  virtual TopicInfo EnsureTopic(const TopicSpec& spec) = 0;
  virtual void DeleteTopic(const std::string& topic) = 0;
  virtual std::vector<TopicInfo> ListTopics() = 0;
  virtual std::optional<TopicInfo> FindTopic(const std::string& topic) = 0;

  virtual AppendOutcome Append(const AppendRequest& request) = 0;
  /// What a producer has landed here.
  virtual Positions ProducerPositions(const std::string& producer) = 0;

  /// Reads every partition of a topic. `reader` registers it, so that retention waits for what it acknowledges;
  /// empty: an anonymous look that holds nothing back.
  virtual std::unique_ptr<Source> OpenReader(const std::string& topic, const std::string& reader) = 0;
  virtual std::vector<ReaderInfo> ListReaders() = 0;

  /// Drops what retention allows. Returns the bytes freed.
  virtual int64_t EnforceRetention(Timestamp now) = 0;
};

/// The split of a partition of one incarnation of a topic.
SplitId TopicSplit(const std::string& topic_id, int32_t partition);
Cursor OffsetCursor(int64_t offset);
/// Error kStop when it is not a cursor that OffsetCursor made. kStart is 0.
int64_t OffsetOf(const Cursor& cursor);

}  // namespace millrace::event
