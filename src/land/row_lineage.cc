#include "land/row_lineage.h"

#include <arrow/api.h>

#include <optional>
#include <utility>

#include "land/arrow_status.h"

namespace millrace::land {
namespace {

constexpr const char* kDoing = "the lineage of rows";
/// Iceberg spec, "Reserved Field IDs": frozen.
constexpr const char* kRowId = "_row_id";
constexpr schema::FieldId kRowIdField{2147483540};
constexpr const char* kSequence = "_last_updated_sequence_number";
constexpr schema::FieldId kSequenceField{2147483539};

template <typename Inherit>
std::shared_ptr<arrow::Array> Filled(const arrow::Array& column, Inherit inherit) {
  const auto& values = static_cast<const arrow::Int64Array&>(column);
  arrow::Int64Builder filled;
  Check(filled.Reserve(values.length()), kDoing);
  for (int64_t row = 0; row < values.length(); ++row) {
    const std::optional<int64_t> value = values.IsValid(row) ? values.Value(row) : inherit(row);
    if (value) {
      filled.UnsafeAppend(*value);
    } else {
      filled.UnsafeAppendNull();
    }
  }
  return ValueOf(filled.Finish(), kDoing);
}

}  // namespace

schema::Schema WithLineage(const table::TableMetadata& metadata) {
  schema::Schema columns = metadata.schema();
  for (const auto& [name, id] : {std::pair(kRowId, kRowIdField), std::pair(kSequence, kSequenceField)}) {
    columns.fields.push_back({.id = id, .name = name, .type = schema::ParseType("long")});
  }
  return columns;
}

MetricsConfig MetricsWithLineage(const table::TableMetadata& metadata, const schema::Schema& columns) {
  auto properties = metadata.properties;
  for (const auto* name : {kRowId, kSequence}) {
    properties[std::string("write.metadata.metrics.column.") + name] = "none";
  }
  return {properties, columns};
}

bool HasLineage(const table::TableMetadata& metadata, const table::DatedFile& file) {
  const auto& columns = metadata.schema();
  // A table with columns of these names cannot have both: its own stay.
  return metadata.format_version > 2 && (file.file.first_row_id || file.sequence.value() > 0) &&
         columns.Find(kRowId) == nullptr && columns.Find(kSequence) == nullptr;
}

std::shared_ptr<arrow::RecordBatch> Inherited(const std::shared_ptr<arrow::RecordBatch>& rows,
                                              const table::DatedFile& file, int64_t first) {
  const auto& start = file.file.first_row_id;
  auto columns = rows->columns();
  const auto fill = [&](const char* name, auto inherit) {
    auto& column = columns[static_cast<size_t>(rows->schema()->GetFieldIndex(name))];
    column = Filled(*column, inherit);
  };
  fill(kRowId, [&](int64_t row) { return start ? std::optional(*start + first + row) : std::nullopt; });
  fill(kSequence, [&](int64_t) { return std::optional(file.sequence.value()); });
  return arrow::RecordBatch::Make(rows->schema(), rows->num_rows(), std::move(columns));
}

}  // namespace millrace::land
