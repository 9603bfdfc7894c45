#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/byte_budget.h"
#include "event/append_ahead.h"
#include "event/stream.h"
#include "stream/kafka/kafka_options.h"

namespace millrace::stream {

class Admin;
class FactLog;
class Producer;

/// The topics of a Kafka cluster, or of whatever speaks its protocol. A topic's id is the one Kafka gives it. Readers
/// are consumer groups; a subscription that begins with '^' is a pattern of topic names.
///
/// Appends are idempotent with acks=all; those that carry a producer's position or an idempotency key are transactions
/// that write it to a topic of its own (`<group_prefix>positions`, `<group_prefix>idempotency`). Retention is the
/// brokers' affair. Thread-safe; outlives its readers.
class KafkaStream final : public event::Stream, public event::AppendsAhead {
 public:
  /// Error kUnavailable when no broker answers, kConfig when they refuse. `budget` may be null; else it outlives the
  /// stream, and readers charge it with what waits to be read.
  KafkaStream(KafkaOptions options, ByteBudget* budget);
  ~KafkaStream() override;

  std::string ClusterId() override;
  event::TopicInfo EnsureTopic(const event::TopicSpec& spec) override;
  void DeleteTopic(const std::string& topic) override;
  std::vector<event::TopicInfo> ListTopics() override;
  std::optional<event::TopicInfo> FindTopic(const std::string& topic) override;
  std::vector<event::TopicInfo> MatchTopics(const std::string& subscription) override;

  event::AppendOutcome Append(const event::AppendRequest& request) override;
  std::unique_ptr<event::PendingAppend> BeginAppend(const event::AppendRequest& request) override;
  void GetReady() noexcept override;
  event::Positions ProducerPositions(const std::string& producer) override;

  event::Positions FindStart(const std::string& topic, const event::Start& start) override;
  using event::Stream::OpenReader;
  std::unique_ptr<event::Source> OpenReader(const std::string& topic, const event::ReaderOptions& options) override;
  std::vector<event::ReaderInfo> ListReaders() override;

  int64_t EnforceRetention(Timestamp) override { return 0; }

 private:
  std::vector<event::TopicInfo> Infos(const std::vector<std::string>& names);
  std::string PositionsTopic() const { return options_.group_prefix + "positions"; }
  Producer& PlainProducer();
  FactLog& FactsOf(const std::string& topic, const std::string& owner);
  event::AppendOutcome AppendPlainly(const event::AppendRequest& request);
  event::AppendOutcome AppendOnce(const event::AppendRequest& request);
  event::AppendOutcome AppendWithPosition(const event::AppendRequest& request);

  const KafkaOptions options_;
  ByteBudget* const budget_;
  std::shared_ptr<Admin> admin_;
  std::mutex mutex_;
  std::unique_ptr<Producer> producer_;
  std::map<std::string, std::unique_ptr<FactLog>> facts_;  // by owner
};

}  // namespace millrace::stream
