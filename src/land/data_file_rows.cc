#include "land/data_file_rows.h"

#include <arrow/api.h>
#include <arrow/extension_type.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "land/arrow_status.h"
#include "land/conform.h"
#include "land/open_data_file.h"

namespace millrace::land {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

constexpr const char* kFieldId = "PARQUET:field_id";
constexpr int64_t kBatchRows = 32'768;

/// Empty when it has none.
std::string IdOf(const arrow::Field& field) {
  return field.metadata() == nullptr ? std::string() : field.metadata()->Get(kFieldId).ValueOr("");
}

/// The numbers of `have`'s fields by their ids.
std::map<std::string, int> ById(const arrow::FieldVector& have) {
  std::map<std::string, int> numbers;
  for (size_t i = 0; i < have.size(); ++i) {
    if (auto id = IdOf(*have[i]); !id.empty()) numbers.emplace(std::move(id), static_cast<int>(i));
  }
  return numbers;
}

ArrayPtr Renamed(const ArrayPtr& array, const arrow::DataType& want);

/// The members that the table has, under its names; what the file lacks is left to Conform.
ArrayPtr RenamedStruct(const arrow::StructArray& group, const arrow::DataType& want) {
  const auto numbers = ById(group.type()->fields());
  arrow::FieldVector fields;
  std::vector<std::shared_ptr<arrow::ArrayData>> children;
  for (const auto& member : want.fields()) {
    const auto found = numbers.find(IdOf(*member));
    if (found == numbers.end()) continue;
    const auto child =
        Renamed(arrow::MakeArray(group.data()->child_data[static_cast<size_t>(found->second)]), *member->type());
    fields.push_back(arrow::field(member->name(), child->type()));
    children.push_back(child->data());
  }
  auto data = group.data()->Copy();
  data->type = arrow::struct_(fields);
  data->child_data = std::move(children);
  return arrow::MakeArray(data);
}

ArrayPtr RenamedMap(const arrow::MapArray& map, const arrow::MapType& want) {
  const auto& entries = *map.data()->child_data.at(0);
  const auto keys = Renamed(arrow::MakeArray(entries.child_data.at(0)), *want.key_type());
  const auto items = Renamed(arrow::MakeArray(entries.child_data.at(1)), *want.item_type());
  const auto type = std::make_shared<arrow::MapType>(want.key_field()->WithType(keys->type()),
                                                     want.item_field()->WithType(items->type()));
  auto child = entries.Copy();
  child->type = type->value_type();
  child->child_data = {keys->data(), items->data()};
  auto data = map.data()->Copy();
  data->type = type;
  data->child_data = {std::move(child)};
  return arrow::MakeArray(data);
}

ArrayPtr Renamed(const ArrayPtr& array, const arrow::DataType& want) {
  if (array->type_id() == arrow::Type::EXTENSION) {
    return Renamed(static_cast<const arrow::ExtensionArray&>(*array).storage(), want);
  }
  if (array->type_id() != want.id()) return array;
  switch (want.id()) {
    case arrow::Type::STRUCT:
      return RenamedStruct(static_cast<const arrow::StructArray&>(*array), want);
    case arrow::Type::LIST: {
      const auto child = Renamed(arrow::MakeArray(array->data()->child_data.at(0)), *want.field(0)->type());
      auto data = array->data()->Copy();
      data->type = arrow::list(want.field(0)->WithType(child->type()));
      data->child_data = {child->data()};
      return arrow::MakeArray(data);
    }
    case arrow::Type::MAP:
      return RenamedMap(static_cast<const arrow::MapArray&>(*array), static_cast<const arrow::MapType&>(want));
    default:
      return array;
  }
}

bool IsWrittenAsDictionary(const parquet::ColumnChunkMetaData& chunk) {
  const auto& pages = chunk.encoding_stats();
  return !pages.empty() && std::ranges::all_of(pages, [](const parquet::PageEncodingStats& stats) {
    return stats.page_type == parquet::PageType::DICTIONARY_PAGE ||
           stats.encoding == parquet::Encoding::RLE_DICTIONARY || stats.encoding == parquet::Encoding::PLAIN_DICTIONARY;
  });
}

bool IsWrittenAsDictionary(const parquet::FileMetaData& footer, int column) {
  for (int group = 0; group < footer.num_row_groups(); ++group) {
    if (!IsWrittenAsDictionary(*footer.RowGroup(group)->ColumnChunk(column))) return false;
  }
  return footer.num_row_groups() > 0;
}

/// The numbers of columns that are no struct, list or map, by their field ids: within those the reader takes no
/// dictionary that changes from row group to row group.
std::map<std::string, int> ColumnsOf(const parquet::FileMetaData& footer, const parquet::ArrowReaderProperties& how) {
  parquet::arrow::SchemaManifest manifest;
  Check(parquet::arrow::SchemaManifest::Make(footer.schema(), footer.key_value_metadata(), how, &manifest), "reading");
  std::map<std::string, int> columns;
  for (const auto& field : manifest.schema_fields) {
    if (!field.is_leaf()) continue;
    if (auto id = IdOf(*field.field); !id.empty()) columns.emplace(std::move(id), field.column_index);
  }
  return columns;
}

bool IsDictionary(const std::shared_ptr<arrow::Field>& field) { return field->type()->id() == arrow::Type::DICTIONARY; }

bool IsText(const arrow::Field& field) {
  return field.type()->id() == arrow::Type::STRING || field.type()->id() == arrow::Type::BINARY;
}

}  // namespace

