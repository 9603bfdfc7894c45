#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "event/position.h"
#include "query/engine.h"
#include "refine/graph.h"
#include "refine/partition_slices.h"
#include "refine/replaced_partitions.h"
#include "refine/row_quarantine.h"
#include "refine/run_plan.h"
#include "refine/runner.h"
#include "refine/spark_run.h"
#include "refine/watermark.h"
#include "table/snapshot_builder.h"

namespace millrace::land {
class DataFileWriter;
}

namespace millrace::refine {

class ResultRows;

/// One run of one stored model, as it was planned: its rows are written (model_run_rows.cc), looked at, and committed
/// together with the positions that they were made from (model_run.cc). Run once.
class ModelRun {
 public:
  using Parts = RowQuarantine::Parts;

  /// `spark`: null: none.
  ModelRun(const Parts& parts, const SparkSupport* spark, const Graph& graph, const Node& node, RunPlan plan);

  /// What was found so far: of a run that an expectation has failed.
  const RunReport& report() const { return report_; }

  RunReport Run();

 private:
  /// The rows of the run, by DuckDB.
  table::SnapshotChange Write();

  /// The partitions that a kReplace run makes anew; of too many it becomes a rebuild.
  void Touch(const ReplaceFields& fields, PartitionSlices touched);

  /// How the watermark moves, out of the rows that the run takes: all of a rebuild.
  void StepFrom(const ReplaceFields& fields, const event::Cursor& stored);

  /// A question about the rows of `over` that the run takes; by the model's engine.
  void AskNewRows(const std::function<std::string(const std::string& over, ModelEngine engine)>& sql,
                  const std::function<void(const arrow::RecordBatch&)>& visit);

  /// Rows that came too late, where they are kept.
  void QuarantineLate();

  /// What a change of this way takes away.
  table::SnapshotChange Replacing(table::SnapshotChange change) const;

  table::SnapshotChange WriteOnSpark();

  SparkRun::Written SparkWritten(const Replacement* replacement);

  void ReportRows(size_t index, int64_t violations);

  void ReportFiles(const std::vector<table::DataFile>& files);

  /// What earlier runs, which count, left to be done in quarantine.
  void FinishEarlier();

  void FinishReplaced(const event::Cursor& replaced);

  /// What the run that last made all rows anew left to be done.
  void FinishRebuild(const event::Cursor& rebuilt);

  /// The table is there: a number for this attempt, other than that of one that died.
  void Begin(catalog::LoadedTable output);

  std::vector<table::DataFile> WriteRows(const std::string& sql);

  /// Once a row has failed the run, the others are counted and no more.
  void Take(const arrow::RecordBatch& batch, ResultRows& rows, land::DataFileWriter& writer);

  /// Looks at the table as it will be. Error kData when the run must not be; then what it found is written down, and
  /// nothing else.
  void Check(const table::SnapshotChange& change);

  void RecordChecks(bool run_failed);

  RunReport Commit(table::SnapshotChange change);

  const Parts parts_;
  const Model& model_;
  RunPlan plan_;
  RowQuarantine quarantine_;
  std::optional<SparkRun> spark_;  // of a model that runs there
  query::QueryOptions query_;
  PartitionSlices slices_;  // that a kReplace run makes anew
  std::optional<WatermarkStep> step_;
  std::optional<catalog::LoadedTable> output_;
  std::optional<std::optional<table::SnapshotId>> read_;  // of the table, what a merge or a replacement read
  std::string attempt_;                                   // as rows in quarantine name it
  std::string run_id_;                                    // the same for the same inputs, however often it is tried
  RunReport report_;
};

}  // namespace millrace::refine
