#include "app/metric_list.h"

#include <fmt/format.h>

#include "app/connector_events.h"
#include "app/feed_events.h"
#include "app/pipeline_gauges.h"
#include "app/process_gauges.h"
#include "app/work_events.h"
#include "catalog/rest/rest_events.h"
#include "io/http_events.h"
#include "io/object_store_events.h"
#include "land/land_events.h"
#include "source/http_ingest/ingest_events.h"
#include "source/http_poll/http_poll_events.h"
#include "telemetry/telemetry_events.h"

namespace millrace::app {
namespace {

struct Chapter {
  std::string_view title;
  std::vector<const Metric*> metrics;
};

std::vector<Chapter> Chapters() {
  return {
      {"Sources and topics",
       {&kSourceUp, &kSourceEvents, &kSourceBytes, &kTopicAppendedEvents, &kTopicAppendedBytes, &kTopicReadEvents,
        &kTopicReadBytes, &kStreamRecords, &kStreamBytes, &kStreamTrimmedBytes, &source::kPollRequests,
        &source::kPollSeconds, &source::kPollRepeated, &source::kIngestEvents, &source::kIngestBytes,
        &source::kIngestDuplicates, &source::kIngestRefused}},
      {"Tables: what came in and what became of it",
       {&kTableUp, &kTableReadEvents, &kTableReadBytes, &kTableLandedEvents, &kTableRows, &kTableDeletes,
        &kTableDuplicates, &kTableBlank, &kTableRescued, &kTableRejected, &kTableFiles, &kTableBytes}},
      {"Tables: how far and how fresh",
       {&kTableLagRecords, &kTableLagSeconds, &kTableFreshness, &kTableNewestVisible, &kTableStalledPartitions,
        &kPartitionLagRecords, &kPartitionLagSeconds}},
      {"Commits",
       {&kTableCommits, &kTableCommitSeconds, &land::kCommitRequests, &land::kAmbiguousCommits,
        &land::kLandingRetries}},
      {"Files and maintenance",
       {&kTableDataFiles, &kTableSmallFiles, &land::kOpenDataFiles, &kMaintenanceRuns, &kMaintenanceSeconds,
        &kFilesMerged, &kSnapshotsExpired}},
      {"Models",
       {&kModelRuns, &kModelRows, &kModelSeconds, &kModelLastRun, &kModelLastRunSeconds, &kModelLastRunRows,
        &kModelRowsQuarantined, &kModelRowsLate, &kModelWatermark, &kExpectationViolations, &kExpectationsBroken}},
      {"Connectors", {&kConnectorUp, &kConnectorTasks, &kConnectorFailures}},
      {"Object store and catalogue",
       {&io::kObjectStoreRequests, &io::kObjectStoreSeconds, &io::kObjectStoreRetries, &catalog::kCatalogRequests,
        &catalog::kCatalogSeconds}},
      {"HTTP server",
       {&io::kHttpRequests, &io::kHttpRequestSeconds, &io::kHttpConnections, &io::kHttpConnectionsEnded}},
      {"Traces and lineage",
       {&telemetry::kSpansExported, &telemetry::kSpansDropped, &telemetry::kLineageSent, &telemetry::kLineageDropped}},
      {"Memory and process",
       {&kBuildInfo, &kMemoryUsed, &kMemoryLimit, &kMemoryPressure, &kProcessResident, &kProcessVirtual, &kProcessCpu,
        &kProcessFiles, &kProcessFilesMax, &kProcessThreads, &kProcessStart}},
  };
}

constexpr std::string_view kIntroduction =
    "# Metrics\n\n"
    "Written by `millrace docs metrics`; do not edit.\n\n"
    "A pipeline with a `server` block shows these at `/metrics` in Prometheus' text format. Counters start at zero "
    "with "
    "the process and say what it did itself, so a restart shows as a reset, which `rate()` and `increase()` know. What "
    "has landed for ever stands in the tables.\n\n"
    "Labels are names of your configuration, words from a fixed list, and HTTP statuses; nothing that comes with an "
    "event "
    "becomes one. A metric has at most 10,000 series: what comes after is counted in one series whose labels say "
    "`other`.\n\n"
    "What to alert on: [operations.md](operations.md).\n";

std::string LabelsOf(const Metric& metric) {
  std::string text;
  for (const auto label : metric.labels) {
    if (!label.empty()) text += (text.empty() ? "" : ", ") + std::string(label);
  }
  return text;
}

}  // namespace

std::vector<const Metric*> AllMetrics() {
  std::vector<const Metric*> all;
  for (const auto& chapter : Chapters()) all.insert(all.end(), chapter.metrics.begin(), chapter.metrics.end());
  return all;
}

std::string MetricsMarkdown() {
  std::string page(kIntroduction);
  for (const auto& chapter : Chapters()) {
    page += fmt::format("\n## {}\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n", chapter.title);
    for (const auto* metric : chapter.metrics) {
      page += fmt::format("| `{}` | {} | {} | {} |\n", metric->name, ToString(metric->kind), LabelsOf(*metric),
                          metric->help);
    }
  }
  return page;
}

}  // namespace millrace::app
