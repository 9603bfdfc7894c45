#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "refine/model.h"
#include "refine/partition_slices.h"

namespace millrace::refine {

/// The name under which a run registers the SQL of a model as a view, so that the statements below can name its rows.
catalog::TableName FreshRowsName(const Model& model);

/// Columns that are not the model's own begin so.
inline constexpr std::string_view kOwnPrefix = "__millrace_";
/// The row as JSON where it goes into quarantine, null otherwise; of models with HasQuarantine.
inline constexpr std::string_view kRowColumn = "__millrace_row";
/// 1 for a fresh row, 0 for one that the table has already.
inline constexpr std::string_view kFreshColumn = "__millrace_fresh";

/// An expectation says `quarantine`.
bool HasQuarantine(const Model& model);

/// Rows go into the model's quarantine, by an expectation or as they are late.
bool KeepsQuarantine(const Model& model);

/// A row that breaks it is not of the table.
bool LeavesOut(const Expectation& expectation);
bool Quarantines(const Expectation& expectation);

/// "a AND b" of the columns of the expectations that are `meant`; "true" of none.
std::string AllMet(const Model& model, bool (*meant)(const Expectation&));

/// ", <what> AS <column of the expectation>" for each: whether a row meets it, a null being none; true of rows that are
/// not `fresh`. In the dialects of DuckDB and of Spark, a condition on lines of its own, as it may end with a comment.
std::string ChecksSql(const Model& model, bool fresh);

/// The model's rows, each with one boolean column an expectation; one row a key when the model has a key, and every row
/// that is dropped or goes into quarantine.
std::string FreshRowsSql(const Model& model);

/// Which data files of the model's table hold rows with keys of fresh rows: one text column of paths.
std::string TouchedFilesSql(const Model& model);

/// The rows of the touched files with the fresh rows merged in, one row a key; columns as FreshRowsSql, and
/// kFreshColumn.
std::string MergedRowsSql(const Model& model);

/// A stretch of time as a condition on the rows of a model, from and to as SQL literals of the type of its event_time.
struct TimeWindow {
  std::string from;
  std::string to;  // excluded
};

/// Rows of the model that take the place of rows of its table, as conditions.
struct Replacement {
  std::string fresh;  // of fresh rows, named `r`
  /// Of the table's rows, named `old`; it may read the fresh ones that `fresh` is true of, named `fresh`.
  std::string old;
  bool old_reads_fresh = false;
};

/// How the two sides of a replacement are named in a statement: the model's table, and the fresh rows that take a
/// place.
struct ReplacementNames {
  std::string table;
  std::string fresh = "fresh";
};

/// Rows of a window of time take the place of those in it. With a key, fresh rows whose key the table has in the window
/// are taken whatever their time, so that no key is lost, and rows of their keys go wherever they are.
Replacement ReplacementOf(const Model& model, const TimeWindow& window, const ReplacementNames& names);

/// The same of all rows in some partitions.
Replacement ReplacementOf(const PartitionSlices& slices, ModelEngine engine);

/// "<relation>.ts >= <from> AND ...": the rows of a window.
std::string InWindow(const Model& model, std::string_view relation, const TimeWindow& window);

/// Which data files of the model's table hold rows that go: one text column of paths.
std::string ReplacedFilesSql(const Model& model, const Replacement& replacement);

/// What those files become: the fresh rows, and the others as they are. Columns as MergedRowsSql.
std::string ReplacingRowsSql(const Model& model, const Replacement& replacement);

/// The fresh rows alone, for planning.
std::string ReplacingFreshSql(const Model& model, const Replacement& replacement);

/// Names of the columns that FreshRowsSql adds, one an expectation, in their order.
std::string ExpectationColumn(size_t index);

}  // namespace millrace::refine
