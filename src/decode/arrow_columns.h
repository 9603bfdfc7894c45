#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "decode/column.h"
#include "decode/infer.h"

/// Between Arrow's types and arrays and the column tree.
namespace millrace::decode {

struct JsonDecoderOptions;

/// Makes the members of `root` from a schema; `_rescued` is left out. Error kConfig names a column whose type JSON
/// cannot be read into, or that is in `json_columns` (dotted paths) without being a string.
void AddColumns(const arrow::Schema& schema, const std::set<std::string>& json_columns, Column& root);

/// What the column hands out: type, nullability, and the metadata it came with.
std::shared_ptr<arrow::Field> FieldOf(const Column& column);

/// Pads to `rows` and hands the buffers over. The column is Emitted().
std::shared_ptr<arrow::ArrayData> FinishColumn(Column& column, int64_t rows);

/// Names below a column, at all levels.
size_t CountNames(const Column& column);

/// The columns of `root` that values can come out of, and `rescued` behind them.
std::shared_ptr<arrow::Schema> SchemaOf(const Column& root, const Column& rescued);
/// The rows of `root` under what SchemaOf gave; the buffers are handed over.
std::shared_ptr<arrow::RecordBatch> FinishRows(std::shared_ptr<arrow::Schema> schema, Column& root, Column& rescued);

/// Whether a member called `name` of `object` is never a column: a reserved name at the top.
bool IsReserved(const JsonDecoderOptions& options, const Column& object, std::string_view name);

/// Gives the tree what was observed and it lacks: new members, and types for undecided ones. Existing types stay.
/// Returns the new number of names in the tree (`columns` before).
size_t MergeObserved(const Observed& observed, Column& object, size_t columns, const JsonDecoderOptions& options);

}  // namespace millrace::decode
