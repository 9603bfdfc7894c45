#pragma once

#include <chrono>
#include <string_view>

#include "base/metrics.h"
#include "catalog/catalog.h"

namespace millrace::land {

inline constexpr Metric kCommitRequests{
    MetricKind::kCounter,
    "millrace_commit_requests_total",
    "Questions to the catalogue whether a change of a table may be committed, by its answer: committed, conflict "
    "(another writer was there first, it is built again), unknown (the answer was lost).",
    {"table", "answer"}};
inline constexpr Metric kAmbiguousCommits{
    MetricKind::kCounter,
    "millrace_ambiguous_commits_total",
    "Commits of unknown outcome that a fresh read of the table resolved, by what it found: landed or not_landed.",
    {"table", "found"}};
inline constexpr Metric kLandingRetries{MetricKind::kCounter,
                                        "millrace_landing_retries_total",
                                        "Times that landing waited and tried again because a peer failed it.",
                                        {"peer"}};
inline constexpr Metric kOpenDataFiles{MetricKind::kGauge, "millrace_open_data_files",
                                       "Data files that are being written."};

/// The catalogue answered a request to commit, or did not.
struct CommitAnswered {
  const catalog::TableName& table;
  const catalog::CommitResult& result;
  void Emit() const;
};

/// A read of the table said what became of a commit whose answer was lost.
struct AmbiguousCommitResolved {
  const catalog::TableName& table;
  bool landed = false;
  void Emit() const;
};

/// A table cannot be read in passing: a commit waits for it.
struct TableUnreadable {
  const catalog::TableName& table;
  std::string_view why;
  void Emit() const;
};

/// The object store fails in passing: files wait for it.
struct StoreFailed {
  std::string_view why;
  std::chrono::milliseconds delay;
  void Emit() const;
};

/// Counts one data file as open for as long as it lives.
class OpenDataFile {
 public:
  OpenDataFile() { Metrics::Process().Add(kOpenDataFiles, {}, 1); }
  ~OpenDataFile() { Metrics::Process().Add(kOpenDataFiles, {}, -1); }
  OpenDataFile(const OpenDataFile&) = delete;
  OpenDataFile& operator=(const OpenDataFile&) = delete;
};

}  // namespace millrace::land
