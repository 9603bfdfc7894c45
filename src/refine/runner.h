#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "query/engine.h"
#include "refine/graph.h"

namespace millrace::refine {

class ModelLeases;
struct SparkSupport;

struct RunOptions {
  /// Rebuild from all rows, whatever has changed.
  bool full_refresh = false;
  /// Only models that are due on commit.
  bool on_commit_only = false;
  /// When a model of times began its run: stored with what it commits, so that every process that runs it knows.
  std::optional<Timestamp> at = std::nullopt;
  /// Given: a model that another process runs is left to it.
  ModelLeases* leases = nullptr;
  /// It is waited for that process, and what it left is done then.
  bool wait = false;
};

/// What a run found of one expectation.
struct ExpectationReport {
  std::string condition;  // or TableExpectation::text
  int64_t violations = 0;
  std::string severity = {};                   // warn, drop, quarantine, fail
  std::string measure = {};                    // of an expectation of the whole table: what was measured
  std::optional<double> value = std::nullopt;  // and what it was
  std::string observed = {};                   // the same for people
  bool met = true;
};

/// What became of one model in one run.
struct RunReport {
  enum class Outcome { kBuilt, kNothing, kFailed, kSkipped };
  catalog::TableName model;
  Outcome outcome = Outcome::kNothing;
  std::string why;  // why nothing, why all of it, or the error; empty: the plain case
  std::optional<ErrorCode> error;
  bool busy = false;  // another process runs it, or has just begun to
  bool full_refresh = false;
  Timestamp began{};
  double seconds = 0;
  int64_t rows = 0;          // written; merging writes rows again that stay as they were
  int64_t rows_checked = 0;  // fresh rows that expectations looked at
  int64_t rows_dropped = 0;
  int64_t rows_quarantined = 0;
  int64_t rows_late = 0;               // of `over`, that came when their partition was closed
  std::optional<Timestamp> watermark;  // after the run, of a model that has one
  int64_t files = 0;
  int64_t bytes = 0;
  std::vector<ExpectationReport> expectations;
  std::optional<table::SnapshotId> snapshot_id;
};

/// "built", "nothing", "failed", "skipped".
std::string_view ToString(RunReport::Outcome outcome);

/// Runs models into Iceberg tables. A run is one commit that carries the snapshots it was made from as positions of the
/// scope "model:<name>", so a run that was cut short repeats to the same table, and one whose inputs have not moved
/// does nothing. An incremental model falls back to all rows when its table changed in another way than by new rows,
/// when those snapshots have expired, or when the model itself was edited. One thread drives it.
///
/// A run writes up to three tables, in this order: rows that break an expectation into the model's quarantine, what the
/// expectations found into `millrace.expectations`, and the model's own commit, which says that the run has been. A run
/// that died in between is done again as one (RowQuarantine, ExpectationResults say how).
class Runner {
 public:
  Runner(catalog::Catalog& catalog, query::Engine& engine, ByteBudget& budget, Graph graph,
         const Clock& clock = Clock::System());

  /// For models that run on Spark; they fail without it. It outlives the runner.
  void Use(const SparkSupport& spark) { spark_ = &spark; }

  /// Runs these models (empty: all), each after what it is made of. A model that fails fails alone, and those made of
  /// it are skipped. Error kUsage for a name that is no model.
  std::vector<RunReport> Run(const std::vector<catalog::TableName>& models, const RunOptions& options,
                             std::stop_token stop);

  const Graph& graph() const { return graph_; }

 private:
  RunReport RunOne(const Node& node, const RunOptions& options, std::stop_token stop);

  catalog::Catalog& catalog_;
  query::Engine& engine_;
  ByteBudget& budget_;
  const Graph graph_;
  const Clock& clock_;
  const SparkSupport* spark_ = nullptr;
};

}  // namespace millrace::refine
