#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "land/quarantine_rows.h"
#include "query/spark/spark_session.h"
#include "refine/graph.h"
#include "refine/partition_slices.h"
#include "refine/run_plan.h"
#include "refine/spark_rows.h"
#include "table/snapshot_builder.h"

namespace millrace::refine {

/// Spark for those that run models.
struct SparkSupport {
  query::SparkServer server;
  std::function<void(const catalog::TableName& model, const query::SparkProgress&)> progress = nullptr;
};

/// The rows of one run of a model, computed and written by Spark. Spark reads each table at the snapshot that the plan
/// says and appends to a branch of the model's table that is this attempt's alone, "spark-run-<run>-<random>"; what is
/// to be committed to main are the files of that branch, in one commit with the positions, which also removes it and
/// what dead attempts left; a backfill's begin with "spark-backfill-<name>-" and become part of its own. Nobody reads
/// the branch before, so whatever dies in between leaves files that a later expiry of the branch's snapshots removes.
/// See docs/adr/0014-spark.md.
class SparkRun {
 public:
  struct Parts {
    catalog::Catalog& catalog;
    const SparkSupport& spark;
    const Clock& clock;
    std::stop_token stop;
  };
  SparkRun(Parts parts, const Graph& graph, const Node& node, const RunPlan& plan);
  SparkRun(const SparkRun&) = delete;
  SparkRun& operator=(const SparkRun&) = delete;

  /// What the model makes: it has been analysed, and no row read. Error kData or kConfig with file:line of the SQL.
  std::shared_ptr<arrow::Schema> Open();

  struct Written {
    table::SnapshotChange change;
    int64_t rows = 0;     // written
    int64_t checked = 0;  // fresh rows that expectations looked at
    int64_t dropped = 0;
    int64_t quarantined = 0;
    std::vector<int64_t> violations = {};  // an expectation each
  };
  /// The partitions that the new rows of a kReplace plan touch. After `Open`.
  PartitionSlices Touched(const ReplaceFields& fields);
  /// Shows what Spark answers to a question about the rows of `over` that the run takes: of a kReplace plan the new
  /// ones.
  void AskOver(const std::function<std::string(const std::string& over)>& sql,
               const std::function<void(const arrow::RecordBatch&)>& visit);

  /// The names of the two sides of a replacement that this run makes.
  ReplacementNames NamesOn(const catalog::LoadedTable& output) const;

  /// The branch that an attempt writes to, and which of the table's go with its commit: those of dead attempts.
  struct Branch {
    std::string name;
    std::function<bool(std::string_view)> is_stale;
  };
  static Branch OfRun(int64_t run);
  static Branch OfBackfill(const std::string& name);

  /// Takes away what dead attempts left.
  static void RemoveBranches(catalog::Catalog& catalog, const catalog::TableName& table, const Branch& of,
                             const Clock& clock, const std::stop_token& stop);

  using Quarantine = std::function<void(const std::vector<land::BrokenRow>&)>;
  /// Writes the rows to the branch, which is gone again when that fails. `quarantine` is given the rows that go there,
  /// before the others are written; error kData when the rows of the model were others then. Where it is empty they are
  /// left out alone. `replacement`: of a kReplace plan what takes whose place; else null.
  Written Write(const catalog::LoadedTable& output, const Branch& branch, const Replacement* replacement,
                const Quarantine& quarantine);

  /// Rows of the model, as `r`, that go into quarantine and that `condition` is true of. After `Open`.
  void QuarantineRows(const std::string& condition, const Quarantine& quarantine);

  /// Takes the branch away, as far as that can be done: nothing of it is to be committed.
  void Abandon() noexcept;

 private:
  using Ranges = std::map<catalog::TableName, query::QueryOptions::Range>;
  std::string PinnedSql(const catalog::TableName& name) const;
  void CreateViewOf(const Model& model, const std::vector<catalog::TableName>& names, const std::string& view);
  void OpenViews(const std::vector<catalog::TableName>& names);
  std::string ViewName(const catalog::TableName& name) const;
  std::string PinnedOutput(const catalog::LoadedTable& output) const;
  SparkColumns ColumnsWith(const schema::Schema& table) const;
  SparkTable TouchedRows(const catalog::LoadedTable& output, const Replacement* replacement);
  Written WriteRows(const catalog::LoadedTable& output, const Branch& branch, const Replacement* replacement,
                    const Quarantine& quarantine);
  Written OnBranch(const catalog::TableName& output, const Branch& branch);
  void MakeBranch(const catalog::LoadedTable& output, const Branch& branch);
  std::string SparkNameOf(const catalog::TableName& table) const;

  const Parts parts_;
  const Graph& graph_;
  const Node& node_;
  const RunPlan& plan_;
  query::SparkSession session_;
  const Ranges* ranges_;                // that tables are read at
  std::set<catalog::TableName> views_;  // that the session has, of these
  std::shared_ptr<arrow::Schema> schema_;
  std::string branch_;
  std::optional<table::SnapshotId> fork_;  // what the branch began with
};

}  // namespace millrace::refine
