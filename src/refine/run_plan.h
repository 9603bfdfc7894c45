#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "event/position.h"
#include "query/engine.h"
#include "refine/graph.h"
#include "refine/runner.h"

namespace millrace::refine {

/// What one run of a model is to do, decided before anything is written.
struct RunPlan {
  enum class Way {
    kNothing,
    kRebuild,  // every row anew
    kAppend,   // the rows of new snapshots of `over`
    kMerge,    // the same, by key
    kReplace,  // the partitions that they are of, made anew of all rows
    kMove,     // those snapshots added no row: only the position moves
  };
  Way way = Way::kNothing;
  std::string why;  // of nothing, and of a rebuild of what else would be fed
  event::Positions from;
  event::Positions to;
  bool undescribed = false;                 // what the header says of the table and its columns is not there yet
  event::Cursor rebuilt = event::kStart;    // kRebuiltSplit as it is stored
  event::Cursor replaced = event::kStart;   // kReplacedSplit
  event::Cursor watermark = event::kStart;  // kWatermarkSplit
  event::Cursor late = event::kStart;       // kLateSplit
  /// What each input is read at.
  std::map<catalog::TableName, query::QueryOptions::Range> ranges;
  /// kReplace: the same with `over` at its new rows alone: what says which partitions are touched.
  std::map<catalog::TableName, query::QueryOptions::Range> new_rows;
  /// Snapshots of those that drive the model which it was made from last.
  std::map<catalog::TableName, table::SnapshotId> seen_before;
};

/// Positions of a model's table are kept under this scope: the snapshot of each table it was made from, and its
/// definition.
std::string PositionScope(const Model& model);

/// Changes when the rows or files that the model makes would.
event::Cursor DefinitionOf(const Node& node);

/// What the tables that an incremental model is made of are to be read at by whoever makes rows of its table again, as
/// `output` stands: `over` at what the last run took, so that no row comes twice, and the others as they are. Error
/// kUsage when the next run makes all rows anew anyway.
std::map<catalog::TableName, query::QueryOptions::Range> InputsOfLastRun(catalog::Catalog& catalog, const Node& node,
                                                                         const table::TableMetadata& output);

/// When the last run began that was made at its time and committed something; nullopt when there is none.
std::optional<Timestamp> LastRunAt(catalog::Catalog& catalog, const Model& model);

/// Compares what the model's table was made from with what there is now. Error kStop when the table has rows that this
/// model did not write.
RunPlan PlanRun(catalog::Catalog& catalog, const Node& node, const RunOptions& options);

}  // namespace millrace::refine
