#include "land/avro_rows.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"
#include "io/digest.h"
#include "schema/arrow_field.h"
#include "table/manifest_schema.h"
#include "table/value.h"

namespace millrace::land {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void NoType(const arrow::DataType& type) {
  throw Error(ErrorCode::kInternal, "files of Avro have no type for " + type.ToString());
}

bool HasTextKeys(const arrow::DataType& type) {
  return static_cast<const arrow::MapType&>(type).key_type()->id() == arrow::Type::STRING;
}

Json Logical(const char* type, const char* logical) { return {{"type", type}, {"logicalType", logical}}; }

class SchemaWriter {
 public:
  Json Record(const arrow::FieldVector& fields, const std::string& name) {
    Json listed = Json::array();
    std::set<std::string> names;
    for (const auto& field : fields) {
      auto spelled = table::SanitizeAvroName(field->name());
      while (!names.insert(spelled).second) spelled += '_';
      Json one = {{"name", spelled}};
      if (spelled != field->name()) one["iceberg-field-name"] = field->name();
      one["type"] = Optional(*field, fmt::format("{}_{}", name, spelled));
      one["default"] = nullptr;
      if (const auto id = schema::MaybeFieldId(*field)) one["field-id"] = id->value();
      listed.push_back(std::move(one));
    }
    return {{"type", "record"}, {"name", name}, {"fields", std::move(listed)}};
  }

 private:
  Json Optional(const arrow::Field& field, const std::string& name) { return Json::array({"null", Type(field, name)}); }

  Json Type(const arrow::Field& field, const std::string& name) {
    const auto& type = *field.type();
    switch (type.id()) {
      case arrow::Type::BOOL:
        return "boolean";
      case arrow::Type::INT32:
        return "int";
      case arrow::Type::INT64:
        return "long";
      case arrow::Type::FLOAT:
        return "float";
      case arrow::Type::DOUBLE:
        return "double";
      case arrow::Type::STRING:
        return "string";
      case arrow::Type::BINARY:
        return "bytes";
      case arrow::Type::DATE32:
        return Logical("int", "date");
      case arrow::Type::TIME64:
        return Logical("long", "time-micros");
      case arrow::Type::TIMESTAMP: {
        const bool zoned = !static_cast<const arrow::TimestampType&>(type).timezone().empty();
        return Logical("long", zoned ? "timestamp-micros" : "local-timestamp-micros");
      }
      case arrow::Type::DECIMAL128: {
        const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
        auto written = Logical("bytes", "decimal");
        written["precision"] = decimal.precision();
        written["scale"] = decimal.scale();
        return written;
      }
      case arrow::Type::FIXED_SIZE_BINARY:
        if (schema::IsUuid(field)) return Logical("string", "uuid");
        return {{"type", "fixed"},
                {"name", name},
                {"size", static_cast<const arrow::FixedSizeBinaryType&>(type).byte_width()}};
      case arrow::Type::STRUCT:
        return Record(type.fields(), name);
      case arrow::Type::LIST:
        return {{"type", "array"}, {"items", Optional(*type.field(0), name + "_element")}};
      case arrow::Type::MAP:
        return Map(static_cast<const arrow::MapType&>(type), name);
      default:
        NoType(type);
    }
  }

