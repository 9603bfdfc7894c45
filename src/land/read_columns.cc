#include "land/read_columns.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/schema.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "land/arrow_compute.h"
#include "land/arrow_status.h"
#include "land/object_stream.h"

namespace millrace::land {
namespace {

/// For each id the number of its column in the file.
std::vector<std::optional<int>> Locate(const parquet::SchemaDescriptor& descriptor, const schema::Schema& schema,
                                       const std::vector<schema::FieldId>& ids) {
  std::vector<std::optional<int>> columns(ids.size());
  bool has_ids = false;
  for (int i = 0; i < descriptor.num_columns(); ++i) {
    has_ids = has_ids || descriptor.Column(i)->schema_node()->field_id() > 0;
  }
  for (size_t k = 0; k < ids.size(); ++k) {
    const std::string path = schema.PathOf(ids[k]);
    for (int i = 0; i < descriptor.num_columns(); ++i) {
      const auto& column = *descriptor.Column(i);
      const bool same =
          has_ids ? column.schema_node()->field_id() == ids[k].value() : column.path()->ToDotString() == path;
      if (same) columns[k] = i;
    }
  }
  return columns;
}

void AppendFlat(const std::shared_ptr<arrow::Array>& array, arrow::ArrayVector& leaves) {
  if (array->type_id() == arrow::Type::EXTENSION) {
    return AppendFlat(static_cast<const arrow::ExtensionArray&>(*array).storage(), leaves);
  }
  if (array->type_id() != arrow::Type::STRUCT) {
    leaves.push_back(array);
    return;
  }
  for (const auto& child : ValueOf(static_cast<const arrow::StructArray&>(*array).Flatten(), "flattening a column")) {
    AppendFlat(child, leaves);
  }
}

/// Files remember the types that other writers had in memory: texts with long offsets, dictionaries, milliseconds. They
/// become what a table's values are.
std::shared_ptr<arrow::Array> Plain(const std::shared_ptr<arrow::Array>& array) {
  const auto as = [&](const std::shared_ptr<arrow::DataType>& type) {
    StartCompute();
    return ValueOf(arrow::compute::Cast(*array, type, arrow::compute::CastOptions::Unsafe()), "reading");
  };
  switch (array->type_id()) {
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return as(arrow::utf8());
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
      return as(arrow::binary());
    case arrow::Type::DICTIONARY:
      return Plain(as(static_cast<const arrow::DictionaryType&>(*array->type()).value_type()));
    case arrow::Type::TIMESTAMP: {
      const auto& type = static_cast<const arrow::TimestampType&>(*array->type());
      return type.unit() == arrow::TimeUnit::MICRO ? array
                                                   : as(arrow::timestamp(arrow::TimeUnit::MICRO, type.timezone()));
    }
    default:
      return array;
  }
}

void Read(io::ObjectStore& store, const std::string& key, const schema::Schema& schema,
          const std::vector<schema::FieldId>& ids, const std::function<void(const arrow::ArrayVector&)>& visit) {
  auto file = parquet::ParquetFileReader::Open(std::make_shared<ObjectInput>(store, key));
  const auto located = Locate(*file->metadata()->schema(), schema, ids);
  std::vector<int> columns;
  for (const auto& column : located) {
    if (column) columns.push_back(*column);
  }
  std::ranges::sort(columns);
  const int row_groups = file->metadata()->num_row_groups();
  const auto reader =
      ValueOf(parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(file)), "reading");
  std::vector<int> groups;
  for (int i = 0; i < row_groups; ++i) groups.push_back(i);
  const auto batches = ValueOf(reader->GetRecordBatchReader(groups, columns), "reading");
  for (;;) {
    const auto batch = ValueOf(batches->Next(), "reading");
    if (!batch) return;
    arrow::ArrayVector leaves;
    for (const auto& column : batch->columns()) AppendFlat(column, leaves);
    arrow::ArrayVector wanted;
    for (const auto& column : located) {
      const auto at = column ? std::ranges::find(columns, *column) - columns.begin() : 0;
      wanted.push_back(column ? Plain(leaves.at(static_cast<size_t>(at)))
                              : ValueOf(arrow::MakeArrayOfNull(arrow::utf8(), batch->num_rows()), "reading"));
    }
    visit(wanted);
  }
}

}  // namespace

void ReadColumns(io::ObjectStore& store, const std::string& file_path, const schema::Schema& schema,
                 const std::vector<schema::FieldId>& ids, const std::function<void(const arrow::ArrayVector&)>& visit) {
  WithContext("data file " + file_path, [&] {
    const auto key = store.KeyOf(file_path);
    if (!key)
      throw Error(ErrorCode::kStop,
                  "it lies outside this lake's warehouse; open the lake with the warehouse it was made in");
    try {
      Read(store, *key, schema, ids, visit);
    } catch (const parquet::ParquetException& error) {
      throw Error(ErrorCode::kData, std::string("it cannot be read: ") + error.what() + "; restore it from a copy");
    }
  });
}

}  // namespace millrace::land
