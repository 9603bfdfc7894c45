#include "stream/kinesis/kinesis_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "io/outage_patience.h"
#include "io/several_at_once.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kNap{20};
/// Between two looks when the reader is there to find the end of what there is.
constexpr milliseconds kDrainPoll{205};
/// A new shard is seen this soon after its parent ended.
constexpr milliseconds kSoon{200};

}  // namespace

KinesisReader::KinesisReader(const KinesisOptions& options, std::shared_ptr<KinesisClient> client,
                             KinesisReaderIdentity identity, const Clock& clock)
    : options_(options),
      client_(std::move(client)),
      identity_(std::move(identity)),
      clock_(clock),
      reading_{.client = *client_,
               .clock = clock_,
               .topic = identity_.topic,
               .stream = identity_.stream,
               .topic_id = identity_.topic_id,
               .land_gaps = identity_.options.land_gaps,
               .poll = identity_.options.drains ? std::min(options.poll, kDrainPoll) : options.poll,
               .answer_bytes = options.answer_bytes} {}

void KinesisReader::Seek(const event::Positions& positions) {
  positions_ = positions;
  shards_.clear();
  refreshed_.reset();
}

Error KinesisReader::Replaced() const {
  return {ErrorCode::kStop, fmt::format("the Kinesis stream {} (id {}) was deleted while it was read; if it was made "
                                        "anew, start again to read the new one from its beginning",
                                        identity_.stream, identity_.topic_id)};
}

void KinesisReader::Open(const Shard& shard) {
  const auto split = event::TopicSplit(identity_.topic_id, shard.number);
  const auto landed = positions_.find(split);
  const auto start = identity_.options.starts.find(split);
  event::Cursor cursor = landed == positions_.end() ? event::kStart : landed->second;
  const bool starts = landed == positions_.end() && start != identity_.options.starts.end();
  const auto place = PlaceAt(starts ? start->second : cursor);
  shards_.try_emplace(shard.number, reading_, shard, std::move(cursor), place);
}

bool KinesisReader::IsTheSame() {
  const auto described = client_->Describe(identity_.stream);
  return described && !described->deleting && described->id == identity_.topic_id;
}

void KinesisReader::Refresh() {
  if (!IsTheSame()) throw Replaced();
  const auto listed = client_->Shards(identity_.stream);
  for (const auto& shard : listed) {
    if (!shards_.contains(shard.number)) Open(shard);
  }
  OpenVanished();
  for (auto& [number, shard] : shards_) {
    if (!std::ranges::binary_search(listed, number, {}, &Shard::number)) shard.Vanish();
  }
  refreshed_ = clock_.Steady();
}

/// Shards that something was landed of, their end not, and that Kinesis has no more.
void KinesisReader::OpenVanished() {
  const auto first = event::TopicSplit(identity_.topic_id, 0).value();
  const auto stem = std::string_view(first).substr(0, first.size() - 1);
  for (const auto& [split, cursor] : positions_) {
    if (!split.value().starts_with(stem)) continue;
    const auto digits = std::string_view(split.value()).substr(stem.size());
    int32_t number = -1;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (number < 0 || shards_.contains(number) || PlaceAt(cursor).at == ShardPlace::At::kEnd) continue;
    Open({.id = ShardName(number), .number = number, .parents = {}, .open = false, .first_hash = {}});
  }
}

void KinesisReader::RefreshIfDue() {
  const auto now = clock_.Steady();
  auto every = options_.refresh;
  // A shard that is closed has children, which may not have been seen yet; one that has trouble may be gone.
  for (const auto& [number, shard] : shards_) {
    const bool orphan = shard.Finished() && !shard.vanished() && std::ranges::none_of(shards_, [&](const auto& other) {
                          return std::ranges::count(other.second.shard().parents, number) > 0;
                        });
    if (orphan || !shard.trouble().empty()) every = std::min(every, kSoon);
  }
  if (!refreshed_ || now - *refreshed_ >= every) Refresh();
}

bool KinesisReader::IsReady(const ShardReader& shard) const {
  return std::ranges::all_of(shard.shard().parents, [&](int32_t parent) {
    const auto found = shards_.find(parent);
    return found == shards_.end() || found->second.Finished();
  });
}

