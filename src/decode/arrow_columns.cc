#include "decode/arrow_columns.h"

#include <arrow/array/data.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "decode/json_decoder.h"
#include "event/decoder.h"

namespace millrace::decode {
namespace {

bool IsUuid(const arrow::Field& field) {
  return field.metadata() && field.metadata()->Get("iceberg.type").ValueOr("") == "uuid";
}

[[noreturn]] void ThrowUnsupported(const arrow::Field& field, const std::string& path) {
  throw Error(ErrorCode::kConfig,
              fmt::format("column {}: JSON is not read into {}; declare another type", path, field.type()->ToString()));
}

ColumnKind TimestampKind(const arrow::Field& field, const std::string& path) {
  const auto& type = static_cast<const arrow::TimestampType&>(*field.type());
  if (type.unit() != arrow::TimeUnit::MICRO) ThrowUnsupported(field, path);
  return type.timezone().empty() ? ColumnKind::kTimestamp : ColumnKind::kTimestamptz;
}

ColumnKind KindOf(const arrow::Field& field, const std::string& path) {
  switch (field.type()->id()) {
    case arrow::Type::BOOL:
      return ColumnKind::kBool;
    case arrow::Type::INT32:
      return ColumnKind::kInt;
    case arrow::Type::INT64:
      return ColumnKind::kLong;
    case arrow::Type::FLOAT:
      return ColumnKind::kFloat;
    case arrow::Type::DOUBLE:
      return ColumnKind::kDouble;
    case arrow::Type::STRING:
      return ColumnKind::kString;
    case arrow::Type::BINARY:
      return ColumnKind::kBinary;
    case arrow::Type::TIMESTAMP:
      return TimestampKind(field, path);
    case arrow::Type::DATE32:
      return ColumnKind::kDate;
    case arrow::Type::TIME64:
      if (static_cast<const arrow::Time64Type&>(*field.type()).unit() != arrow::TimeUnit::MICRO) break;
      return ColumnKind::kTime;
    case arrow::Type::DECIMAL128:
      return ColumnKind::kDecimal;
    case arrow::Type::FIXED_SIZE_BINARY:
      return IsUuid(field) ? ColumnKind::kUuid : ColumnKind::kFixed;
    case arrow::Type::STRUCT:
      return ColumnKind::kStruct;
    case arrow::Type::LIST:
      return ColumnKind::kList;
    case arrow::Type::MAP:
      return ColumnKind::kMap;
    default:
      break;
  }
  ThrowUnsupported(field, path);
}

/// Adds one field, and what is below it, to its parent.
class TreeMaker {
 public:
  explicit TreeMaker(const std::set<std::string>& json_columns) : json_columns_(json_columns) {}

  void Add(const arrow::Field& field, const std::string& path, Column& parent) const {
    ColumnKind kind = KindOf(field, path);
    if (json_columns_.contains(path)) {
      if (kind != ColumnKind::kString) {
        throw Error(ErrorCode::kConfig, fmt::format("column {} keeps JSON text: declare it as string", path));
      }
      kind = ColumnKind::kJson;
    }
    Column& column = parent.AddChild(field.name(), kind);
    column.required = !field.nullable();
    column.metadata = field.metadata();
    parent.has_required = parent.has_required || column.required;
    AddParts(field, path, column);
  }

 private:
  void AddParts(const arrow::Field& field, const std::string& path, Column& column) const {
    if (column.kind == ColumnKind::kDecimal) {
      const auto& type = static_cast<const arrow::Decimal128Type&>(*field.type());
      column.precision = type.precision();
      column.scale = type.scale();
    } else if (column.kind == ColumnKind::kFixed) {
      column.width = static_cast<const arrow::FixedSizeBinaryType&>(*field.type()).byte_width();
    } else if (column.kind == ColumnKind::kMap) {
      const auto& type = static_cast<const arrow::MapType&>(*field.type());
      if (type.key_type()->id() != arrow::Type::STRING) ThrowUnsupported(field, path);
      Add(*type.key_field(), path + ".key", column);
      Add(*type.item_field(), path + ".value", column);
    } else if (column.kind == ColumnKind::kList) {
      const auto& element = static_cast<const arrow::ListType&>(*field.type()).value_field();
      Add(*element, path + ".element", column);
    } else if (column.kind == ColumnKind::kStruct) {
      for (const auto& member : field.type()->fields()) Add(*member, path + "." + member->name(), column);
    }
  }

