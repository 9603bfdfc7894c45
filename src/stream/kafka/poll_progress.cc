#include "stream/kafka/poll_thread.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookEvery{50};
constexpr milliseconds kEndsEvery{1000};
constexpr milliseconds kOpenPatience{3000};

}  // namespace

/// A transaction that was committed a moment ago is not seen until its markers are written; one that hangs is not
/// waited for.
bool PollThread::NothingIsOpen(const std::vector<TopicPartition>& places, const Offsets& ends) {
  if (!options_.read_committed || admin_->Ends(places, patience_) == ends) {
    open_since_.reset();
    return true;
  }
  if (!open_since_) open_since_ = Now();
  return Now() - *open_since_ > kOpenPatience;
}

/// Whether every partition has been read to its end, as the brokers see it from now on.
bool PollThread::Drained() {
  std::vector<TopicPartition> fetched;
  {
    const std::lock_guard lock(shared_.mutex);
    fetched = shared_.ledger.fetched();
    if (fetched.size() != shared_.ledger.places().size()) return false;
  }
  if (fetched.empty()) return !member() || assigned_once_;
  const auto ends = admin_->Latest(fetched, patience_);
  const auto positions = consumer_->Positions(fetched);
  std::vector<TopicPartition> untouched;
  bool drained = ends.size() == fetched.size();
  {
    const std::lock_guard lock(shared_.mutex);
    for (const auto& [place, end] : ends) {
      const auto position = positions.find(place);
      // What lies behind the last record is no record: markers of transactions, aborted ones.
      if (position != positions.end()) shared_.ledger.PushPosition(place, position->second);
      const auto next = shared_.ledger.NextOf(place);
      if (!next) untouched.push_back(place);
      drained = drained && (!next || *next >= end);
    }
  }
  for (const auto& [place, first] : admin_->Earliest(untouched, patience_))
    drained = drained && first >= ends.at(place);
  if (!drained || !NothingIsOpen(fetched, ends)) return false;
  const std::lock_guard lock(shared_.mutex);
  return shared_.ledger.places() == fetched;  // none came while the brokers were asked
}

void PollThread::LookForMore() {
  uint64_t asked = 0;
  {
    const std::lock_guard lock(shared_.mutex);
    asked = shared_.reads;
    if (!reader_.drains || asked == shared_.looked || shared_.ledger.has_batch()) return;
  }
  if (!Due(look_at_, kLookEvery)) return;
  bool drained = false;
  if (!Attempt([&] { drained = Drained(); })) return;
  {
    const std::lock_guard lock(shared_.mutex);
    shared_.looked = asked;
    shared_.drained = drained;
  }
  shared_.ready.notify_all();
}

void PollThread::UpdateEnds() {
  if (!Due(ends_at_, kEndsEvery)) return;
  std::vector<TopicPartition> fetched;
  {
    const std::lock_guard lock(shared_.mutex);
    fetched = shared_.ledger.fetched();
  }
  Offsets ends;
  for (const auto& place : fetched) {
    if (const auto end = consumer_->KnownEnd(place)) ends[place] = *end;
  }
  const auto positions = consumer_->Positions(fetched);
  const std::lock_guard lock(shared_.mutex);
  for (const auto& [place, end] : ends) {
    // What the library has passed and gave no record for is none (markers of transactions, aborted ones).
    const auto position = positions.find(place);
    const bool passed = position != positions.end() && position->second >= end;
    shared_.ledger.SetEnd(place, passed ? shared_.ledger.NextOf(place).value_or(end) : end);
  }
  UpdateWaitsFor();
}

/// Under the lock.
void PollThread::UpdateWaitsFor() {
  const auto trouble = trouble_.empty() ? consumer_->client().trouble() : trouble_;
  if (!trouble.empty()) {
    shared_.waits_for = "the brokers: " + trouble;
  } else if (member() && !assigned_once_) {
    shared_.waits_for = "the consumer group to give this worker partitions";
  } else if (shared_.ledger.empty()) {
    shared_.waits_for = member() ? "partitions: other workers have all of them, or there is no such topic"
                                 : fmt::format("a topic that matches {}", subscription_);
  } else if (!gone_.empty()) {
    shared_.waits_for = fmt::format("topic {} to be made again", *gone_.begin());
  } else {
    shared_.waits_for.clear();
  }
}

}  // namespace millrace::stream
