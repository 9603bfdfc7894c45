#include "stream/kafka/poll_thread.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace millrace::stream {
void PollThread::Name(const std::vector<DescribedTopic>& topics) {
  std::vector<TopicPartition> stopped;
  bool replaced = false;
  {
    const std::lock_guard lock(shared_.mutex);
    for (const auto& topic : topics) {
      const auto before = std::exchange(ids_[topic.name], topic.id);
      if (!before.empty() && before != topic.id) {
        LogWarning("topic {} was deleted and made again (id {}, now {}); the new one is read from its beginning",
                   topic.name, before, topic.id);
        replaced = true;
      }
      const auto more = shared_.ledger.Name(topic);
      stopped.insert(stopped.end(), more.begin(), more.end());
    }
  }
  shared_.ready.notify_all();
  // The library takes no leader of the new topic until its epoch has passed that of the old one's, which is never.
  if (replaced) return Renew();
  if (stopped.empty()) return;
  // The library would take it for the answer to what the group asks.
  if (leave_by_) GiveBack();
  consumer_->Stop(stopped);
}

void PollThread::NameTopics() {
  std::set<std::string> unnamed;
  {
    const std::lock_guard lock(shared_.mutex);
    unnamed = shared_.ledger.unnamed();
  }
  if (unnamed.empty() || !Due(name_at_, kRetry)) return;
  Attempt([&] { Name(admin_->Describe({unnamed.begin(), unnamed.end()}, {}, patience_)); });
}

void PollThread::FindPartitions() {
  const auto topics = admin_->Describe(admin_->Matching(subscription_), {}, patience_);
  {
    const std::lock_guard lock(shared_.mutex);
    const auto known = shared_.ledger.places();
    for (const auto& topic : topics) {
      std::vector<TopicPartition> more;
      for (int32_t partition = 0; partition < topic.partitions; ++partition) {
        const TopicPartition place{topic.name, partition};
        if (!std::ranges::binary_search(known, place)) more.push_back(place);
      }
      shared_.ledger.Add(more);
    }
  }
  Name(topics);
}

void PollThread::Refresh() {
  if (!Due(refresh_at_, options_.refresh)) return;
  Attempt([&] {
    if (!member()) return FindPartitions();
    std::set<std::string> names;
    {
      const std::lock_guard lock(shared_.mutex);
      names = shared_.ledger.topics();
    }
    const auto topics = admin_->Describe({names.begin(), names.end()}, {}, patience_);
    for (const auto& topic : topics) {
      names.erase(topic.name);
      gone_.erase(topic.name);
    }
    for (const auto& name : names) {
      if (gone_.insert(name).second) LogWarning("topic {} is gone; waiting for it to be made again", name);
    }
    Name(topics);
  });
}

/// The brokers that served the records say which topic they have under that name: they knew of a new one before they
/// could serve it, and never go back.
bool PollThread::Holds() {
  std::vector<SplitLedger::Unconfirmed> open;
  {
    const std::lock_guard lock(shared_.mutex);
    open = shared_.ledger.unconfirmed();
  }
  auto patience = patience_;
  patience.longest = confirm_patience_;
  std::map<int32_t, std::vector<std::string>> asked;
  for (const auto& topic : open) {
    for (const int32_t broker : topic.brokers) asked[broker].push_back(topic.topic);
  }
  for (auto& [broker, names] : asked) {
    const auto topics = admin_->Describe(names, broker, patience);
    const bool same = std::ranges::all_of(topics, [&](const DescribedTopic& topic) {
      return std::ranges::all_of(open, [&](const auto& read) {
        return read.topic != topic.name || read.id == topic.id || !read.brokers.contains(broker);
      });
    });
    if (same) continue;
    Name(topics);
    return false;
  }
  return true;
}

void PollThread::AnswerQuestions() {
  uint64_t asked = 0;
  {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.answers == shared_.questions) return;
    asked = shared_.questions;
  }
  bool holds = false;
  try {
    holds = Holds();
    confirm_patience_ = kConfirmPatience;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    LogWarning("{}: it cannot be known whether what was read is still of the same topic, so it is read again: {}",
               subscription_, error.what());
    confirm_patience_ = std::min(2 * confirm_patience_, options_.timeout);
  }
  {
    const std::lock_guard lock(shared_.mutex);
    // What waits was not asked about to the end either.
    if (!holds) shared_.ledger.FetchAllAgain();
    shared_.ledger.Confirmed();
    shared_.answers = asked;
    shared_.holds = holds;
  }
  shared_.ready.notify_all();
}

}  // namespace millrace::stream