  const std::set<std::string>& json_columns_;
};

std::shared_ptr<arrow::DataType> TypeOf(const Column& column) {
  switch (column.kind) {
    case ColumnKind::kBool:
      return arrow::boolean();
    case ColumnKind::kInt:
      return arrow::int32();
    case ColumnKind::kLong:
      return arrow::int64();
    case ColumnKind::kFloat:
      return arrow::float32();
    case ColumnKind::kDouble:
      return arrow::float64();
    case ColumnKind::kString:
    case ColumnKind::kJson:
      return arrow::utf8();
    case ColumnKind::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case ColumnKind::kTimestamptz:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case ColumnKind::kDate:
      return arrow::date32();
    case ColumnKind::kTime:
      return arrow::time64(arrow::TimeUnit::MICRO);
    case ColumnKind::kDecimal:
      return arrow::decimal128(column.precision, column.scale);
    case ColumnKind::kUuid:
    case ColumnKind::kFixed:
      return arrow::fixed_size_binary(column.width);
    case ColumnKind::kBinary:
      return arrow::binary();
    case ColumnKind::kList:
      return arrow::list(FieldOf(*column.children[0]));
    case ColumnKind::kMap:
      return std::make_shared<arrow::MapType>(FieldOf(*column.children[0]), FieldOf(*column.children[1]));
    case ColumnKind::kStruct: {
      arrow::FieldVector members;
      for (const auto& member : column.children) {
        if (member->Emitted()) members.push_back(FieldOf(*member));
      }
      return arrow::struct_(members);
    }
    case ColumnKind::kUndecided:
      break;
  }
  return arrow::null();
}

/// One byte a row to one bit a row.
std::shared_ptr<arrow::Buffer> PackBits(const FlatBuffer& bytes) {
  FlatBuffer bits;
  const int64_t rows = bytes.size();
  bits.AppendZeros((rows + 7) / 8);
  for (int64_t row = 0; row < rows; ++row) {
    bits.data()[row >> 3] = static_cast<uint8_t>(bits.data()[row >> 3] | (bytes.data()[row] & 1) << (row & 7));
  }
  return bits.Finish();
}

ColumnKind KindOf(const Observed& observed) {
  switch (observed.kind()) {
    case Observed::Kind::kBool:
      return ColumnKind::kBool;
    case Observed::Kind::kInteger:
      return ColumnKind::kLong;
    case Observed::Kind::kDouble:
      return ColumnKind::kDouble;
    case Observed::Kind::kText:
      return observed.all_timestamps() ? ColumnKind::kTimestamptz : ColumnKind::kString;
    case Observed::Kind::kObject:
      return ColumnKind::kStruct;
    case Observed::Kind::kList:
      return ColumnKind::kList;
    case Observed::Kind::kNothing:
      break;
  }
  return ColumnKind::kUndecided;
}

/// Names that the tree may still take.
class Merger {
 public:
  Merger(size_t columns, const JsonDecoderOptions& options) : columns_(columns), options_(options) {}

  size_t columns() const { return columns_; }

  void Members(const Observed& observed, Column& object) {
    for (const auto& member : observed.members()) {
      if (Column* known = object.FindChild(member->name)) {
        Known(member->value, *known);
      } else if (columns_ < static_cast<size_t>(options_.columns_max) && !object.HasFolded(member->name) &&
                 !IsReserved(options_, object, member->name)) {
        ++columns_;
        Known(member->value, object.AddChild(member->name, ColumnKind::kUndecided));
      }
    }
  }