struct DataFileRows::State {
  std::string file_path;
  std::shared_ptr<arrow::Schema> columns;
  std::unique_ptr<parquet::arrow::FileReader> file;
  std::unique_ptr<arrow::RecordBatchReader> batches;

  void Open(io::ObjectStore& store) {
    auto input = OpenDataFile(store, file_path);
    parquet::ArrowReaderProperties properties;
    properties.set_batch_size(kBatchRows);
    properties.set_use_threads(false);
    properties.set_pre_buffer(false);
    if (std::ranges::any_of(columns->fields(), IsDictionary)) TakeDictionaries(*input->metadata(), properties);
    file = ValueOf(parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(input), properties),
                   "reading");
    batches = ValueOf(file->GetRecordBatchReader(), "reading");
    if (ById(batches->schema()->fields()).empty()) {
      throw Error(ErrorCode::kData, "its columns have no field ids; it is left as it is");
    }
  }

  void TakeDictionaries(const parquet::FileMetaData& footer, parquet::ArrowReaderProperties& properties) const {
    const auto numbers = ColumnsOf(footer, properties);
    for (const auto& column : columns->fields()) {
      const auto found = numbers.find(IdOf(*column));
      if (IsDictionary(column) && found != numbers.end()) properties.set_read_dictionary(found->second, true);
    }
  }

  std::shared_ptr<arrow::RecordBatch> InColumns(const arrow::RecordBatch& rows) const {
    const auto numbers = ById(rows.schema()->fields());
    arrow::FieldVector fields;
    arrow::ArrayVector arrays;
    for (const auto& column : columns->fields()) {
      const auto found = numbers.find(IdOf(*column));
      if (found == numbers.end()) continue;
      arrays.push_back(Renamed(rows.column(found->second), *column->type()));
      fields.push_back(arrow::field(column->name(), arrays.back()->type()));
    }
    return Conform(arrow::RecordBatch::Make(arrow::schema(fields), rows.num_rows(), arrays), columns);
  }
};

DataFileRows::DataFileRows(io::ObjectStore& store, const std::string& file_path, std::shared_ptr<arrow::Schema> columns)
    : state_(new State{file_path, std::move(columns), nullptr, nullptr}) {
  ReadingDataFile(state_->file_path, [&] { state_->Open(store); });
}

DataFileRows::~DataFileRows() = default;

std::shared_ptr<arrow::RecordBatch> DataFileRows::Next() {
  return ReadingDataFile(state_->file_path, [&]() -> std::shared_ptr<arrow::RecordBatch> {
    const auto rows = ValueOf(state_->batches->Next(), "reading");
    return rows ? state_->InColumns(*rows) : nullptr;
  });
}

std::shared_ptr<arrow::Schema> WithDictionaries(io::ObjectStore& store, const std::string& file_path,
                                                const std::shared_ptr<arrow::Schema>& columns) {
  return ReadingDataFile(file_path, [&] {
    const auto footer = OpenDataFile(store, file_path)->metadata();
    const auto numbers = ColumnsOf(*footer, parquet::default_arrow_reader_properties());
    arrow::FieldVector fields;
    for (const auto& column : columns->fields()) {
      const auto found = numbers.find(IdOf(*column));
      const bool takes = IsText(*column) && found != numbers.end() && IsWrittenAsDictionary(*footer, found->second);
      fields.push_back(takes ? column->WithType(arrow::dictionary(arrow::int32(), column->type())) : column);
    }
    return arrow::schema(std::move(fields));
  });
}

}  // namespace millrace::land
