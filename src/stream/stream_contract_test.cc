#include "contract/stream_contract.h"

#include <librdkafka/rdkafka.h>

#include "judge/python.h"
#include "services/kafka_broker.h"
#include "services/kinesis_server.h"
#include "stream/embedded/embedded_stream.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/kafka_stream.h"
#include "stream/kafka/partition_list.h"
#include "stream/kinesis/kinesis_stream.h"

namespace millrace::stream {
namespace {

class EmbeddedUnderTest final : public contract::StreamUnderTest {
 public:
  EmbeddedUnderTest() { Reopen(); }
  event::Stream& stream() override { return *stream_; }
  void Reopen() override {
    stream_.reset();
    stream_ = std::make_unique<EmbeddedStream>(EmbeddedStreamOptions{.path = dir_.path() / "stream.db"});
  }
  void DropAll(const std::string& topic) override {
    auto spec = stream_->FindTopic(topic)->spec;
    spec.retention_age = std::chrono::seconds(1);
    stream_->EnsureTopic(spec);
    stream_->EnforceRetention(Clock::System().Now() + std::chrono::hours(1));
    spec.retention_age.reset();
    stream_->EnsureTopic(spec);
  }

 private:
  judge::Folder dir_;
  std::unique_ptr<EmbeddedStream> stream_;
};

void DeleteTopics(const KafkaOptions& options) {
  Admin admin(options);
  for (const auto& name : admin.TopicNames()) {
    if (!name.starts_with("test")) admin.Delete(name);
  }
}

/// What retention does, at once.
void DeleteRecords(const KafkaOptions& options, const std::string& topic) {
  Admin admin(options);
  const auto described = admin.Describe({topic});
  ASSERT_EQ(described.size(), 1U);
  const auto list = NewPartitionList();
  for (int32_t partition = 0; partition < described.front().partitions; ++partition)
    Add(list, {topic, partition}, RD_KAFKA_OFFSET_END);
  rd_kafka_DeleteRecords_t* records = rd_kafka_DeleteRecords_new(list.get());
  rd_kafka_queue_t* queue = rd_kafka_queue_new(admin.client().handle());
  rd_kafka_DeleteRecords(admin.client().handle(), &records, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 10'000);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_DeleteRecords_destroy(records);
}

class KafkaUnderTest final : public contract::StreamUnderTest {
 public:
  KafkaUnderTest() : options_(services::KafkaBroker::NewOptions()) {
    DeleteTopics(options_);
    Reopen();
  }
  event::Stream& stream() override { return *stream_; }
  void Reopen() override {
    stream_.reset();
    stream_ = std::make_unique<KafkaStream>(options_, nullptr);
  }
  void DropAll(const std::string& topic) override { DeleteRecords(options_, topic); }

 private:
  KafkaOptions options_;
  std::unique_ptr<KafkaStream> stream_;
};

class KinesisUnderTest final : public contract::StreamUnderTest {
 public:
  KinesisUnderTest() {
    Reopen();
    for (const auto& topic : stream_->ListTopics()) stream_->DeleteTopic(topic.spec.name);
  }
  event::Stream& stream() override { return *stream_; }
  void Reopen() override {
    stream_.reset();
    stream_ = std::make_unique<KinesisStream>(services::KinesisAtServer(dir_.path() / "kinesis.db"));
  }
  void DropAll(const std::string&) override { FAIL() << "only time does: tests/e2e/test_kinesis.py lets it pass"; }

 private:
  judge::Folder dir_;
  std::unique_ptr<KinesisStream> stream_;
};

}  // namespace
}  // namespace millrace::stream

namespace millrace::contract {

INSTANTIATE_TEST_SUITE_P(
    Streams, StreamContract,
    testing::Values(StreamKind{.name = "embedded",
                               .make = [] { return std::make_unique<stream::EmbeddedUnderTest>(); },
                               .keeps_headers = true},
                    StreamKind{"kafka", [] { return std::make_unique<stream::KafkaUnderTest>(); }, false, true, true},
                    StreamKind{.name = "kinesis",
                               .make = [] { return std::make_unique<stream::KinesisUnderTest>(); },
                               .keeps_arrivals = false,
                               .finds_offsets = false,
                               .keeps_keys_and_times = false,
                               .knows_idempotency_keys = false,
                               .between_incarnations = std::chrono::milliseconds(1100),
                               .lacks = services::KinesisLacks()}),
    [](const auto& kind) { return kind.param.name; });

}  // namespace millrace::contract
