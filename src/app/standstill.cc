#include "app/standstill.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/table_why.h"

namespace millrace::app {
namespace {

constexpr int kFreshnesses = 10;
constexpr std::chrono::milliseconds kLimitMin{10'000};

bool HasWork(const Standing& partition) { return partition.pending || partition.unread > 0; }

}  // namespace

void Standstill::Read(int32_t partition, SteadyTime now) {
  const auto [entry, is_new] = partitions_.try_emplace(partition);
  auto& standing = entry->second;
  if (is_new || !HasWork(standing)) standing.since = now;
  standing.partition = partition;
  standing.pending = true;
}

void Standstill::Landed(SteadyTime now) {
  for (auto& [number, partition] : partitions_) {
    if (partition.pending) partition.since = now;
    partition.pending = false;
  }
}

void Standstill::Look(const event::Lag& lag, SteadyTime now) {
  std::map<int32_t, int64_t> unread;
  for (const auto& partition : lag.partitions) unread[partition.partition] = partition.records;
  if (lag.partitions.empty()) unread[kWhole] = lag.records;
  // Partitions that went to another worker are its to look after.
  std::erase_if(partitions_, [&](const auto& entry) { return !entry.second.pending && !unread.contains(entry.first); });
  for (const auto& [number, records] : unread) {
    auto& partition = partitions_[number];
    partition.partition = number;
    if (!HasWork(partition)) partition.since = now;
    partition.unread = records;
  }
}

std::vector<Standing> Standstill::standing() const {
  std::vector<Standing> with_work;
  for (const auto& [number, partition] : partitions_) {
    if (HasWork(partition)) with_work.push_back(partition);
  }
  return with_work;
}

std::chrono::milliseconds StandstillLimit(std::chrono::milliseconds freshness) {
  return std::max(kFreshnesses * freshness, kLimitMin);
}

std::vector<Standing> StandingStill(const std::vector<Standing>& standing, std::chrono::milliseconds freshness,
                                    SteadyTime now) {
  std::vector<Standing> still;
  std::ranges::copy_if(standing, std::back_inserter(still),
                       [&](const Standing& each) { return now - each.since >= StandstillLimit(freshness); });
  return still;
}

std::string ExplainStandstill(const std::vector<Standing>& still, SteadyTime now) {
  const auto& worst = *std::ranges::min_element(still, {}, &Standing::since);
  auto text =
      worst.partition == Standstill::kWhole ? std::string("its source") : fmt::format("partition {}", worst.partition);
  text += fmt::format(" stands still for {}: ", Span(now - worst.since));
  if (worst.pending) {
    text += "what was read of it is not committed";
  } else {
    text += fmt::format(
        "{} records are there and none comes; look for a transaction that is open (`kafka-transactions.sh "
        "find-hanging`), for a partition without a leader, and at the broker's log",
        ShortCount(static_cast<double>(worst.unread)));
  }
  if (still.size() > 1) text += fmt::format("; and {} partitions more", still.size() - 1);
  return text;
}

}  // namespace millrace::app
