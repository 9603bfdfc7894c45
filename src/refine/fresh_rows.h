#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "refine/model.h"

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

/// The model's rows, each with one boolean column an expectation; one row a key when the model has a key, and every row
/// that is dropped or goes into quarantine.
std::string FreshRowsSql(const Model& model);

/// Which data files of the model's table hold rows with keys of fresh rows: one text column of paths.
std::string TouchedFilesSql(const Model& model);

/// The rows of the touched files with the fresh rows merged in, one row a key; columns as FreshRowsSql, and
/// kFreshColumn.
std::string MergedRowsSql(const Model& model);

/// Names of the columns that FreshRowsSql adds, one an expectation, in their order.
std::string ExpectationColumn(size_t index);

}  // namespace millrace::refine
