#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "event/event_batch.h"
#include "stream/kinesis/kinesis_client.h"
#include "stream/kinesis/shard_place.h"

namespace millrace::stream {

/// What all shards of a reader share; outlives them.
struct ShardReading {
  KinesisClient& client;
  const Clock& clock;
  std::string topic;
  std::string stream;  // as Kinesis calls it
  std::string topic_id;
  bool land_gaps = false;
  std::chrono::milliseconds poll{1000};
  int64_t answer_bytes = int64_t{4} << 20;
};

/// Reads one shard from a place on. Fetch asks Kinesis and holds one answer at the most; Take hands out of it. It goes
/// on AT the record that was handed out last, not after it: if that very record does not come back, retention took it,
/// and who knows what followed it. Two threads may not use it at a time.
class ShardReader {
 public:
  /// `landed`: the cursor that the next batch begins at. `place`: where that is, or where the first begins.
  ShardReader(const ShardReading& reading, Shard shard, event::Cursor landed, const ShardPlace& place);

  /// One request, or two. What fails and may pass is kept as `trouble`, and tried again when it is due. Other Errors
  /// are thrown.
  void Fetch();
  bool HasRecords() const { return !records_.empty() || gap_ || (ended_ && place_.at != ShardPlace::At::kEnd); }
  /// The next batch of what was fetched, a gap, or the step to the end of the shard.
  event::EventBatchPtr Take(size_t bytes_max);

  /// Retention took the whole shard: a gap, where something of it was handed out and its end was not.
  void Vanish();
  bool vanished() const { return vanished_; }

  /// All that the shard ever had was handed out.
  bool Finished() const { return place_.at == ShardPlace::At::kEnd; }
  bool Due(SteadyTime now) const { return !Finished() && !HasRecords() && now >= due_; }
  SteadyTime due() const { return due_; }
  /// When the last look began that found nothing more.
  const std::optional<SteadyTime>& empty_since() const { return empty_since_; }
  /// How far behind the newest record it is, when that is known.
  std::optional<std::chrono::milliseconds> behind() const { return behind_; }
  const std::string& trouble() const { return trouble_; }
  const Shard& shard() const { return shard_; }

 private:
  struct Record {
    std::string data;
    std::string key;
    Timestamp arrival;
    std::string sequence;
    std::optional<uint32_t> taken;  // the place behind it
  };
  struct Lost {
    event::Gap gap;
    ShardPlace next;
  };

  void Keep(Fetched fetched, SteadyTime began);
  void Unpack(FetchedRecord&& fetched, size_t skip);
  /// False: it is not the record where this reader stands.
  bool IsWhereItStands(const FetchedRecord& first) const;
  void Lose(const ShardPlace& next);
  void Wait(const std::string& why);
  std::shared_ptr<event::EventBatch> NewBatch() const;
  event::EventBatchPtr Moved(std::shared_ptr<event::EventBatch> batch, const ShardPlace& to);
  event::EventBatchPtr Joined(size_t bytes_max);

  const ShardReading& reading_;
  const Shard shard_;
  ShardPlace place_;     // of what was handed out
  event::Cursor begin_;  // the same; of a shard that nothing was landed of, the start, wherever reading began
  std::string iterator_;
  bool ended_ = false;  // closed, and fetched to its last record
  bool vanished_ = false;
  bool verified_ = true;
  std::deque<Record> records_;
  std::optional<Lost> gap_;
  SteadyTime due_{};
  std::optional<SteadyTime> empty_since_;
  std::optional<std::chrono::milliseconds> behind_;
  std::string trouble_;
  int troubles_ = 0;
  int records_max_ = 1000;
};

}  // namespace millrace::stream
