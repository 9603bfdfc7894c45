#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "event/source.h"

namespace millrace::land {

/// Records [begin, end) of a partition, by offset.
struct OffsetRange {
  int64_t begin = 0;
  int64_t end = 0;
  friend bool operator==(const OffsetRange&, const OffsetRange&) = default;
};
using OffsetRanges = std::map<event::SplitId, OffsetRange>;

struct RangeSourceOptions {
  OffsetRanges ranges;
  /// Of every partition of the stream, where it ends: whatever is not read stands there, out of the way.
  event::Positions ends;
  /// Given: records for which it says no are passed over.
  std::function<bool(const event::EventBatch& events, size_t record)> wanted = nullptr;
};

/// A stretch of each partition of a stream as a source that ends: first all of one partition, then the next one. It
/// begins and ends exactly where the ranges do, however the reader cuts its batches. The first batch of a split begins
/// at kStart, for nothing of the range has landed. Owns the reader; one thread drives it.
class RangeSource final : public event::Source {
 public:
  RangeSource(std::unique_ptr<event::Source> reader, RangeSourceOptions options);

  std::string_view name() const override { return reader_->name(); }
  /// After what has landed of each range; a split that is absent begins at its range's begin.
  void Seek(const event::Positions& positions) override;
  event::ReadResult Read(const event::ReadLimits& limits, std::stop_token stop) override;
  void Acknowledge(const event::Positions&) override {}
  event::Lag lag() override;

 private:
  struct Stretch {
    event::SplitId split;
    OffsetRange range;
    event::Cursor at;  // as the batches that are handed out say it
    int64_t next = 0;  // the offset that comes next
    bool done() const { return next >= range.end; }
  };
  Stretch* Current();
  void SeekReader(const Stretch& stretch);
  event::EventBatchPtr CutOf(const event::EventBatch& events, Stretch& stretch) const;
  event::EventBatchPtr NothingMoreOf(Stretch& stretch) const;

  std::unique_ptr<event::Source> reader_;
  const RangeSourceOptions options_;
  std::vector<Stretch> stretches_;
  const Stretch* reading_ = nullptr;
  int idle_reads_ = 0;
};

}  // namespace millrace::land
