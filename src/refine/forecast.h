#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "query/engine.h"
#include "refine/graph.h"
#include "refine/runner.h"

namespace millrace::refine {

/// What a run of one model would do and cost, as things stand: found out from metadata and manifests alone.
struct Forecast {
  enum class Action {
    kNothing,
    kView,     // not stored
    kAppend,   // the rows of new snapshots of `over`
    kMerge,    // the same, by key: files that hold one of the keys are written again
    kReplace,  // partitions that they are of are made anew, out of all rows
    kFull,     // every row anew
    kMove,     // those snapshots added no row: only the position moves
  };
  struct Input {
    catalog::TableName table;
    std::optional<table::SnapshotId> from;  // what the model was made from last; none: not yet, or it is looked up
    std::optional<table::SnapshotId> to;    // none: the table is empty, or another model makes it first
    bool changes_before = false;            // a model of the same run writes to it: what is read is what it has now
    int64_t rows = 0;                       // at most; after pruning by partitions and bounds
    int64_t files = 0;
    int64_t bytes = 0;
  };

  catalog::TableName model;
  Action action = Action::kNothing;
  std::string why;
  std::vector<Input> inputs;  // in the order of their names
  int64_t bytes_read = 0;     // of all inputs
  /// kMerge, kReplace: the most that may be read and written again of the model's own table. kFull: what that table
  /// holds.
  int64_t bytes_replaced_max = 0;

  bool writes() const { return action != Action::kNothing && action != Action::kView; }
};

/// "nothing", "view", "append", "merge", "replace", "full", "position".
std::string_view ToString(Forecast::Action action);

/// The models that a run of `models` (empty: all) would look at, in its order. Writes nothing. What a model of the run
/// changes for one after it is not known yet: such a model is said to run, over what is there now.
std::vector<Forecast> ForecastRun(catalog::Catalog& catalog, query::Engine& engine, const Graph& graph,
                                  const std::vector<catalog::TableName>& models, const RunOptions& options);

}  // namespace millrace::refine
