#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "stream/kafka/poll_thread.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookEvery{2000};
/// Beyond what a member may take to give back: until it has told the group, and the group the one that follows.
constexpr milliseconds kHandOver{2000};

}  // namespace

/// A partition goes from one member to another in two rounds, and belongs to nobody between them. A member that is
/// killed there and is back under its name within the session timeout gets what it had been left with, and no second
/// round is held (KIP-345, KIP-429): nobody would read the partition until something else stirs the group. So whoever
/// comes back looks, until it has once seen that everything has its reader.
void PollThread::LookForOrphans() {
  Stir();
  if (!orphans_possible_ || stirrer_ || !assigned_once_ || !Due(orphans_at_, kLookEvery)) return;
  try {
    std::vector<TopicPartition> orphans;
    const bool looked = Attempt([&] {
      const auto assigned = admin_->Assigned(group(), patience_);
      if (!assigned) return;
      orphans = Orphans(*assigned);
      orphans_possible_ = !orphans.empty();
    });
    if (!looked || orphans.empty()) return orphans_since_.reset();
    if (!orphans_since_) orphans_since_ = Now();
    if (Now() - *orphans_since_ < options_.revoke_patience + kHandOver) return;
    LogWarning("topic {} partition {}: the group has left {} partitions to nobody; asking it to share anew",
               orphans.front().topic, orphans.front().partition, orphans.size());
    orphans_since_.reset();
    stirrer_ = NewConsumer({});
    stir_until_ = Now() + options_.session_timeout;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kConfig) throw;
    // Reading works without it.
    orphans_possible_ = false;
    LogWarning("{}: it cannot be seen whether the group leaves partitions to nobody: {}", subscription_, error.what());
  }
}

std::vector<TopicPartition> PollThread::Orphans(const std::set<TopicPartition>& assigned) {
  std::vector<TopicPartition> orphans;
  for (const auto& topic : admin_->Describe(admin_->Matching(subscription_), {}, patience_)) {
    for (int32_t partition = 0; partition < topic.partitions; ++partition) {
      const TopicPartition place{topic.name, partition};
      if (!assigned.contains(place)) orphans.push_back(place);
    }
  }
  return orphans;
}

/// A member without a name that comes makes the group share anew, and again when it goes.
void PollThread::Stir() {
  if (!stirrer_) return;
  if (stirrer_->Poll() || Now() > stir_until_) stirrer_.reset();
}

}  // namespace millrace::stream
