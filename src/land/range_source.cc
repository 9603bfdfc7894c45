#include "land/range_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "event/stream.h"

namespace millrace::land {
namespace {

/// Offsets at the end of a range may hold no record (markers of transactions, compaction). A reader that has nothing
/// more to give this often in a row, and says that it is behind by nothing, has passed them.
constexpr int kIdleReadsMax = 20;

}  // namespace

RangeSource::RangeSource(std::unique_ptr<event::Source> reader, RangeSourceOptions options)
    : reader_(std::move(reader)), options_(std::move(options)) {
  Seek({});
}

void RangeSource::Seek(const event::Positions& positions) {
  stretches_.clear();
  reading_ = nullptr;
  for (const auto& [split, range] : options_.ranges) {
    const auto landed = positions.find(split);
    Stretch stretch{.split = split, .range = range, .at = event::kStart, .next = range.begin};
    if (landed != positions.end()) {
      stretch.at = landed->second;
      stretch.next = event::OffsetOf(landed->second);
    }
    stretches_.push_back(std::move(stretch));
  }
}

RangeSource::Stretch* RangeSource::Current() {
  const auto found = std::ranges::find_if(stretches_, [](const Stretch& one) { return !one.done(); });
  return found == stretches_.end() ? nullptr : &*found;
}

void RangeSource::SeekReader(const Stretch& stretch) {
  event::Positions positions = options_.ends;
  positions[stretch.split] = event::OffsetCursor(stretch.next);
  reader_->Seek(positions);
  reading_ = &stretch;
  idle_reads_ = 0;
}

event::EventBatchPtr RangeSource::CutOf(const event::EventBatch& events, Stretch& stretch) const {
  std::vector<size_t> kept;
  for (size_t i = 0; i < events.size(); ++i) {
    const int64_t offset = events.offset(i);
    const bool inside = offset >= stretch.next && offset < stretch.range.end;
    if (inside && (!options_.wanted || options_.wanted(events, i))) kept.push_back(i);
  }
  auto cut = std::make_shared<event::EventBatch>(events);
  if (kept.size() < events.size()) {
    // Records that are passed over lie between the others: the payload is no stream of documents any more.
    cut->newline_joined = false;
    cut->records.clear();
    cut->keys.clear();
    cut->headers.clear();
    cut->timestamps.clear();
    cut->offsets.clear();
    for (const size_t i : kept) {
      cut->records.push_back(events.records[i]);
      cut->offsets.push_back(events.offset(i));
      if (!events.keys.empty()) cut->keys.push_back(events.keys[i]);
      if (!events.headers.empty()) cut->headers.push_back(events.headers[i]);
      if (!events.timestamps.empty()) cut->timestamps.push_back(events.timestamps[i]);
    }
  }
  stretch.next = std::min(event::OffsetOf(events.end), stretch.range.end);
  cut->begin = std::exchange(stretch.at, event::OffsetCursor(stretch.next));
  cut->end = stretch.at;
  return cut;
}

event::EventBatchPtr RangeSource::NothingMoreOf(Stretch& stretch) const {
  auto nothing = std::make_shared<event::EventBatch>();
  nothing->payload = PaddedBuffer::CopyOf("");
  nothing->split = stretch.split;
  nothing->topic = reader_->name();
  nothing->base_offset = stretch.next = stretch.range.end;
  nothing->begin = std::exchange(stretch.at, event::OffsetCursor(stretch.next));
  nothing->end = stretch.at;
  return nothing;
}

event::ReadResult RangeSource::Read(const event::ReadLimits& limits, std::stop_token stop) {
  while (!stop.stop_requested()) {
    Stretch* const stretch = Current();
    if (stretch == nullptr) return {event::ReadState::kExhausted, nullptr};
    if (reading_ != stretch) SeekReader(*stretch);
    auto read = reader_->Read(limits, stop);
    if (read.state == event::ReadState::kBatch) {
      // Others are what was appended to other partitions meanwhile.
      if (read.batch->split != stretch->split) continue;
      idle_reads_ = 0;
      return {event::ReadState::kBatch, CutOf(*read.batch, *stretch)};
    }
    if (read.state == event::ReadState::kReassigned) SeekReader(*stretch);
    if (read.state == event::ReadState::kWaiting || read.state == event::ReadState::kReassigned) continue;
    if (++idle_reads_ < kIdleReadsMax) return {};
    if (reader_->lag().records == 0) return {event::ReadState::kBatch, NothingMoreOf(*stretch)};
    throw Error(ErrorCode::kUnavailable,
                fmt::format("{}: the records from {} to {} do not come; look whether the stream is well, then run this "
                            "again: it goes on where it was",
                            stretch->split.value(), stretch->next, stretch->range.end));
  }
  return {};
}

event::Lag RangeSource::lag() {
  event::Lag lag{.records = 0, .bytes = -1, .oldest = std::nullopt};
  for (const Stretch& stretch : stretches_) lag.records += std::max<int64_t>(0, stretch.range.end - stretch.next);
  return lag;
}

}  // namespace millrace::land
