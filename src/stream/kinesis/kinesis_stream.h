#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "event/stream.h"
#include "stream/kinesis/kinesis_client.h"
#include "stream/kinesis/kinesis_options.h"

namespace millrace::stream {

class ProducerPositions;

/// The streams of Amazon Kinesis Data Streams in one region, or of what speaks its protocol, as topics; shards are
/// partitions, by their numbers. A topic's id is the stream's ARN and when it was made.
///
/// Kinesis has neither offsets nor transactions. Offsets are ordinals that readers' cursors carry (ShardPlace); of the
/// newest nothing is known (PartitionInfo::next_offset -1). Appends are at least once: the position of a producer is
/// moved after Kinesis took the records, and idempotency keys are refused. Retention is Kinesis's affair. Thread-safe;
/// outlives its readers.
class KinesisStream final : public event::Stream {
 public:
  /// Asks nothing yet. Error kConfig when nothing says the region.
  explicit KinesisStream(KinesisOptions options, const Clock& clock = Clock::System());
  ~KinesisStream() override;

  /// Returns when the stream is active.
  event::TopicInfo EnsureTopic(const event::TopicSpec& spec) override;
  /// Returns when it is gone.
  void DeleteTopic(const std::string& topic) override;
  std::vector<event::TopicInfo> ListTopics() override;
  std::optional<event::TopicInfo> FindTopic(const std::string& topic) override;

  event::AppendOutcome Append(const event::AppendRequest& request) override;
  event::Positions ProducerPositions(const std::string& producer) override;

  /// kLatest is the time of the call. Error kConfig for kOffsets: nobody could find them.
  event::Positions FindStart(const std::string& topic, const event::Start& start) override;
  using event::Stream::OpenReader;
  std::unique_ptr<event::Source> OpenReader(const std::string& topic, const event::ReaderOptions& options) override;
  std::vector<event::ReaderInfo> ListReaders() override { return {}; }

  int64_t EnforceRetention(Timestamp) override { return 0; }

 private:
  struct OpenShards {
    std::vector<Shard> shards;
    SteadyTime at{};
  };

  std::string NameOf(const std::string& topic) const { return options_.prefix + topic; }
  std::optional<DescribedStream> Look(const std::string& topic);
  void Await(const std::string& topic, bool there);
  OpenShards ShardsOf(const std::string& topic);
  void AppendRecords(const event::AppendRequest& request);
  stream::ProducerPositions& Positions();

  const KinesisOptions options_;
  const Clock& clock_;
  const std::shared_ptr<KinesisClient> client_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<stream::ProducerPositions> positions_;
  std::map<std::string, OpenShards> open_shards_;
  std::atomic<size_t> turn_{0};
};

}  // namespace millrace::stream
