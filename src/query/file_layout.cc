#include "query/file_layout.h"

#include <arrow/io/file.h>
#include <arrow/status.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "schema/arrow_field.h"

namespace millrace::query {
namespace {

LayoutColumn ColumnOf(const arrow::Field& field) {
  LayoutColumn column;
  column.name = field.name();
  column.id = schema::MaybeFieldId(field);
  const auto& type = *field.type();
  switch (type.id()) {
    case arrow::Type::STRUCT:
      column.kind = LayoutColumn::Kind::kStruct;
      for (const auto& member : type.fields()) column.children.push_back(ColumnOf(*member));
      break;
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      column.kind = LayoutColumn::Kind::kList;
      column.children.push_back(ColumnOf(*type.field(0)));
      break;
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      column.kind = LayoutColumn::Kind::kMap;
      column.children.push_back(ColumnOf(*map.key_field()));
      column.children.push_back(ColumnOf(*map.item_field()));
      break;
    }
    default:
      break;
  }
  return column;
}

bool HasIds(const LayoutColumn& column) {
  return column.id || std::any_of(column.children.begin(), column.children.end(), HasIds);
}

void Render(const LayoutColumn& column, std::string& out) {
  out += fmt::format("{}:{}:{}(", column.name.size(), column.name, column.id ? column.id->value() : 0);
  for (const auto& child : column.children) Render(child, out);
  out += fmt::format("){}", static_cast<int>(column.kind));
}

/// List elements and map parts go by these names, whatever the file calls them (Iceberg spec, "Column Projection").
std::string MappedName(const LayoutColumn& parent, size_t child) {
  if (parent.kind == LayoutColumn::Kind::kList) return "element";
  if (parent.kind == LayoutColumn::Kind::kMap) return child == 0 ? "key" : "value";
  return parent.children[child].name;
}

void GiveId(LayoutColumn& column, const std::string& name, const std::vector<schema::MappedField>& mapping) {
  const auto found = std::find_if(mapping.begin(), mapping.end(), [&](const schema::MappedField& field) {
    return std::find(field.names.begin(), field.names.end(), name) != field.names.end();
  });
  if (found == mapping.end()) return;
  column.id = found->id;
  for (size_t i = 0; i < column.children.size(); ++i) GiveId(column.children[i], MappedName(column, i), found->fields);
}

}  // namespace

std::string FileLayout::Signature() const {
  std::string text;
  for (const auto& column : columns) Render(column, text);
  return text;
}

FileLayout ReadFileLayout(const std::string& path) {
  auto opened = arrow::io::ReadableFile::Open(path);
  if (!opened.ok())
    throw Error(ErrorCode::kUnavailable, fmt::format("cannot read {}: {}", path, opened.status().message()));
  std::shared_ptr<arrow::Schema> columns;
  try {
    const auto reader = parquet::ParquetFileReader::Open(*opened);
    const auto status = parquet::arrow::FromParquetSchema(reader->metadata()->schema(), &columns);
    if (!status.ok())
      throw Error(ErrorCode::kData, fmt::format("cannot read the columns of {}: {}", path, status.message()));
  } catch (const parquet::ParquetException& error) {
    throw Error(ErrorCode::kData, fmt::format("{} is no readable Parquet file: {}", path, error.what()));
  }
  FileLayout layout;
  for (const auto& field : columns->fields()) layout.columns.push_back(ColumnOf(*field));
  layout.has_ids = std::any_of(layout.columns.begin(), layout.columns.end(), HasIds);
  return layout;
}

FileLayout WithIds(FileLayout layout, const schema::NameMapping& mapping) {
  for (auto& column : layout.columns) GiveId(column, column.name, mapping.fields);
  return layout;
}

std::shared_ptr<const FileLayout> FileLayouts::Get(const std::string& path) {
  constexpr size_t kLayoutsMax = 20000;
  {
    const std::lock_guard lock(mutex_);
    const auto found = layouts_.find(path);
    if (found != layouts_.end()) return found->second;
  }
  auto layout = std::make_shared<const FileLayout>(ReadFileLayout(path));
  const std::lock_guard lock(mutex_);
  if (layouts_.size() >= kLayoutsMax) layouts_.clear();
  return layouts_.emplace(path, std::move(layout)).first->second;
}

}  // namespace millrace::query
