#include "stream/kafka/poll_thread.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "stream/kafka/kafka_error.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

/// How long a fetch that finds nothing waits; the group and the driver are served this often at least.
constexpr milliseconds kTakeWait{50};
/// While batches wait for the driver, fetches are left to grow.
constexpr milliseconds kGather{5};
constexpr int64_t kRoomBytes = int64_t{4} << 20;

/// What takes the reading of a partition to an end that no waiting mends.
bool IsGap(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
         error == RD_KAFKA_RESP_ERR__LOG_TRUNCATION || error == RD_KAFKA_RESP_ERR__NO_OFFSET;
}

bool IsMissing(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

/// [first, end) is gone; `ahead`: what was read stands behind the end of the log.
std::string Told(const TopicPartition& place, const event::Gap& gap, bool ahead) {
  const auto where = fmt::format("topic {} partition {}", place.topic, place.partition);
  if (ahead) {
    return fmt::format(
        "{}: what was read stands at offset {} and the topic ends at {}: records [{}, {}) are gone, lost by the "
        "brokers "
        "or with an older copy of the topic",
        where, gap.end_offset, gap.first_offset, gap.first_offset, gap.end_offset);
  }
  return fmt::format("{}: records [{}, {}) are gone: retention dropped them before they were read", where,
                     gap.first_offset, gap.end_offset);
}

}  // namespace

void PollThread::PlaceDue() {
  if (leave_by_) return;  // the library would take it for the answer to what the group asks
  std::map<TopicPartition, SplitLedger::Placement> due;
  {
    const std::lock_guard lock(shared_.mutex);
    due = shared_.ledger.Due();
  }
  if (due.empty()) return;
  std::map<TopicPartition, int64_t> offsets;
  for (const auto& [place, placement] : due) offsets[place] = placement.offset;
  consumer_->Place(offsets);
  const std::lock_guard lock(shared_.mutex);
  shared_.ledger.Placed(due);
}

bool PollThread::HasRoom() {
  std::unique_lock lock(shared_.mutex);
  const auto queued = shared_.ledger.queued_bytes();
  if (queued >= options_.reader_bytes / 2) {
    shared_.room.wait_for(lock, kTakeWait);
    return false;
  }
  if (queued > 0) shared_.room.wait_for(lock, kGather);
  return true;
}

void PollThread::Fetch() {
  if (!HasRoom()) return;
  auto room = budget_ != nullptr ? budget_->TryReserve(kRoomBytes) : Reservation();
  if (!room) {
    std::unique_lock lock(shared_.mutex);
    shared_.room.wait_for(lock, kTakeWait);
    return;
  }
  // However well the brokers' batches were compressed, what is copied at once is about the room that was reserved.
  const auto wanted = std::clamp<int64_t>(kRoomBytes / record_bytes_, 64, std::ssize(messages_));
  const size_t count = consumer_->Take(messages_.data(), static_cast<size_t>(wanted), kTakeWait);
  if (count == 0) return;
  auto fetched = builder_.Build(messages_.data(), count, [this](const TopicPartition& place) {
    const std::lock_guard lock(shared_.mutex);
    return shared_.ledger.Wanted(place);
  });
  room.reset();
  record_bytes_ = std::max<int64_t>(fetched.bytes / static_cast<int64_t>(count), 1);
  Take(std::move(fetched));
}

void PollThread::Take(Fetched fetched) {
  errors_ = std::move(fetched.errors);
  if (!fetched.runs.empty()) consumer_->client().Answered();
  {
    const std::lock_guard lock(shared_.mutex);
    for (auto& run : fetched.runs) {
      const auto bytes = run.batch->bytes();
      shared_.ledger.Push(std::move(run), budget_ != nullptr ? budget_->Force(bytes) : Reservation());
    }
  }
  shared_.ready.notify_one();
}

void PollThread::Handle(const FetchError& error) {
  if (error.error == RD_KAFKA_RESP_ERR__PARTITION_EOF) return;
  if (IsGap(error.error)) return LookAtGap(error.place);
  if (IsMissing(error.error)) {
    refresh_at_ = std::min(refresh_at_, Now() + kRetry);
    return;
  }
  if (CodeOf(error.error) == ErrorCode::kUnavailable) {
    LogDebug("topic {} partition {}: {}", error.place.topic, error.place.partition, error.text);
    return;
  }
  const auto what = fmt::format("topic {} partition {}", error.place.topic, error.place.partition);
  const auto told = KafkaError(error.error, what, error.text);
  // The library would go on behind records it cannot read.
  throw told.code() == ErrorCode::kConfig
      ? told
      : Error(ErrorCode::kStop, fmt::format("{}; `millrace offsets set` goes on behind them", told.message()));
}

void PollThread::LookAtGap(const TopicPartition& place) {
  const bool looked = Attempt([&] {
    Name(admin_->Describe({place.topic}, {}, patience_));
    const auto first = admin_->Earliest({place}, patience_);
    const auto end = admin_->Ends({place}, patience_);
    if (!first.contains(place) || !end.contains(place)) return;
    std::unique_lock lock(shared_.mutex);
    const auto at = shared_.ledger.StuckAt(place);
    const bool ahead = at && *at > end.at(place);
    if (!at || (*at >= first.at(place) && !ahead)) return shared_.ledger.FetchAgain(place);
    event::Gap gap{std::min(*at, end.at(place)), ahead ? *at : first.at(place), {}};
    gap.why = Told(place, gap, ahead);
    if (!reader_.land_gaps) {
      throw Error(ErrorCode::kStop, fmt::format("{}. `millrace offsets set` goes on without them, and `on_gap: land` "
                                                "does so by itself, with a note in quarantine",
                                                gap.why));
    }
    LogWarning("{}; going on without them, with a note in quarantine", gap.why);
    const int64_t next = ahead ? gap.first_offset : gap.end_offset;
    shared_.ledger.PushGap(place, std::move(gap), next, Clock::System().Now());
    lock.unlock();
    shared_.ready.notify_one();
  });
  // Nothing more comes of the partition until it is fetched anew, so the look is taken again.
  if (!looked) errors_.push_back({place, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, {}});
}

}  // namespace millrace::stream
