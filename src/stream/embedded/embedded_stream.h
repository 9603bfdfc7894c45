#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "event/held_readers.h"
#include "event/stream.h"

namespace millrace::io {
class Connection;
}

namespace millrace::stream {

using io::Connection;
class GroupCommit;
class SegmentFolder;

struct EmbeddedStreamOptions {
  std::filesystem::path path;  // stream.db; its folder exists
  /// Appends above these are refused with Error kData.
  size_t record_bytes_max = size_t{128} << 20;
  size_t batch_bytes_max = size_t{256} << 20;
  /// Appends that wait for the disk hold at most this much; more callers wait.
  size_t queue_bytes_max = size_t{32} << 20;
  /// An idempotency key is remembered for this long, and at most this many of all topics together.
  std::chrono::hours idempotency_age{24};
  int64_t idempotency_keys_max = 1'000'000;
  /// When the write-ahead log holds this much it is moved into the main file.
  int64_t checkpoint_bytes = int64_t{32} << 20;
  /// A segment of the journal that holds this much is followed by the next.
  int64_t segment_bytes = int64_t{64} << 20;
  /// SQLite's name of the file system to use; empty: the operating system's.
  std::string vfs{};
};

/// The stream that needs no server: one SQLite file, and beside it a journal of segments that holds the payloads and
/// makes appends durable; concurrent appends share one transaction and one fsync. Several processes may open one file;
/// each has its own.
/// Thread-safe; outlives its readers. A disk that fails to take a commit ends the process: see GroupCommit.
/// ingested_at is kept to a tenth of a second, so that appends of one moment can be read as one batch.
class EmbeddedStream final : public event::Stream, public event::HoldsForReaders {
 public:
  explicit EmbeddedStream(EmbeddedStreamOptions options, const Clock& clock = Clock::System());
  ~EmbeddedStream() override;

  event::TopicInfo EnsureTopic(const event::TopicSpec& spec) override;
  void DeleteTopic(const std::string& topic) override;
  std::vector<event::TopicInfo> ListTopics() override;
  std::optional<event::TopicInfo> FindTopic(const std::string& topic) override;

  event::AppendOutcome Append(const event::AppendRequest& request) override;
  event::Positions ProducerPositions(const std::string& producer) override;

  event::Positions FindStart(const std::string& topic, const event::Start& start) override;
  using event::Stream::OpenReader;
  std::unique_ptr<event::Source> OpenReader(const std::string& topic, const event::ReaderOptions& options) override;
  std::vector<event::ReaderInfo> ListReaders() override;
  void ForgetReader(const std::string& reader, const std::string& topic) override;

  int64_t EnforceRetention(Timestamp now) override;

 private:
  struct Incarnation {
    std::string id;
    int32_t partitions = 0;
  };
  /// Error kConfig when there is no such topic.
  std::shared_ptr<const Incarnation> FindIncarnation(const std::string& topic, bool fresh);
  void CheckLimits(const event::AppendRequest& request) const;
  Timestamp ArrivalOf(const event::EventBatch& events) const;
  int64_t TrimAll(Timestamp now);
  void CleanSegments();

  const EmbeddedStreamOptions options_;
  const Clock& clock_;
  std::unique_ptr<Connection> look_;  // guarded by mutex_; first, so that a file that is no stream gets no folder
  const std::unique_ptr<const SegmentFolder> segments_;
  std::unique_ptr<GroupCommit> writer_;

  std::mutex mutex_;  // guards what follows
  std::map<std::string, std::shared_ptr<const Incarnation>> incarnations_;
  Random random_;
  std::atomic<uint32_t> next_keyless_{0};
};

}  // namespace millrace::stream
