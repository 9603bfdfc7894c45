#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "event/stream.h"
#include "stream/embedded/batch_format.h"
#include "stream/embedded/journal.h"
#include "stream/embedded/sqlite.h"
#include "stream/embedded/store.h"

namespace millrace::stream {

/// Records of one partition on their way in: rows made ready by the caller, or few records that may share a row with
/// those of other callers.
struct PartAppend {
  int32_t partition = 0;
  Slice slice;  // which records; they lie in `ready` unless that is empty
  std::vector<StoredBatch> ready;
};

struct PreparedAppend {
  const event::AppendRequest* request = nullptr;
  std::string_view topic_id;  // the incarnation it was partitioned for; outlives this
  std::vector<PartAppend> parts;
};

/// A row holds about this many bytes of records at the most, so that a reader's memory stays bounded; a larger
/// record has a row of its own.
inline constexpr size_t kRowBytesMax = size_t{1} << 20;

/// What changes stream.db: every method runs inside the one write transaction that GroupCommit holds open. A method
/// that refuses throws Error before it has written anything. Used by whoever has the connection.
class Ledger {
 public:
  Ledger(Connection& connection, Journal& journal);

  void Begin();
  /// Writes what appends have gathered, and the state of the partitions they went to. Not durable before the journal is
  /// synced.
  void Flush();
  /// After a rollback: forgets what was gathered and cached.
  void Forget();
  /// Does again what an entry of the journal says: its payloads lie from `spot` on. What belongs to topics that are no
  /// more is passed over.
  void Redo(const JournalMeta& meta, PayloadSpot spot);

  /// nullopt: the topic is another incarnation by now; prepare again. The reports that are asked for say where records
  /// go, and not that they are durable yet.
  std::optional<event::AppendOutcome> Append(const PreparedAppend& append, Timestamp now);

  void CreateTopic(const event::TopicSpec& spec, const std::string& uuid, Timestamp now);
  void SetRetention(const event::TopicSpec& spec);
  void DeleteTopic(const std::string& name);

  void ForgetReader(const std::string& reader, const std::string& topic);
  void RegisterReader(const std::string& reader, const std::string& topic_id);
  void Acknowledge(const std::string& reader, const std::string& topic_id,
                   const std::map<int32_t, int64_t>& next_offsets);

  void ForgetIdempotencyKeys(Timestamp before, int64_t keep_max);

  Connection& connection() { return connection_; }
  Journal& journal() { return journal_; }

 private:
  struct Topic {
    int64_t id = 0;
    std::string uuid;
    std::vector<int64_t> parts;
  };
  struct Part {
    int64_t next_offset = 0;
    int64_t bytes_added = 0;
    BatchBuilder builder;
  };

  const Topic* FindTopic(const std::string& name);
  Part& OpenPart(int64_t id);
  void AddPart(int64_t id, const PartAppend& append, std::vector<event::RecordReport>* reports);
  void AddSlice(int64_t id, Part& part, const Slice& slice);
  void FlushBuilder(int64_t id, Part& part);
  void GatherBatch(int64_t id, Part& part, const BatchNumbers& numbers, std::string_view payload);
  void InsertRow(const JournalRow& row, PayloadSpot spot);
  void WriteJournal();
  void ForgetGathered();
  bool SeenBefore(int64_t topic, const std::string& key);
  bool StandsAt(const event::ProducerPosition& position);
  void Move(const event::ProducerPosition& position);

  Connection& connection_;
  Journal& journal_;
  Statement data_version_;
  Statement find_topic_;
  Statement list_parts_;
  Statement read_part_;
  Statement write_part_;
  Statement insert_batch_;
  Statement find_key_;
  Statement insert_key_;
  Statement find_producer_;
  Statement move_producer_;
  int64_t seen_version_ = 0;
  std::map<std::string, Topic> topics_;      // as of seen_version_
  std::unordered_map<int64_t, Part> parts_;  // touched by the open transaction
  // For the journal's next entry.
  JournalMeta gathered_;
  std::vector<std::string_view> payloads_;  // of callers that wait, or of packed_
  std::deque<std::string> packed_;
};

}  // namespace millrace::stream