 private:
  void Known(const Observed& observed, Column& column) {
    const ColumnKind kind = KindOf(observed);
    if (column.kind == ColumnKind::kUndecided && observed.Typed()) {
      column.Decide(kind);
      if (kind == ColumnKind::kList) {
        ++columns_;
        column.AddChild("element", ColumnKind::kUndecided);
      }
    }
    if (column.kind == ColumnKind::kStruct && kind == ColumnKind::kStruct) Members(observed, column);
    if (column.kind == ColumnKind::kList && kind == ColumnKind::kList) Known(observed.element(), *column.children[0]);
  }

  size_t columns_;
  const JsonDecoderOptions& options_;
};

}  // namespace

void AddColumns(const arrow::Schema& schema, const std::set<std::string>& json_columns, Column& root) {
  const TreeMaker maker(json_columns);
  for (const auto& field : schema.fields()) {
    if (field->name() != event::kRescuedColumn) maker.Add(*field, field->name(), root);
  }
}

std::shared_ptr<arrow::Field> FieldOf(const Column& column) {
  return arrow::field(column.name, TypeOf(column), !column.required, column.metadata);
}

std::shared_ptr<arrow::ArrayData> FinishColumn(Column& column, int64_t rows) {
  column.PadTo(rows);
  std::shared_ptr<arrow::Buffer> validity = column.has_nulls ? column.validity.Finish() : nullptr;
  const int64_t nulls = column.has_nulls ? arrow::kUnknownNullCount : 0;
  auto type = TypeOf(column);
  std::vector<std::shared_ptr<arrow::Buffer>> buffers{std::move(validity)};
  std::vector<std::shared_ptr<arrow::ArrayData>> parts;
  if (column.is_text()) {
    buffers.push_back(column.values.Finish());
    buffers.push_back(column.text.Finish());
  } else if (column.kind == ColumnKind::kBool) {
    buffers.push_back(PackBits(column.values));
  } else if (column.kind == ColumnKind::kStruct) {
    for (auto& member : column.children) {
      if (member->Emitted()) parts.push_back(FinishColumn(*member, rows));
    }
  } else if (column.kind == ColumnKind::kList || column.kind == ColumnKind::kMap) {
    const auto elements = column.values.At<int32_t>(rows);
    buffers.push_back(column.values.Finish());
    for (auto& part : column.children) parts.push_back(FinishColumn(*part, elements));
    if (column.kind == ColumnKind::kMap) {
      const auto& entries = static_cast<const arrow::MapType&>(*type).value_type();
      parts = {arrow::ArrayData::Make(entries, elements, {nullptr}, std::move(parts), 0)};
    }
  } else {
    buffers.push_back(column.values.Finish());
  }
  return arrow::ArrayData::Make(std::move(type), rows, std::move(buffers), std::move(parts), nulls);
}

size_t CountNames(const Column& column) {
  size_t count = column.children.size();
  for (const auto& child : column.children) count += CountNames(*child);
  return count;
}

std::shared_ptr<arrow::Schema> SchemaOf(const Column& root, const Column& rescued) {
  arrow::FieldVector fields;
  for (const auto& column : root.children) {
    if (column->Emitted()) fields.push_back(FieldOf(*column));
  }
  fields.push_back(FieldOf(rescued));
  return arrow::schema(std::move(fields));
}

std::shared_ptr<arrow::RecordBatch> FinishRows(std::shared_ptr<arrow::Schema> schema, Column& root, Column& rescued) {
  const int64_t rows = root.length;
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  for (auto& column : root.children) {
    if (column->Emitted()) columns.push_back(FinishColumn(*column, rows));
  }
  columns.push_back(FinishColumn(rescued, rows));
  return arrow::RecordBatch::Make(std::move(schema), rows, std::move(columns));
}

bool IsReserved(const JsonDecoderOptions& options, const Column& object, std::string_view name) {
  if (object.parent != nullptr) return false;
  const std::string folded = FoldName(name);
  return folded == event::kRescuedColumn || options.reserved_names.contains(folded);
}

size_t MergeObserved(const Observed& observed, Column& object, size_t columns, const JsonDecoderOptions& options) {
  Merger merger(columns, options);
  merger.Members(observed, object);
  return merger.columns();
}

}  // namespace millrace::decode
