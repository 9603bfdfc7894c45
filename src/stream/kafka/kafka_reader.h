#pragma once

#include <memory>
#include <string>

#include "base/byte_budget.h"
#include "event/source.h"
#include "event/stream.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/kafka_options.h"
#include "stream/kafka/reader_shared.h"

namespace millrace::stream {

class PollThread;

/// Reads a topic, or the topics that match a pattern, of a Kafka cluster. A thread of its own serves the consumer group
/// and fetches into a bounded queue whatever the driver does, so that membership is kept while a sink is stalled for
/// hours. A named reader shares the partitions with every other reader of its name in the cluster; an anonymous one
/// reads all of them. Where a partition is read from is what Seek says, never an offset that a broker keeps.
class KafkaReader final : public event::Source {
 public:
  /// `budget` may be null; else it outlives the reader and is charged with what waits to be read.
  KafkaReader(const KafkaOptions& options, std::shared_ptr<Admin> admin, ByteBudget* budget, std::string subscription,
              event::ReaderOptions reader);
  ~KafkaReader() override;

  std::string_view name() const override { return subscription_; }
  void Seek(const event::Positions& positions) override;
  event::ReadResult Read(const event::ReadLimits& limits, std::stop_token stop) override;
  void Acknowledge(const event::Positions& positions) override;
  bool ConfirmRead(std::stop_token stop) override;
  event::Lag lag() override;
  std::string WaitsFor() override;

 private:
  const std::string subscription_;
  const event::ReaderOptions options_;
  ReaderShared shared_;
  event::Lag lag_;
  SteadyTime lag_at_{};
  std::unique_ptr<PollThread> thread_;
};

}  // namespace millrace::stream
