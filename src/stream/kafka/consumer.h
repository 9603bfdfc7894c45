#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "stream/kafka/admin.h"
#include "stream/kafka/client.h"
#include "stream/kafka/partition_list.h"

namespace millrace::stream {

/// What a group says of a member's partitions.
struct Rebalance {
  enum class Kind { kAssigned, kRevoked };
  Kind kind = Kind::kAssigned;
  std::vector<TopicPartition> places;
  /// Others may have them already.
  bool lost = false;
};

/// A consumer of librdkafka whose partitions are fetched from where its owner says, never from offsets that a broker
/// keeps. Group events come by one queue and records by another, so that the group is served while nobody takes
/// records. Used by one thread.
///
/// What is fetched ahead lies in one queue of at most `queue_bytes`, however many partitions there are.
class Consumer {
 public:
  /// `group` empty: no member of any group, no offsets are committed.
  Consumer(const KafkaOptions& options, const std::string& group, int64_t queue_bytes);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  /// Joins the group for a topic or a pattern of topics.
  void Subscribe(const std::string& subscription);
  /// The next event of the group, if there is one. What is assigned is not fetched until Place; after what is revoked
  /// has been dealt with, Release must be called, and nothing more comes before that.
  std::optional<Rebalance> Poll(std::chrono::milliseconds wait = {});
  /// Gives back what Poll said is revoked.
  void Release(const std::vector<TopicPartition>& places);

  /// Fetches each partition from an offset (RD_KAFKA_OFFSET_BEGINNING: the oldest there is), in place of what was
  /// fetched of it before.
  void Place(const std::map<TopicPartition, int64_t>& offsets);
  void Stop(const std::vector<TopicPartition>& places);

  /// Waits up to `wait` for the first, then takes what is there: at most `max`. The caller destroys them.
  size_t Take(rd_kafka_message_t** messages, size_t max, std::chrono::milliseconds wait);
  /// Ends a Take that waits. From any thread.
  void Wake();

  /// The offset after what Take gave of a partition, markers of transactions included; absent before the first.
  Offsets Positions(const std::vector<TopicPartition>& places);
  /// The end of a partition as far as a fetch has shown it; absent when none has.
  std::optional<int64_t> KnownEnd(const TopicPartition& place);

  /// Tells the broker, for those who look from outside; `wait` for the answer at most. Not being heard is no error.
  void Commit(const std::vector<CommittedOffset>& offsets, std::chrono::milliseconds wait);

  Client& client() { return client_; }

 private:
  rd_kafka_t* handle() { return client_.handle(); }
  void Forward(const TopicPartition& place);
  void Close();
  void ReleaseAtTheEnd(const std::vector<TopicPartition>& places);
  /// Those of the places that are fetched; they count as given back.
  PartitionList TakePlaced(const std::vector<TopicPartition>& places);

  struct QueueDeleter {
    void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  };
  using Queue = std::unique_ptr<rd_kafka_queue_t, QueueDeleter>;

  Client client_;
  Queue group_queue_;
  Queue records_;
  std::set<TopicPartition> placed_;
};

}  // namespace millrace::stream
