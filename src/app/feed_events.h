#pragma once

#include <cstdint>
#include <string_view>

#include "base/metrics.h"
#include "event/sink.h"

namespace millrace::app {

inline constexpr Metric kSourceEvents{
    MetricKind::kCounter, "millrace_source_events_total", "Events that a source brought into its topic.", {"source"}};
inline constexpr Metric kSourceBytes{
    MetricKind::kCounter, "millrace_source_bytes_total", "Bytes of the events of a source.", {"source"}};
inline constexpr Metric kTopicAppendedEvents{MetricKind::kCounter,
                                             "millrace_topic_appended_events_total",
                                             "Events that were appended to a topic and are durable.",
                                             {"topic"}};
inline constexpr Metric kTopicAppendedBytes{MetricKind::kCounter,
                                            "millrace_topic_appended_bytes_total",
                                            "Bytes of the events that were appended to a topic, before compression.",
                                            {"topic"}};
inline constexpr Metric kTopicReadEvents{MetricKind::kCounter,
                                         "millrace_topic_read_events_total",
                                         "Events that tables read from a topic, added up over its tables.",
                                         {"topic"}};
inline constexpr Metric kTopicReadBytes{MetricKind::kCounter,
                                        "millrace_topic_read_bytes_total",
                                        "Bytes of the events that tables read from a topic.",
                                        {"topic"}};

inline constexpr Metric kTableReadEvents{MetricKind::kCounter,
                                         "millrace_table_read_events_total",
                                         "Events that were read for a table, landed or not yet; those read again after "
                                         "another writer was faster count again.",
                                         {"table"}};
inline constexpr Metric kTableReadBytes{
    MetricKind::kCounter, "millrace_table_read_bytes_total", "Bytes of the events that were read.", {"table"}};
inline constexpr Metric kTableLandedEvents{
    MetricKind::kCounter,
    "millrace_table_landed_events_total",
    "Events that commits covered: rows, deletes, duplicates, rejected ones and blank lines together.",
    {"table"}};
inline constexpr Metric kTableRows{
    MetricKind::kCounter, "millrace_table_rows_total", "Rows that became visible.", {"table"}};
inline constexpr Metric kTableDeletes{MetricKind::kCounter,
                                      "millrace_table_deletes_total",
                                      "Events that took the row of their key away, of tables that upsert.",
                                      {"table"}};
inline constexpr Metric kTableDuplicates{MetricKind::kCounter,
                                         "millrace_table_duplicates_total",
                                         "Rows that were dropped because their key had landed, or, of tables that "
                                         "upsert, because a newer change of it was there.",
                                         {"table"}};
inline constexpr Metric kTableBlank{
    MetricKind::kCounter, "millrace_table_blank_total", "Records of white space only.", {"table"}};
inline constexpr Metric kTableRescued{MetricKind::kCounter,
                                      "millrace_table_rescued_values_total",
                                      "Values that did not fit their column and are kept in _rescued.",
                                      {"table"}};
inline constexpr Metric kTableRejected{MetricKind::kCounter,
                                       "millrace_table_rejected_total",
                                       "Records that went to quarantine, by cause.",
                                       {"table", "cause"}};
inline constexpr Metric kTableFiles{
    MetricKind::kCounter, "millrace_table_files_written_total", "Data files that commits brought.", {"table"}};
inline constexpr Metric kTableBytes{
    MetricKind::kCounter, "millrace_table_written_bytes_total", "Bytes of the data files of commits.", {"table"}};
inline constexpr Metric kTableCommits{MetricKind::kCounter,
                                      "millrace_table_commits_total",
                                      "Commits by outcome: committed, or conflict (another writer landed the same "
                                      "events first; they are read again).",
                                      {"table", "outcome"}};
inline constexpr Metric kTableCommitSeconds{
    MetricKind::kHistogram,
    "millrace_table_commit_seconds",
    "From the decision to commit to the known outcome: files closed and stored, catalogue asked.",
    {"table"}};

/// A source's batch is durable in its topic.
struct SourceAppended {
  std::string_view source;
  std::string_view topic;
  uint64_t events = 0;
  uint64_t bytes = 0;
  void Emit() const;
};

/// A batch was read for a table. `topic` is empty where the table takes from a source itself.
struct TableRead {
  std::string_view table;
  std::string_view topic;
  uint64_t events = 0;
  uint64_t bytes = 0;
  void Emit() const;
};

/// A commit of a table came to its end. `landed` is what has become certain since the last one.
struct TableCommitted {
  std::string_view table;
  bool conflict = false;
  const event::SinkCounts& landed;
  double seconds = 0;
  void Emit() const;
};

/// A table's feed starts: its series show from here on, at zero.
struct TableFeedStarted {
  std::string_view table;
  void Emit() const;
};

}  // namespace millrace::app
