#pragma once

#include "app/config_model.h"
#include "app/maintenance_notes.h"
#include "app/pipeline_runner.h"
#include "base/byte_budget.h"
#include "base/metrics.h"
#include "event/stream.h"

namespace millrace::app {

inline constexpr Metric kBuildInfo{
    MetricKind::kGauge, "millrace_build_info", "1, with what this program is.", {"version", "compiler", "pipeline"}};
inline constexpr Metric kMemoryUsed{MetricKind::kGauge, "millrace_memory_used_bytes",
                                    "Bytes that are held of the memory budget."};
inline constexpr Metric kMemoryLimit{MetricKind::kGauge, "millrace_memory_limit_bytes",
                                     "The part of `memory` that buffers may take."};
inline constexpr Metric kMemoryPressure{MetricKind::kGauge, "millrace_memory_pressure",
                                        "1 while somebody waits for memory, else 0."};
inline constexpr Metric kSourceUp{
    MetricKind::kGauge, "millrace_source_up", "1 while a source runs or has come to its end, else 0.", {"source"}};
inline constexpr Metric kTableUp{
    MetricKind::kGauge, "millrace_table_up", "1 while a table's feed runs or has come to its end, else 0.", {"table"}};
inline constexpr Metric kTableLagRecords{
    MetricKind::kGauge,
    "millrace_table_lag_records",
    "Events that have arrived and are not visible in the table: unread ones and those of the next commit.",
    {"table"}};
inline constexpr Metric kTableLagSeconds{
    MetricKind::kGauge,
    "millrace_table_lag_seconds",
    "Age of the oldest event that has arrived and is not visible in the table; 0 when there is none.",
    {"table"}};
inline constexpr Metric kTableFreshness{
    MetricKind::kGauge,
    "millrace_table_freshness_target_seconds",
    "What `freshness` (of plain files `buffer_time`) asks for: millrace_table_lag_seconds "
    "should stay below it and the time of a commit.",
    {"table"}};
inline constexpr Metric kTableNewestVisible{
    MetricKind::kGauge,
    "millrace_table_newest_visible_timestamp_seconds",
    "When the newest event that this process made visible had arrived, in Unix time.",
    {"table"}};
inline constexpr Metric kTableStalledPartitions{MetricKind::kGauge,
                                                "millrace_table_stalled_partitions",
                                                "Partitions with something to land of which nothing has landed for ten "
                                                "times the table's freshness (10 s at least).",
                                                {"table"}};
inline constexpr Metric kPartitionLagRecords{
    MetricKind::kGauge,
    "millrace_table_unread_records",
    "Events that a table has not read yet, by group of its topic's partitions: at most 16 groups a table, named by "
    "their first and last partition.",
    {"table", "partitions"}};
inline constexpr Metric kPartitionLagSeconds{
    MetricKind::kGauge,
    "millrace_table_unread_seconds",
    "Age of the oldest event that a table has not read yet, by group of partitions.",
    {"table", "partitions"}};
inline constexpr Metric kTableDataFiles{MetricKind::kGauge,
                                        "millrace_table_data_files",
                                        "Data files of a table, as the last look of maintenance left it.",
                                        {"table"}};
inline constexpr Metric kTableSmallFiles{
    MetricKind::kGauge, "millrace_table_small_files", "Those of them below `maintenance.small_file`.", {"table"}};
inline constexpr Metric kStreamBytes{
    MetricKind::kGauge, "millrace_stream_bytes", "Bytes that a topic takes in the stream, compressed.", {"topic"}};
inline constexpr Metric kStreamRecords{
    MetricKind::kGauge, "millrace_stream_records", "Events that a topic holds.", {"topic"}};

/// What a pipeline's levels are read from.
struct GaugeSources {
  const PipelineConfig& config;
  const PipelineRunner& runner;
  const ByteBudget& budget;
  const MaintenanceNotes& maintenance;
};

/// Sets the gauges of a pipeline to what is true now; those of partitions that are gone vanish. `topics` are as they
/// stand; empty where the stream does not answer.
void SetPipelineGauges(const GaugeSources& sources, const std::vector<event::TopicInfo>& topics, Timestamp now);
/// The part of it about one table's feed.
void SetTableGauges(const TableFeed& feed, const std::vector<event::TopicInfo>& topics, Timestamp now);
void SetSourceGauges(const SourceFeed& feed);
void SetStreamGauges(const std::vector<event::TopicInfo>& topics);

/// The lag of a feed's reader. While a commit waits the feed does not look at its topic; then what it has read is
/// compared with the topic as it stands.
event::Lag LagNow(const TableStatus& status, const event::TopicInfo* topic, SteadyTime now);

}  // namespace millrace::app
