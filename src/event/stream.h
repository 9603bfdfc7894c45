#pragma once

#include <chrono>
#include <map>
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
  /// On how many brokers each partition lies; absent: as the stream sees fit. Only counts when the topic is made.
  std::optional<int> replication{};
};

struct PartitionInfo {
  int32_t partition = 0;
  int64_t first_offset = 0;  // the oldest record still there
  int64_t next_offset = 0;   // the one that the next append gets; -1: not known
  int64_t bytes = 0;         // stored, compressed; -1: not known
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

/// Where reading begins in partitions that nothing was landed from yet.
struct Start {
  enum class At {
    kEarliest,  // the oldest record there is
    kLatest,    // what comes from now on
    kTime,      // the first record that came at `time` or later
    kOffsets,   // `offsets`, by partition; partitions without one at the earliest
  };
  At at = At::kEarliest;
  Timestamp time{};
  std::map<int32_t, int64_t> offsets{};
};

struct ReaderOptions {
  /// Registers the reader, so that the stream knows what it has acknowledged, and shares the splits with every other
  /// reader of that name where the stream can; empty: an anonymous look at all of them that holds nothing back.
  std::string reader;
  /// Where splits begin that Seek is given no position of; others begin with the oldest record there is.
  Positions starts{};
  /// A gap is handed on as EventBatch::gap instead of ending the reader with an Error.
  bool land_gaps = false;
  /// kIdle is needed, because the driver ends then: the reader goes to some length to know that there is no more.
  bool drains = true;
  /// Records come with their headers, which cost memory and are left behind otherwise.
  bool headers = false;
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

/// What else may be said of a record that is appended.
struct RecordDetail {
  int32_t partition = -1;   // it goes to; -1: where its key belongs
  bool null_value = false;  // it has no value, which is not an empty one; where the stream knows no difference, it is
};

/// What became of a record that was appended.
struct RecordReport {
  bool durable = false;
  // -1: not known. Of a kDuplicate neither is known: what was remembered is the idempotency key.
  int32_t partition = -1;
  int64_t offset = -1;
  std::string error{};  // why it is not durable, where that is known of this record alone
};

struct AppendRequest {
  std::string topic;
  EventBatchPtr events;                      // partitioned by hash of the key; keyless batches go round robin
  std::optional<ProducerPosition> position;  // exactly once from a source
  std::string idempotency_key;               // exactly once from a client; empty: at least once
  /// Empty, or one a record. Error kConfig for a partition that there is not, kData for headers of `events` where the
  /// stream keeps none; then nothing is appended.
  std::vector<RecordDetail> details{};
  /// Given: becomes one a record. When Append throws, those that are durable all the same say so.
  std::vector<RecordReport>* reports = nullptr;
};

/// An append-only log of records, split into partitions. Thread-safe. Append returns only when the records are
/// durable (fsynced, or acknowledged by the broker).
class Stream {
 public:
  virtual ~Stream() = default;

  /// What the cluster calls itself; empty: it has no name. Error kUnavailable when that cannot be learnt.
  virtual std::string ClusterId() { return {}; }
  /// Makes the topic unless it exists with this many partitions; Error kConfig when it exists with another number.
  virtual TopicInfo EnsureTopic(const TopicSpec& spec) = 0;
  virtual void DeleteTopic(const std::string& topic) = 0;
  virtual std::vector<TopicInfo> ListTopics() = 0;
  virtual std::optional<TopicInfo> FindTopic(const std::string& topic) = 0;
  /// The topics that a reader of this name reads: the one of the name, or those that a pattern matches where the stream
  /// knows patterns.
  virtual std::vector<TopicInfo> MatchTopics(const std::string& subscription) {
    auto topic = FindTopic(subscription);
    return topic ? std::vector{*std::move(topic)} : std::vector<TopicInfo>{};
  }

  virtual AppendOutcome Append(const AppendRequest& request) = 0;
  /// What a producer has landed here.
  virtual Positions ProducerPositions(const std::string& producer) = 0;

  /// What a start is in offsets now, for each partition there is; kEarliest gives none. Error kConfig when there is no
  /// such topic, partition or offset.
  virtual Positions FindStart(const std::string& topic, const Start& start) = 0;

  /// Reads the partitions of a topic; those that are added later too, from their beginning.
  virtual std::unique_ptr<Source> OpenReader(const std::string& topic, const ReaderOptions& options) = 0;
  std::unique_ptr<Source> OpenReader(const std::string& topic, const std::string& reader) {
    return OpenReader(topic, ReaderOptions{.reader = reader});
  }
  virtual std::vector<ReaderInfo> ListReaders() = 0;

  /// Drops what retention allows. Returns the bytes freed.
  virtual int64_t EnforceRetention(Timestamp now) = 0;
};

/// The split of a partition of one incarnation of a topic.
SplitId TopicSplit(const std::string& topic_id, int32_t partition);
Cursor OffsetCursor(int64_t offset);
/// Error kStop when it is no offset, with or without an '@' and what a stream says behind it. kStart is 0.
int64_t OffsetOf(const Cursor& cursor);

}  // namespace millrace::event
