#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "event/source.h"
#include "event/stream.h"
#include "stream/embedded/batch_format.h"
#include "stream/embedded/group_commit.h"
#include "stream/embedded/sqlite.h"

namespace millrace::stream {

struct ReaderIdentity {
  std::string topic;
  std::string topic_id;
  event::ReaderOptions options;
};

/// Reads the partitions of one incarnation of a topic in turn. Rows that came in one moment are joined up to the limit,
/// larger ones are handed out in pieces. Has its own connection, and waits for data by the commit signal of this
/// process and by looking again for that of others. Single-threaded; must not outlive the stream that made it.
class EmbeddedReader final : public event::Source {
 public:
  EmbeddedReader(std::unique_ptr<Connection> connection, const SegmentFolder& segments, GroupCommit& writer,
                 ReaderIdentity identity, const Clock& clock);

  std::string_view name() const override { return identity_.topic; }
  void Seek(const event::Positions& positions) override;
  event::ReadResult Read(const event::ReadLimits& limits, std::stop_token stop) override;
  void Acknowledge(const event::Positions& positions) override;
  event::Lag lag() override;

 private:
  struct Partition {
    int64_t id = 0;
    int32_t number = 0;
    event::SplitId split;
    int64_t first_offset = 0;  // as last seen
    int64_t next_offset = 0;   // as last seen
    int64_t position = 0;      // the next record to hand out
    bool from_start = false;   // no record was handed out since a Seek that gave no position
  };
  /// A row without its payload.
  struct Row {
    int64_t place = 0;
    BatchNumbers batch;
    uint32_t crc = 0;
  };
  /// A row of which only a part has been handed out.
  struct OpenRow {
    int64_t partition_id = 0;
    int64_t base_offset = 0;
    Timestamp ingested_at{};
    std::shared_ptr<PaddedBuffer> payload;
    BodyIndex index;
  };

  void Refresh();
  /// The batch that stands for a gap, when the reader lands gaps; null when there is none.
  event::EventBatchPtr CheckGap(Partition& partition);
  event::EventBatchPtr Over(Partition& partition, int64_t first, int64_t end, const std::string& told);
  event::EventBatchPtr Next(size_t bytes_max);
  event::EventBatchPtr NextOfSnapshot(size_t bytes_max);
  event::EventBatchPtr ReadPartition(Partition& partition, size_t bytes_max);
  std::vector<Row> PlanRows(const Partition& partition, size_t bytes_max);
  std::shared_ptr<event::EventBatch> JoinRows(std::vector<Row> rows);
  void Open(const Partition& partition, const Row& row);
  std::shared_ptr<event::EventBatch> PieceOfOpenRow(const Partition& partition, size_t bytes_max);
  /// Unpacks a row into `body` after checking it.
  BodyIndex LoadBody(const Row& row, char* body);
  std::string_view LoadPayload(const Row& row);

  std::unique_ptr<Connection> connection_;
  PayloadReader payloads_;
  GroupCommit& writer_;
  const ReaderIdentity identity_;
  const Clock& clock_;
  Statement refresh_;
  Statement plan_;
  Statement load_;
  std::vector<Partition> partitions_;
  size_t turn_ = 0;
  std::optional<OpenRow> open_;
};

}  // namespace millrace::stream
