#include "app/feed_account.h"

#include <algorithm>
#include <utility>

#include "app/feed_events.h"

namespace millrace::app {
namespace {

constexpr auto kPublishEvery = std::chrono::milliseconds(500);
constexpr auto kMeasureEvery = std::chrono::milliseconds(900);
/// Rates are over this many measurements.
constexpr size_t kSamples = 10;

/// What `now` counts beyond `before`.
event::SinkCounts Beyond(const event::SinkCounts& now, const event::SinkCounts& before) {
  event::SinkCounts more;
  more.records = now.records - before.records;
  more.rows = now.rows - before.rows;
  more.deletes = now.deletes - before.deletes;
  more.duplicates = now.duplicates - before.duplicates;
  more.blank = now.blank - before.blank;
  more.rescued_values = now.rescued_values - before.rescued_values;
  more.commits = now.commits - before.commits;
  more.files = now.files - before.files;
  more.bytes = now.bytes - before.bytes;
  for (const auto& [cause, count] : now.rejected) {
    const auto known = before.rejected.find(cause);
    const auto added = count - (known == before.rejected.end() ? 0 : known->second);
    if (added > 0) more.rejected[cause] = added;
  }
  return more;
}

}  // namespace

std::string_view ToString(FeedState state) {
  switch (state) {
    case FeedState::kStarting:
      return "starting";
    case FeedState::kRunning:
      return "running";
    case FeedState::kDrained:
      return "drained";
    case FeedState::kStopped:
      return "stopped";
    case FeedState::kFailed:
      return "failed";
  }
  return "failed";
}

uint64_t RecordBytes(const event::EventBatch& events) {
  if (events.records.empty()) return 0;
  const auto& last = events.records.back();
  return uint64_t{last.begin} + last.size - events.records.front().begin;
}

FeedAccount::FeedAccount(std::string table, std::string topic, const Clock& clock)
    : table_(std::move(table)), topic_(std::move(topic)), clock_(clock) {}

void FeedAccount::Turned(FeedState state, std::string error) {
  if (state == FeedState::kStarting) TableFeedStarted{.table = table_}.Emit();
  const std::lock_guard lock(mutex_);
  status_.state = state;
  status_.error = std::move(error);
}

void FeedAccount::Read(const event::EventBatch& events) {
  TableRead{.table = table_, .topic = topic_, .events = events.size(), .bytes = RecordBytes(events)}.Emit();
  const std::lock_guard lock(mutex_);
  read_ += events.size();
  status_.pending += events.size();
  if (events.size() > 0) standstill_.Read(topic_.empty() ? Standstill::kWhole : events.partition, clock_.Steady());
  if (!topic_.empty() && events.size() > 0) status_.read_to[events.partition] = events.offset(events.size() - 1) + 1;
  status_.newest_read = std::max(status_.newest_read.value_or(events.ingested_at), events.ingested_at);
  oldest_pending_ = std::min(oldest_pending_.value_or(events.ingested_at), events.ingested_at);
}

event::SinkCounts FeedAccount::TakeLanded(const event::SinkCounts& counts) {
  auto landed = Beyond(counts, status_.landed);
  status_.landed = counts;
  status_.pending = 0;
  oldest_pending_.reset();
  standstill_.Landed(clock_.Steady());
  return landed;
}

void FeedAccount::Committed(const event::SinkCounts& counts, double seconds) {
  event::SinkCounts landed;
  {
    const std::lock_guard lock(mutex_);
    landed = TakeLanded(counts);
    status_.newest_visible = status_.newest_read;
    status_.last_commit = {.at = clock_.Now(), .seconds = seconds, .landed = landed};
  }
  TableCommitted{.table = table_, .conflict = false, .landed = landed, .seconds = seconds}.Emit();
}

void FeedAccount::Overtaken(const event::SinkCounts& counts, double seconds) {
  event::SinkCounts landed;
  {
    const std::lock_guard lock(mutex_);
    landed = TakeLanded(counts);
  }
  TableCommitted{.table = table_, .conflict = true, .landed = landed, .seconds = seconds}.Emit();
}

bool FeedAccount::PublishDue() const { return !published_ || clock_.Steady() - *published_ >= kPublishEvery; }

void FeedAccount::Publish(event::SinkCounts counts, event::Lag lag) {
  published_ = clock_.Steady();
  const std::lock_guard lock(mutex_);
  status_.counts = std::move(counts);
  status_.lag = std::move(lag);
  status_.published = *published_;
  standstill_.Look(status_.lag, *published_);
  Measure(*published_);
}

void FeedAccount::Measure(SteadyTime now) {
  if (!samples_.empty() && now - samples_.back().at < kMeasureEvery) return;
  samples_.push_back({.at = now, .read = read_, .unread = status_.lag.records});
  if (samples_.size() > kSamples) samples_.pop_front();
  if (samples_.size() < 2) return;
  const auto& first = samples_.front();
  const double seconds = std::chrono::duration<double>(now - first.at).count();
  status_.read_per_second = static_cast<double>(read_ - first.read) / seconds;
  const bool known = first.unread >= 0 && status_.lag.records >= 0;
  status_.unread_falls_by = std::nullopt;
  if (known) status_.unread_falls_by = static_cast<double>(first.unread - status_.lag.records) / seconds;
}

TableStatus FeedAccount::status() const {
  const std::lock_guard lock(mutex_);
  auto status = status_;
  status.oldest_unlanded = oldest_pending_;
  status.standing = standstill_.standing();
  if (status.lag.oldest) {
    status.oldest_unlanded = std::min(status.oldest_unlanded.value_or(*status.lag.oldest), *status.lag.oldest);
  }
  return status;
}

}  // namespace millrace::app
