#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/standstill.h"
#include "event/sink.h"
#include "event/source.h"

namespace millrace::app {

enum class FeedState {
  kStarting,  // it reads what has landed
  kRunning,
  kDrained,  // it came to its end
  kStopped,  // a stop was asked for
  kFailed,
};
std::string_view ToString(FeedState state);

/// What a table's feed says of itself.
struct TableStatus {
  FeedState state = FeedState::kStarting;
  std::string error;         // of kFailed
  event::SinkCounts counts;  // of what was read, landed or not
  event::SinkCounts landed;  // of what commits covered
  event::Lag lag;            // of the reader: what was not read
  event::Wait wait;
  bool waits_for_turn = false;               // to read: it is behind, and others are being read
  uint64_t pending = 0;                      // records that were read and are not visible
  double read_per_second = 0;                // over the last seconds
  std::optional<double> unread_falls_by;     // records a second; negative: it grows; nullopt: not known yet
  std::optional<Timestamp> newest_read;      // when the newest event that was read had come in
  std::optional<Timestamp> newest_visible;   // the same of what is visible
  std::optional<Timestamp> oldest_unlanded;  // when the oldest event that is not visible came in
  struct LastCommit {
    Timestamp at{};
    double seconds = 0;
    event::SinkCounts landed;
  };
  std::optional<LastCommit> last_commit;
  std::vector<Standing> standing;      // partitions with something to land
  std::map<int32_t, int64_t> read_to;  // partition of its topic -> the offset after the last record that was read
  SteadyTime published{};              // when counts and lag were looked at
};

/// Keeps the books of one table's feed and emits its events. Told by the feed's thread, asked by any.
class FeedAccount {
 public:
  /// `topic` is empty where the table takes from a source itself.
  FeedAccount(std::string table, std::string topic, const Clock& clock = Clock::System());

  void Turned(FeedState state, std::string error = {});
  void Read(const event::EventBatch& events);
  /// `counts` are the sink's, at a moment when nothing is buffered in it.
  void Committed(const event::SinkCounts& counts, double seconds);
  /// Another writer was faster: what was read and is not visible is forgotten.
  void Overtaken(const event::SinkCounts& counts, double seconds);
  /// True about twice a second: then Publish, whose lag may cost a query.
  bool PublishDue() const;
  void Publish(event::SinkCounts counts, event::Lag lag);

  TableStatus status() const;

 private:
  struct Sample {
    SteadyTime at;
    uint64_t read = 0;
    int64_t unread = 0;
  };
  event::SinkCounts TakeLanded(const event::SinkCounts& counts);
  void Measure(SteadyTime now);

  const std::string table_;
  const std::string topic_;
  const Clock& clock_;
  std::optional<SteadyTime> published_;  // of the feed's thread

  mutable std::mutex mutex_;
  TableStatus status_;
  uint64_t read_ = 0;
  std::optional<Timestamp> oldest_pending_;
  std::deque<Sample> samples_;
  Standstill standstill_;
};

/// Bytes from the first to the last record of a batch.
uint64_t RecordBytes(const event::EventBatch& events);

}  // namespace millrace::app
