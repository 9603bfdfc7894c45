#include "land/upsert/key_values.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "land/arrow_compute.h"
#include "land/arrow_status.h"
#include "land/conform.h"
#include "land/data_path.h"
#include "land/file_metrics.h"
#include "land/parquet_file.h"
#include "table/spec_update.h"

namespace millrace::land {
namespace {

constexpr const char* kDoing = "keys that are deleted by value";
constexpr int64_t kRowGroupRows = int64_t{1} << 20;
constexpr int kZstdLevel = 1;

/// The table's columns of the key, in the key's order.
schema::Schema ColumnsOf(const table::TableMetadata& metadata, const std::vector<std::string>& key) {
  schema::Schema columns;
  for (const auto& name : key) {
    const auto found = std::ranges::find(metadata.schema().fields, name, &schema::Field::name);
    if (found == metadata.schema().fields.end()) {
      throw Error(ErrorCode::kConfig, "key column " + name +
                                          " is not at the top of the table: rows are deleted by the values of such "
                                          "columns alone; name one of them under `key`, or say `write: merge_on_read`");
    }
    columns.fields.push_back(*found);
  }
  return columns;
}

/// Equality ids may be neither fractions nor lists, maps or structs.
bool CanBeCompared(const schema::Field& field) {
  const auto* type = std::get_if<schema::PrimitiveType>(&field.type);
  return type != nullptr && type->kind != schema::Primitive::kFloat && type->kind != schema::Primitive::kDouble;
}

}  // namespace

void KeyValues::Check(const table::TableMetadata& metadata) const {
  for (const auto& field : ColumnsOf(metadata, key_).fields) {
    if (CanBeCompared(field)) continue;
    throw Error(ErrorCode::kConfig, "key column " + field.name + " is a " + schema::ToString(field.type) +
                                        ", by whose values Iceberg deletes no rows; say `write: merge_on_read`, or let "
                                        "the key be of whole numbers, decimals, text or times");
  }
}

void KeyValues::Add(const std::shared_ptr<arrow::RecordBatch>& batch, const std::vector<int64_t>& rows) {
  if (rows.empty()) return;
  StartCompute();
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  const arrow::Int64Array places(static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows));
  for (const auto& name : key_) {
    const auto column = batch->GetColumnByName(name);
    arrays.push_back(
        ValueOf(arrow::compute::Take(*column, places, arrow::compute::TakeOptions::NoBoundsCheck()), kDoing));
    fields.push_back(arrow::field(name, column->type()));
  }
  keys_.push_back(arrow::RecordBatch::Make(arrow::schema(fields), places.length(), arrays));
  bytes_ += arrow::util::TotalBufferSize(*keys_.back());
}

void KeyValues::Clear() {
  keys_.clear();
  bytes_ = 0;
}

table::DataFile KeyValues::Write(io::ObjectStore& store, const table::TableMetadata& metadata,
                                 const std::string& name) const {
  const auto* everywhere = table::UnpartitionedSpec(metadata);
  if (everywhere == nullptr) {
    throw Error(ErrorCode::kStop,
                "the table has no spec without fields any more, by which rows are deleted wherever they lie: somebody "
                "removed it; start again, and it is added");
  }
  const auto columns = ColumnsOf(metadata, key_);
  const auto form = schema::ToArrow(columns);
  arrow::RecordBatchVector conformed;
  for (const auto& keys : keys_) conformed.push_back(Conform(keys, form));
  const auto rows = ValueOf(arrow::Table::FromRecordBatches(form, conformed), kDoing);
  const std::string object = DataPrefix(store, metadata) + name + "-equality-deletes.parquet";
  ChosenEncodings encodings;
  ParquetFile file(store, object, form, kZstdLevel, encodings);
  for (int64_t first = 0; first < rows->num_rows(); first += kRowGroupRows) {
    file.WriteRowGroup(*rows->Slice(first, kRowGroupRows));
  }
  FaultPoint("land.before_equality_deletes");
  auto deletes = Measure(std::move(file).Close(), columns, MetricsConfig(metadata.properties, columns));
  FaultPoint("land.after_equality_deletes");
  deletes.content = table::FileContent::kEqualityDeletes;
  deletes.file_path = store.UriOf(object);
  deletes.spec_id = everywhere->spec_id;
  for (const auto& field : columns.fields) deletes.equality_ids.push_back(field.id);
  deletes.sort_order_id = 0;
  return deletes;
}

}  // namespace millrace::land
