#include "app/feed_events.h"

#include "base/log.h"

namespace millrace::app {

void SourceAppended::Emit() const {
  auto& metrics = Metrics::Process();
  metrics.Add(kSourceEvents, {source}, static_cast<double>(events));
  metrics.Add(kSourceBytes, {source}, static_cast<double>(bytes));
  metrics.Add(kTopicAppendedEvents, {topic}, static_cast<double>(events));
  metrics.Add(kTopicAppendedBytes, {topic}, static_cast<double>(bytes));
}

void TableRead::Emit() const {
  auto& metrics = Metrics::Process();
  metrics.Add(kTableReadEvents, {table}, static_cast<double>(events));
  metrics.Add(kTableReadBytes, {table}, static_cast<double>(bytes));
  if (topic.empty()) return;
  metrics.Add(kTopicReadEvents, {topic}, static_cast<double>(events));
  metrics.Add(kTopicReadBytes, {topic}, static_cast<double>(bytes));
}

void TableCommitted::Emit() const {
  auto& metrics = Metrics::Process();
  const auto add = [&](const Metric& metric, uint64_t count) {
    metrics.Add(metric, {table}, static_cast<double>(count));
  };
  add(kTableLandedEvents, landed.records);
  add(kTableRows, landed.rows);
  add(kTableDeletes, landed.deletes);
  add(kTableDuplicates, landed.duplicates);
  add(kTableBlank, landed.blank);
  add(kTableRescued, landed.rescued_values);
  add(kTableFiles, landed.files);
  add(kTableBytes, landed.bytes);
  for (const auto& [cause, count] : landed.rejected) {
    metrics.Add(kTableRejected, {table, event::ToString(cause)}, static_cast<double>(count));
  }
  metrics.Add(kTableCommits, {table, conflict ? "conflict" : "committed"});
  metrics.Observe(kTableCommitSeconds, {table}, seconds);
  if (conflict) {
    LogWarning("table {}: another writer was faster; going on from what it landed", table);
  } else {
    LogDebug("table {}: {} rows in {} files committed in {:.3f} s", table, landed.rows, landed.files, seconds);
  }
}

void TableFeedStarted::Emit() const {
  auto& metrics = Metrics::Process();
  for (const auto* metric : {&kTableReadEvents, &kTableReadBytes, &kTableLandedEvents, &kTableRows, &kTableDeletes,
                             &kTableDuplicates, &kTableBlank, &kTableRescued, &kTableFiles, &kTableBytes}) {
    metrics.Add(*metric, {table}, 0);
  }
  for (const auto* outcome : {"committed", "conflict"}) metrics.Add(kTableCommits, {table, outcome}, 0);
  LogDebug("table {}: its feed starts", table);
}

}  // namespace millrace::app
