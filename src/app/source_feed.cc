#include "app/source_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "app/feed_events.h"
#include "app/limited_stop.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "io/outage_patience.h"

namespace millrace::app {
namespace {

constexpr int kFencedMax = 10;

/// A record of a key that holds nothing deletes: a tombstone, where the stream knows them.
std::vector<event::RecordDetail> DetailsOf(const event::EventBatch& batch) {
  if (batch.keys.empty() || std::ranges::all_of(batch.records, [](const auto& record) { return record.size > 0; })) {
    return {};
  }
  std::vector<event::RecordDetail> details(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    details[i].null_value = batch.records[i].size == 0 && !batch.key(i).empty();
  }
  return details;
}

}  // namespace

SourceFeed::SourceFeed(std::unique_ptr<event::Source> source, event::Stream& stream, ByteBudget& budget,
                       Options options)
    : source_(std::move(source)), stream_(stream), budget_(budget), options_(std::move(options)) {}

void SourceFeed::Run(std::stop_token stop) {
  const io::OutagePatience stoppable(stop, {});
  try {
    WithContext(fmt::format("source {}", source_->name()), [&] { RunToEnd(stop); });
    state_ = done_ ? FeedState::kDrained : FeedState::kStopped;
  } catch (...) {
    state_ = FeedState::kFailed;
    throw;
  }
}

void SourceFeed::RunToEnd(const std::stop_token& stop) {
  SeekToStored();
  state_ = FeedState::kRunning;
  // A read may wait for an answer far longer than there is time.
  const LimitedStop limited(stop, options_.time);
  while (!limited.token().stop_requested()) {
    const auto read = source_->Read({.bytes_max = options_.read_bytes}, limited.token());
    if (read.state == event::ReadState::kBatch) {
      paused_ = true;
      const auto held = budget_.Reserve(read.batch->bytes(), stop);
      paused_ = false;
      Append(read.batch);
    } else if (read.state == event::ReadState::kExhausted ||
               (read.state == event::ReadState::kIdle && Drains() && !stop.stop_requested())) {
      done_ = true;
      return;
    }
  }
  done_ = limited.expired() && !stop.stop_requested();
}

void SourceFeed::SeekToStored() { source_->Seek(stream_.ProducerPositions(options_.producer)); }

void SourceFeed::Append(const event::EventBatchPtr& batch) {
  const auto outcome =
      stream_.Append({.topic = options_.topic,
                      .events = batch,
                      .position = event::ProducerPosition{options_.producer, batch->split, batch->begin, batch->end},
                      .idempotency_key = {},
                      .details = DetailsOf(*batch)});
  if (outcome == event::AppendOutcome::kFenced) {
    if (++fenced_in_a_row_ > kFencedMax) {
      throw Error(ErrorCode::kStop,
                  "something else keeps feeding this source into the same stream; stop it, then run again");
    }
    LogWarning("source {}: its stored position was moved; going on from there", source_->name());
    SeekToStored();
    return;
  }
  fenced_in_a_row_ = 0;
  events_ += batch->size();
  SourceAppended{
      .source = source_->name(), .topic = options_.topic, .events = batch->size(), .bytes = RecordBytes(*batch)}
      .Emit();
  FaultPoint("app.source_ack");
  source_->Acknowledge({{batch->split, batch->end}});
}

}  // namespace millrace::app