  Json Map(const arrow::MapType& type, const std::string& name) {
    if (HasTextKeys(type)) return {{"type", "map"}, {"values", Optional(*type.item_field(), name + "_value")}};
    const arrow::FieldVector pair{type.key_field()->WithName("key"), type.item_field()->WithName("value")};
    return {{"type", "array"}, {"items", Record(pair, name + "_pair")}, {"logicalType", "map"}};
  }
};

/// `little_endian`: 16 bytes, as Arrow has them.
table::Decimal DecimalAt(const uint8_t* little_endian) {
  table::Decimal decimal;
  std::memcpy(&decimal.unscaled, little_endian, sizeof decimal.unscaled);
  return decimal;
}

std::string UuidText(std::string_view bytes) {
  auto text = io::Hex(bytes);
  for (const size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
  return text;
}

void AppendOptional(const arrow::Array& array, const arrow::Field& field, int64_t row, schema::AvroEncoder& out);

void AppendMap(const arrow::MapArray& map, int64_t row, schema::AvroEncoder& out) {
  const auto& type = static_cast<const arrow::MapType&>(*map.type());
  const int64_t begin = map.value_offset(row);
  const int64_t end = begin + map.value_length(row);
  if (end > begin) out.Long(end - begin);
  const bool text = HasTextKeys(type);
  for (int64_t i = begin; i < end; ++i) {
    if (text) {
      out.Bytes(static_cast<const arrow::StringArray&>(*map.keys()).GetView(i));
    } else {
      AppendOptional(*map.keys(), *type.key_field(), i, out);
    }
    AppendOptional(*map.items(), *type.item_field(), i, out);
  }
  out.Long(0);
}

void AppendList(const arrow::ListArray& list, int64_t row, schema::AvroEncoder& out) {
  const int64_t begin = list.value_offset(row);
  const int64_t end = begin + list.value_length(row);
  if (end > begin) out.Long(end - begin);
  for (int64_t i = begin; i < end; ++i) AppendOptional(*list.values(), *list.type()->field(0), i, out);
  out.Long(0);
}

void AppendValue(const arrow::Array& array, const arrow::Field& field, int64_t row, schema::AvroEncoder& out) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return out.Boolean(static_cast<const arrow::BooleanArray&>(array).Value(row));
    case arrow::Type::INT32:
      return out.Long(static_cast<const arrow::Int32Array&>(array).Value(row));
    case arrow::Type::DATE32:
      return out.Long(static_cast<const arrow::Date32Array&>(array).Value(row));
    case arrow::Type::INT64:
      return out.Long(static_cast<const arrow::Int64Array&>(array).Value(row));
    case arrow::Type::TIME64:
      return out.Long(static_cast<const arrow::Time64Array&>(array).Value(row));
    case arrow::Type::TIMESTAMP:
      return out.Long(static_cast<const arrow::TimestampArray&>(array).Value(row));
    case arrow::Type::FLOAT:
      return out.Float(static_cast<const arrow::FloatArray&>(array).Value(row));
    case arrow::Type::DOUBLE:
      return out.Double(static_cast<const arrow::DoubleArray&>(array).Value(row));
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return out.Bytes(static_cast<const arrow::BinaryArray&>(array).GetView(row));
    case arrow::Type::DECIMAL128:
      return out.Bytes(table::DecimalBytes(DecimalAt(static_cast<const arrow::Decimal128Array&>(array).Value(row))));
    case arrow::Type::FIXED_SIZE_BINARY: {
      const auto bytes = static_cast<const arrow::FixedSizeBinaryArray&>(array).GetView(row);
      return schema::IsUuid(field) ? out.Bytes(UuidText(bytes)) : out.Fixed(bytes);
    }
    case arrow::Type::STRUCT: {
      const auto& group = static_cast<const arrow::StructArray&>(array);
      for (int i = 0; i < group.num_fields(); ++i) AppendOptional(*group.field(i), *group.type()->field(i), row, out);
      return;
    }
    case arrow::Type::LIST:
      return AppendList(static_cast<const arrow::ListArray&>(array), row, out);
    case arrow::Type::MAP:
      return AppendMap(static_cast<const arrow::MapArray&>(array), row, out);
    default:
      NoType(*array.type());
  }
}

void AppendOptional(const arrow::Array& array, const arrow::Field& field, int64_t row, schema::AvroEncoder& out) {
  const bool there = !array.IsNull(row);
  out.Long(there ? 1 : 0);
  if (there) AppendValue(array, field, row, out);
}

}  // namespace

std::string AvroSchemaOf(const arrow::Schema& columns, const std::string& name) {
  return SchemaWriter().Record(columns.fields(), name).dump();
}

void AppendAvroRow(const arrow::RecordBatch& rows, int64_t row, schema::AvroEncoder& out) {
  for (int i = 0; i < rows.num_columns(); ++i) AppendOptional(*rows.column(i), *rows.schema()->field(i), row, out);
}

}  // namespace millrace::land
