#pragma once

#include <cstdint>
#include <vector>

#include "event/event_batch.h"

namespace millrace::land {

/// Records gathered from batches until they are decoded together. Where one block ends and the next begins is a
/// function of the records alone.
class RecordBlock {
 public:
  /// A block is full with `records_max` records, or with 8 MiB of them.
  explicit RecordBlock(int64_t records_max) : records_max_(records_max) {}

  void Append(const event::EventBatch& events, size_t record);
  bool empty() const { return batch_.records.empty(); }
  bool full() const;
  int64_t held_bytes() const { return static_cast<int64_t>(bytes_.size() + key_bytes_.size() + header_bytes_.size()); }

  /// The records as a batch of their own, each with its times, and with no position. It may be called again.
  event::EventBatchPtr Batch() const;
  /// When each record arrived, which may be of several batches.
  const std::vector<Timestamp>& arrivals() const { return arrivals_; }

 private:
  int64_t records_max_;
  event::EventBatch batch_;  // without its payloads
  std::string bytes_;
  std::string key_bytes_;
  std::string header_bytes_;
  std::vector<Timestamp> arrivals_;
};

}  // namespace millrace::land