std::vector<ShardReader*> KinesisReader::DueShards() {
  std::vector<ShardReader*> due;
  const auto now = clock_.Steady();
  for (auto& [number, shard] : shards_) {
    if (shard.Due(now) && IsReady(shard)) due.push_back(&shard);
  }
  std::ranges::stable_sort(due, {}, &ShardReader::due);
  if (due.size() > size_t{kKinesisAnswersAtOnce}) due.resize(kKinesisAnswersAtOnce);
  return due;
}

void KinesisReader::FetchDue() {
  const auto due = DueShards();
  io::SeveralAtOnce(due.size(), due.size(), [&](size_t i) { due[i]->Fetch(); });
  std::string trouble;
  for (const auto& [number, shard] : shards_) {
    if (trouble.empty()) trouble = shard.trouble();
  }
  SayTrouble(std::move(trouble));
}

event::EventBatchPtr KinesisReader::Step(size_t bytes_max, const std::stop_token& stop) {
  const io::OutagePatience stoppable(stop, {}, clock_);
  try {
    RefreshIfDue();
    const auto has = [](const auto& shard) { return shard.second.HasRecords(); };
    if (std::ranges::none_of(shards_, has)) FetchDue();
    auto next = std::find_if(shards_.upper_bound(turn_), shards_.end(), has);
    if (next == shards_.end()) next = std::ranges::find_if(shards_, has);
    if (next == shards_.end()) return nullptr;
    turn_ = next->first;
    return next->second.Take(bytes_max);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    SayTrouble(error.what());
    clock_.SleepFor(kSoon, stop);
    return nullptr;
  }
}

bool KinesisReader::AllEmptySince(SteadyTime when) const {
  return refreshed_ && std::ranges::all_of(shards_, [&](const auto& each) {
           const auto& shard = each.second;
           return shard.Finished() || (shard.empty_since() && *shard.empty_since() >= when);
         });
}

SteadyTime KinesisReader::NextDue() const {
  auto next = SteadyTime::max();
  for (const auto& [number, shard] : shards_) {
    if (!shard.Finished() && IsReady(shard)) next = std::min(next, shard.due());
  }
  return next;
}

event::ReadResult KinesisReader::Read(const event::ReadLimits& limits, std::stop_token stop) {
  const auto began = clock_.Steady();
  const auto deadline = began + limits.wait;
  while (!stop.stop_requested()) {
    if (auto batch = Step(limits.bytes_max, stop)) return {event::ReadState::kBatch, std::move(batch)};
    const auto now = clock_.Steady();
    const bool idle = AllEmptySince(began);
    // Who drains wants to know: one more look at each shard is worth the wait.
    if (now >= deadline && (idle || !identity_.options.drains || !WaitsFor().empty())) {
      return {idle ? event::ReadState::kIdle : event::ReadState::kWaiting, nullptr};
    }
    const auto until = now >= deadline ? NextDue() : std::min(NextDue(), deadline);
    if (until > now) clock_.SleepFor(std::clamp<std::chrono::nanoseconds>(until - now, kNap, kSoon), stop);
  }
  return {event::ReadState::kWaiting, nullptr};
}

bool KinesisReader::ConfirmRead(std::stop_token stop) {
  const io::OutagePatience stoppable(stop, {}, clock_);
  try {
    return IsTheSame();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    SayTrouble(error.what());
    return false;
  }
}

event::Lag KinesisReader::lag() {
  event::Lag lag{.records = -1, .bytes = -1, .oldest = std::nullopt};
  milliseconds behind{0};
  bool known = !shards_.empty(), all_read = known;
  for (const auto& [number, shard] : shards_) {
    if (shard.Finished()) continue;
    if (shard.HasRecords() || !shard.empty_since()) all_read = false;
    behind = std::max(behind, shard.behind().value_or(milliseconds(0)));
  }
  if (all_read) lag.records = 0;
  if (behind.count() > 0) lag.oldest = clock_.Now() - behind;
  return lag;
}

void KinesisReader::SayTrouble(std::string trouble) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(trouble);
}

std::string KinesisReader::WaitsFor() {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace millrace::stream
