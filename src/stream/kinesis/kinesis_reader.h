#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "event/stream.h"
#include "stream/kinesis/kinesis_client.h"
#include "stream/kinesis/kinesis_options.h"
#include "stream/kinesis/shard_reader.h"

namespace millrace::stream {

struct KinesisReaderIdentity {
  std::string topic;
  std::string stream;  // as Kinesis calls it
  std::string topic_id;
  event::ReaderOptions options;
};

/// Reads all shards of one incarnation of a stream, each when those it was made from were handed out to their ends, so
/// that the records of a key keep their order through splits and merges. Shards are not shared out: every reader of a
/// name reads all of them, and whoever commits first wins. It acknowledges nothing, as Kinesis keeps no positions.
class KinesisReader final : public event::Source {
 public:
  KinesisReader(const KinesisOptions& options, std::shared_ptr<KinesisClient> client, KinesisReaderIdentity identity,
                const Clock& clock);

  std::string_view name() const override { return identity_.topic; }
  void Seek(const event::Positions& positions) override;
  event::ReadResult Read(const event::ReadLimits& limits, std::stop_token stop) override;
  void Acknowledge(const event::Positions&) override {}
  /// Whether the stream is still the one it was.
  bool ConfirmRead(std::stop_token stop) override;
  event::Lag lag() override;
  std::string WaitsFor() override;

 private:
  bool IsReady(const ShardReader& shard) const;
  std::vector<ShardReader*> DueShards();
  void Open(const Shard& shard);
  bool IsTheSame();
  void Refresh();
  void OpenVanished();
  void RefreshIfDue();
  event::EventBatchPtr Step(size_t bytes_max, const std::stop_token& stop);
  void FetchDue();
  bool AllEmptySince(SteadyTime when) const;
  SteadyTime NextDue() const;
  void SayTrouble(std::string trouble);
  Error Replaced() const;

  const KinesisOptions options_;
  const std::shared_ptr<KinesisClient> client_;
  const KinesisReaderIdentity identity_;
  const Clock& clock_;
  ShardReading reading_;
  event::Positions positions_;
  std::map<int32_t, ShardReader> shards_;  // by number
  int32_t turn_ = -1;                      // the shard that was handed out of last
  std::optional<SteadyTime> refreshed_;
  mutable std::mutex mutex_;
  std::string trouble_;  // for others
};

}  // namespace millrace::stream
