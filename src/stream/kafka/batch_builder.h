#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/event_batch.h"
#include "event/record_headers.h"
#include "stream/kafka/admin.h"

namespace millrace::stream {

/// Records of one partition that were fetched one after the other, not yet given a split or cursors.
struct FetchedRun {
  TopicPartition place;
  std::shared_ptr<event::EventBatch> batch;
  int64_t first_offset = 0;
  int64_t last_offset = 0;
  std::vector<int32_t> brokers;  // that they came from
};

/// A message that tells of an error of a partition.
struct FetchError {
  TopicPartition place;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string text;
};

struct Fetched {
  std::vector<FetchedRun> runs;  // of one partition in order
  std::vector<FetchError> errors;
  int64_t bytes = 0;
};

/// Makes batches of messages as librdkafka hands them out: each payload is copied once, behind the one before it of its
/// partition, and the message is given back. Single-threaded; reused for its buffers.
class BatchBuilder {
 public:
  /// The first offset that is wanted of a partition.
  using From = std::function<int64_t(const TopicPartition&)>;

  /// `headers`: those of the messages come along.
  explicit BatchBuilder(bool headers) : headers_(headers) {}

  /// Takes the messages over.
  Fetched Build(rd_kafka_message_t** messages, size_t count, const From& from);

 private:
  /// What the messages of one run need.
  struct Plan {
    const rd_kafka_topic_t* topic = nullptr;
    int32_t partition = 0;
    int64_t from = 0;
    size_t records = 0;
    size_t bytes = 0;
    size_t key_bytes = 0;
    event::HeaderCollector headers;
    size_t header_bytes = 0;
    FetchedRun run;
    std::shared_ptr<PaddedBuffer> payload;
    std::shared_ptr<PaddedBuffer> keys;
    bool joined = true;
    bool gapless = true;
  };

  /// The open run of the message's partition, a new one where there is none with room.
  size_t PlanFor(const rd_kafka_message_t& message, const From& from);
  void Count(const rd_kafka_message_t& message, Plan& plan) const;
  static void Allocate(Plan& plan);
  static void Copy(const rd_kafka_message_t& message, Plan& plan);
  static FetchedRun Finish(Plan plan);

  const bool headers_;
  std::vector<Plan> plans_;
  std::map<std::pair<const rd_kafka_topic_t*, int32_t>, size_t> open_;
  std::vector<uint32_t> plan_of_;  // of each message
  size_t last_ = 0;                // the plan of the message before
};

}  // namespace millrace::stream
