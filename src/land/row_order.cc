#include "land/row_order.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <utility>

#include "land/arrow_status.h"
#include "land/column_at.h"
#include "table/transform.h"

// GCC 12 at -O3 takes the variant inside arrow::FieldRef for one that always holds its vector.
#pragma GCC diagnostic ignored "-Wfree-nonheap-object"

namespace millrace::land {

RowOrder::RowOrder(const table::SortOrder& order, const schema::Schema& schema) {
  for (const auto& field : order.fields) {
    const schema::Field* source = schema.Find(field.source_id);
    const auto* type = source == nullptr ? nullptr : std::get_if<schema::PrimitiveType>(&source->type);
    if (type == nullptr || !table::CanTransform(field.transform, *type)) {
      keys_.clear();
      return;
    }
    keys_.push_back({.path = schema.PathOf(field.source_id), .type = *type, .field = field});
  }
}

std::shared_ptr<arrow::Table> RowOrder::Sort(const std::shared_ptr<arrow::Table>& rows) const {
  const auto batch = ValueOf(rows->CombineChunksToBatch(), "gathering rows to sort");
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  std::vector<arrow::compute::SortKey> sort_keys;
  for (const Key& key : keys_) {
    columns.push_back(table::TransformColumn(key.field.transform, key.type, ColumnAt(*batch, key.path)));
    fields.push_back(arrow::field(std::to_string(fields.size()), columns.back()->type()));
    sort_keys.emplace_back(
        fields.back()->name(),
        key.field.ascending ? arrow::compute::SortOrder::Ascending : arrow::compute::SortOrder::Descending,
        key.field.nulls_first ? arrow::compute::NullPlacement::AtStart : arrow::compute::NullPlacement::AtEnd);
  }
  const auto key_rows =
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch->num_rows(), std::move(columns));
  const auto indices =
      ValueOf(arrow::compute::SortIndices(key_rows, arrow::compute::SortOptions(std::move(sort_keys))), "sorting rows");
  const auto sorted =
      ValueOf(arrow::compute::Take(batch, indices, arrow::compute::TakeOptions::NoBoundsCheck()), "sorting rows");
  return arrow::Table::Make(rows->schema(), sorted.record_batch()->columns());
}

}  // namespace millrace::land
