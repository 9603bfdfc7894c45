#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_budget.h"
#include "event/event_batch.h"
#include "event/source.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/batch_builder.h"

namespace millrace::stream {

/// Which partitions a reader owns, where it stands in each, and the batches that wait to be read. Knows no broker and
/// no thread: its owner holds a lock around every call.
///
/// A partition that comes is unnamed until the id of its topic is known, and unplaced until the driver has said where
/// the table stands (Seek). Then it is due, until the poll thread has fetched it from there. A batch counts as handed
/// when the driver took it, and as acknowledged when it has landed.
class SplitLedger {
 public:
  explicit SplitLedger(event::Positions starts) : starts_(std::move(starts)) {}

  // ---- partitions come and go

  void Add(const std::vector<TopicPartition>& places);
  /// Sets or changes the ids of topics. Partitions of another id than before become unplaced splits of the new one;
  /// those beyond the new number of partitions are forgotten. Returns the places that must no longer be fetched.
  std::vector<TopicPartition> Name(const DescribedTopic& topic);
  /// They are to be given back: what is queued of them is dropped.
  void Leave(const std::vector<TopicPartition>& places);
  /// Whether nothing of what leaves is handed and not landed, as far as the driver has said.
  bool LeaversSettled() const;
  std::vector<TopicPartition> leavers() const;
  void Forget(const std::vector<TopicPartition>& places);

  std::vector<TopicPartition> places() const;
  std::vector<TopicPartition> fetched() const;
  /// Topics of which a partition has no id yet.
  std::set<std::string> unnamed() const;
  std::set<std::string> topics() const;
  bool empty() const { return splits_.empty(); }

  // ---- where to fetch

  struct Placement {
    int64_t offset = 0;  // RD_KAFKA_OFFSET_BEGINNING: the oldest there is
    uint64_t serial = 0;
  };
  std::map<TopicPartition, Placement> Due() const;
  /// They are fetched from there now, unless a Seek came between.
  void Placed(const std::map<TopicPartition, Placement>& placements);
  /// Fetching of a partition ended: it is due again where it stands.
  void FetchAgain(const TopicPartition& place);
  /// Whatever waits to be read is dropped, and everything is due where the driver stands.
  void FetchAllAgain();

  // ---- records

  /// The lowest offset wanted of a partition; more than any when none is.
  int64_t Wanted(const TopicPartition& place) const;
  void Push(FetchedRun run, Reservation reservation);
  /// No records, but the position moves on to `offset`.
  void PushPosition(const TopicPartition& place, int64_t offset);
  /// Where a partition stands that cannot be read there; nullopt when that is of no interest, or the oldest there is.
  std::optional<int64_t> StuckAt(const TopicPartition& place) const;
  /// The batch that tells of a gap; the partition is due at `next`.
  void PushGap(const TopicPartition& place, event::Gap gap, int64_t next, Timestamp now);
  bool has_batch() const { return !queue_.empty(); }
  int64_t queued_bytes() const { return queued_bytes_; }
  event::EventBatchPtr Pop(size_t bytes_max);

  // ---- the driver

  void Seek(const event::Positions& positions);
  /// The driver must Seek.
  bool reassigned() const { return reassigned_; }
  void Acknowledge(const event::Positions& positions);
  /// What was acknowledged since the last call, of partitions that are owned.
  std::vector<CommittedOffset> TakeAcknowledged();

  // ---- what was read, and from whom: see Source::ConfirmRead

  struct Unconfirmed {
    std::string topic;
    std::string id;
    std::set<int32_t> brokers;
  };
  std::vector<Unconfirmed> unconfirmed() const;
  void Confirmed() { unconfirmed_.clear(); }

  // ---- how far behind

  void SetEnd(const TopicPartition& place, int64_t end);
  /// The next offset of a partition, if it is known.
  std::optional<int64_t> NextOf(const TopicPartition& place) const;
  event::Lag lag() const;

 private:
  enum class Phase { kUnnamed, kUnplaced, kDue, kFetched };
  struct Split {
    Phase phase = Phase::kUnnamed;
    std::string topic_id;
    event::SplitId id;
    bool leaving = false;
    bool settled = true;  // the driver has dealt with all it was handed, or was never handed anything
    event::Cursor handed;
    event::Cursor queued;
    event::Cursor acknowledged;
    event::Cursor told;  // to the broker
    int64_t next = -1;   // the next offset; -1: the oldest there is
    uint64_t serial = 0;
    int64_t end = -1;  // of the log, when last seen; -1: not seen
    Timestamp newest{};
  };
  struct Queued {
    TopicPartition place;
    event::EventBatchPtr batch;
    Reservation reservation;
  };

  Split* Find(const TopicPartition& place);
  const Split* Find(const TopicPartition& place) const;
  void Place(Split& split, const event::Cursor& cursor);
  void DropQueued(const TopicPartition& place);
  void Enqueue(const TopicPartition& place, Split& split, event::EventBatchPtr batch, Reservation reservation);
  /// A batch without records that moves the position to `next`.
  static std::shared_ptr<event::EventBatch> Without(const TopicPartition& place, const Split& split, int64_t next);
  void Unplace(const TopicPartition& place, Split& split, const std::string& topic_id);

  const event::Positions starts_;
  std::map<TopicPartition, Split> splits_;
  std::deque<Queued> queue_;
  int64_t queued_bytes_ = 0;
  bool reassigned_ = false;
  uint64_t serial_ = 0;
  std::map<std::pair<std::string, std::string>, std::set<int32_t>> unconfirmed_;  // topic and id -> brokers
};

/// The first records of a batch, of at most `bytes_max` or one, and the rest.
std::pair<event::EventBatchPtr, event::EventBatchPtr> SplitBatch(const event::EventBatch& batch, size_t bytes_max);

}  // namespace millrace::stream
