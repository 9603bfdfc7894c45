#include "app/pipeline_gauges.h"

#include <algorithm>
#include <map>
#include <string>

#include "app/version.h"

namespace millrace::app {
namespace {

constexpr size_t kPartitionGroupsMax = 16;
/// A feed looks about twice a second.
constexpr auto kOldLook = std::chrono::seconds(2);

double Seconds(std::chrono::duration<double> duration) { return std::max(duration.count(), 0.0); }
double AgeOf(const std::optional<Timestamp>& then, Timestamp now) { return then ? Seconds(now - *then) : 0; }
double AsUp(FeedState state) { return state == FeedState::kRunning || state == FeedState::kDrained ? 1 : 0; }

/// Partitions in order, as many neighbours a group as keep the number of groups bounded.
void SetPartitionGauges(const std::string& table, std::vector<event::PartitionLag> partitions, Timestamp now) {
  auto& metrics = Metrics::Process();
  std::ranges::sort(partitions, {}, &event::PartitionLag::partition);
  const size_t a_group = (partitions.size() + kPartitionGroupsMax - 1) / kPartitionGroupsMax;
  for (size_t first = 0; first < partitions.size(); first += a_group) {
    const size_t last = std::min(first + a_group, partitions.size()) - 1;
    int64_t records = 0;
    double age = 0;
    for (size_t i = first; i <= last; ++i) {
      records += partitions[i].records;
      age = std::max(age, AgeOf(partitions[i].oldest, now));
    }
    auto name = std::to_string(partitions[first].partition);
    if (last > first) name += "-" + std::to_string(partitions[last].partition);
    metrics.Set(kPartitionLagRecords, {table, name}, static_cast<double>(records));
    metrics.Set(kPartitionLagSeconds, {table, name}, age);
  }
}

const event::TopicInfo* TopicNamed(const std::string& name, const std::vector<event::TopicInfo>& topics) {
  const auto found = std::ranges::find_if(topics, [&](const event::TopicInfo& each) { return each.spec.name == name; });
  return found == topics.end() ? nullptr : &*found;
}

}  // namespace

event::Lag LagNow(const TableStatus& status, const event::TopicInfo* topic, SteadyTime now) {
  auto lag = status.lag;
  if (topic == nullptr || lag.partitions.empty() || now - status.published < kOldLook) return lag;
  lag.records = 0;
  for (auto& mine : lag.partitions) {
    const auto read = status.read_to.find(mine.partition);
    const auto there = std::ranges::find(topic->partitions, mine.partition, &event::PartitionInfo::partition);
    if (read != status.read_to.end() && there != topic->partitions.end()) {
      mine.records = std::max<int64_t>(0, there->next_offset - std::max(read->second, there->first_offset));
    }
    lag.records += mine.records;
  }
  return lag;
}

void SetTableGauges(const TableFeed& feed, const std::vector<event::TopicInfo>& topics, Timestamp now) {
  auto& metrics = Metrics::Process();
  const auto& name = feed.table();
  auto status = feed.status();
  status.lag = LagNow(status, TopicNamed(feed.from(), topics), Clock::System().Steady());
  metrics.Set(kTableUp, {name}, AsUp(status.state));
  metrics.Set(kTableFreshness, {name}, Seconds(feed.freshness()));
  const auto still = StandingStill(status.standing, feed.freshness(), Clock::System().Steady());
  metrics.Set(kTableStalledPartitions, {name},
              status.state == FeedState::kRunning ? static_cast<double>(still.size()) : 0);
  metrics.Set(kTableLagSeconds, {name}, AgeOf(status.oldest_unlanded, now));
  if (status.lag.records >= 0) {
    metrics.Set(kTableLagRecords, {name},
                static_cast<double>(status.lag.records) + static_cast<double>(status.pending));
  }
  if (status.newest_visible) {
    metrics.Set(kTableNewestVisible, {name}, Seconds(status.newest_visible->time_since_epoch()));
  }
  SetPartitionGauges(name, status.lag.partitions, now);
}

void SetSourceGauges(const SourceFeed& feed) { Metrics::Process().Set(kSourceUp, {feed.name()}, AsUp(feed.state())); }

void SetPipelineGauges(const GaugeSources& sources, const std::vector<event::TopicInfo>& topics, Timestamp now) {
  auto& metrics = Metrics::Process();
  // Those of connectors come and go.
  for (const auto* metric : {&kSourceUp, &kTableUp, &kTableFreshness, &kTableStalledPartitions, &kTableLagSeconds,
                             &kTableLagRecords, &kTableNewestVisible, &kPartitionLagRecords, &kPartitionLagSeconds}) {
    metrics.Clear(*metric);
  }
  metrics.Set(kBuildInfo, {kVersion, __VERSION__, sources.config.name}, 1);
  metrics.Set(kMemoryUsed, {}, static_cast<double>(sources.budget.used()));
  metrics.Set(kMemoryLimit, {}, static_cast<double>(sources.budget.limit()));
  metrics.Set(kMemoryPressure, {}, sources.budget.under_pressure() ? 1 : 0);
  for (const auto& feed : sources.runner.sources()) SetSourceGauges(*feed);
  for (const auto& feed : sources.runner.tables()) SetTableGauges(*feed, topics, now);
  for (const auto& [name, note] : sources.maintenance.All()) {
    metrics.Set(kTableDataFiles, {name}, static_cast<double>(note.files));
    metrics.Set(kTableSmallFiles, {name}, static_cast<double>(note.small_files));
  }
}

void SetStreamGauges(const std::vector<event::TopicInfo>& topics) {
  auto& metrics = Metrics::Process();
  metrics.Clear(kStreamBytes);
  metrics.Clear(kStreamRecords);
  for (const auto& topic : topics) {
    int64_t bytes = 0;
    int64_t records = 0;
    bool known = true;
    for (const auto& partition : topic.partitions) {
      bytes += partition.bytes;
      records += partition.next_offset - partition.first_offset;
      known = known && partition.next_offset >= 0;
    }
    if (!known) continue;
    metrics.Set(kStreamBytes, {topic.spec.name}, static_cast<double>(bytes));
    metrics.Set(kStreamRecords, {topic.spec.name}, static_cast<double>(records));
  }
}

}  // namespace millrace::app
