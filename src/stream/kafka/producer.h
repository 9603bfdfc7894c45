#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "event/stream.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/client.h"

namespace millrace::stream {

/// Sends records and learns whether the brokers have them: idempotent, acks=all. Records of one key go where Kafka's
/// own default partitioner puts them (murmur2); those without a key go round, a batch at a time. Kafka keeps one time a
/// record, in milliseconds: its timestamp, or when it came in. Thread-safe.
class Producer {
 public:
  /// What was sent and is not acknowledged yet. The records it was made of outlive it; its owner waits for it.
  class Delivery;

  /// `transactional_id`: empty for none.
  Producer(const KafkaOptions& options, Admin& admin, const std::string& transactional_id);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// Sends the events of a request, and fills the reports it asks for. Error kConfig when there is no such topic or
  /// partition: then nothing was sent.
  void Send(const event::AppendRequest& request, Delivery& delivery);
  void Send(const std::string& topic, int32_t partition, std::string_view key, std::string_view value,
            Delivery& delivery);
  /// Returns when everything sent is acknowledged. Error kData for records that the brokers refuse, kUnavailable when
  /// they did not answer in time: then some records may be there.
  void Await(Delivery& delivery);

  rd_kafka_t* handle() { return client_.handle(); }
  const Client& client() const { return client_; }

 private:
  struct Record {
    rd_kafka_topic_t* topic = nullptr;
    int32_t partition = 0;
    std::string_view key;  // empty: none
    std::string_view value;
    Timestamp time{};
    const event::RecordDetail* detail = nullptr;
    std::string_view header_block{};
  };
  /// Whom the library tells of a record.
  struct Recipient {
    Delivery* delivery = nullptr;
    event::RecordReport* report = nullptr;  // null: nobody asks for it
  };
  struct TopicDeleter {
    void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  };
  struct Known {
    std::unique_ptr<rd_kafka_topic_t, TopicDeleter> handle;
    int32_t partitions = 0;
    SteadyTime until{};
  };

  void Poll(const std::stop_token& stop);
  void HurryProducerId();
  static void OnDelivered(rd_kafka_t* handle, const rd_kafka_message_t* message, void* self);
  std::pair<rd_kafka_topic_t*, int32_t> TopicFor(const std::string& topic);
  /// False: it was refused, and delivery says why.
  bool Enqueue(const Record& record, Recipient& recipient);

  Admin& admin_;
  Client client_;
  std::atomic<uint32_t> turn_{0};
  std::mutex mutex_;
  std::map<std::string, Known> known_;
  std::jthread thread_;
};

class Producer::Delivery {
 public:
  Delivery() = default;
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;
  ~Delivery() { Wait(); }

 private:
  friend class Producer;
  void Failed(rd_kafka_resp_err_t error, const std::string& topic);
  void Acknowledged();
  void Wait();

  std::mutex mutex_;
  std::condition_variable done_;
  std::atomic<size_t> open_ = 0;
  rd_kafka_resp_err_t error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string topic_;
  Recipient plain_{this, nullptr};
  std::vector<Recipient> reported_;  // one a record, where reports are asked for
};

/// Where Kafka's default partitioner puts a key: murmur2, made positive, modulo the number of partitions.
int32_t PartitionOfKey(std::string_view key, int32_t partitions);

}  // namespace millrace::stream
