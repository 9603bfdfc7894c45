#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "schema/arrow_field.h"
#include "schema/schema.h"

namespace millrace::schema {
namespace {

constexpr const char* kFieldIdKey = "PARQUET:field_id";
constexpr const char* kIcebergTypeKey = "iceberg.type";
constexpr int kDepthMax = 200;
constexpr int32_t kDecimalPrecisionMax = 38;

std::shared_ptr<arrow::Field> FieldToArrow(const Field& field);

std::shared_ptr<arrow::DataType> PrimitiveToArrow(const PrimitiveType& type) {
  switch (type.kind) {
    case Primitive::kBoolean:
      return arrow::boolean();
    case Primitive::kInt:
      return arrow::int32();
    case Primitive::kLong:
      return arrow::int64();
    case Primitive::kFloat:
      return arrow::float32();
    case Primitive::kDouble:
      return arrow::float64();
    case Primitive::kDecimal:
      return arrow::decimal128(type.precision, type.scale);
    case Primitive::kDate:
      return arrow::date32();
    case Primitive::kTime:
      return arrow::time64(arrow::TimeUnit::MICRO);
    case Primitive::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case Primitive::kTimestamptz:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case Primitive::kString:
      return arrow::utf8();
    case Primitive::kUuid:
      return arrow::fixed_size_binary(16);
    case Primitive::kFixed:
      return arrow::fixed_size_binary(type.length);
    case Primitive::kBinary:
      return arrow::binary();
  }
  return arrow::utf8();
}

std::shared_ptr<arrow::DataType> TypeToArrow(const Type& type) {
  if (const auto* primitive = std::get_if<PrimitiveType>(&type)) return PrimitiveToArrow(*primitive);
  if (const auto* list = std::get_if<ListType>(&type)) return arrow::list(FieldToArrow(*list->element));
  if (const auto* map = std::get_if<MapType>(&type)) {
    return std::make_shared<arrow::MapType>(FieldToArrow(*map->key), FieldToArrow(*map->value));
  }
  arrow::FieldVector fields;
  for (const Field& field : std::get<StructType>(type).fields) fields.push_back(FieldToArrow(field));
  return arrow::struct_(fields);
}

std::shared_ptr<arrow::Field> FieldToArrow(const Field& field) {
  std::vector<std::string> keys;
  std::vector<std::string> values;
  if (field.id != kUnassigned) {
    keys.emplace_back(kFieldIdKey);
    values.push_back(std::to_string(field.id.value()));
  }
  const auto* primitive = std::get_if<PrimitiveType>(&field.type);
  if (primitive != nullptr && primitive->kind == Primitive::kUuid) {
    keys.emplace_back(kIcebergTypeKey);
    values.emplace_back("uuid");
  }
  auto metadata = keys.empty() ? nullptr : arrow::key_value_metadata(std::move(keys), std::move(values));
  return arrow::field(field.name, TypeToArrow(field.type), !field.required, std::move(metadata));
}

std::string MetadataOf(const arrow::Field& field, const char* key) {
  if (field.metadata() == nullptr) return {};
  const int index = field.metadata()->FindKey(key);
  return index < 0 ? std::string() : field.metadata()->value(index);
}

/// Arrow to Iceberg; carries the path of the column for errors.
class FromArrowType {
 public:
  explicit FromArrowType(std::string path, int depth) : path_(std::move(path)), depth_(depth) {}

  Type Convert(const arrow::Field& field) const {
    if (depth_ > kDepthMax) Fail(fmt::format("nests deeper than {} levels", kDepthMax));
    const arrow::DataType& type = *field.type();
    switch (type.id()) {
      case arrow::Type::STRUCT:
        return ConvertStruct(type);
      case arrow::Type::LIST:
      case arrow::Type::LARGE_LIST:
      case arrow::Type::FIXED_SIZE_LIST:
      case arrow::Type::LIST_VIEW:
      case arrow::Type::LARGE_LIST_VIEW:
        return ListType{Part("element", *type.field(0))};
      case arrow::Type::MAP: {
        const auto& map = static_cast<const arrow::MapType&>(type);
        return MapType{Part("key", *map.key_field()), Part("value", *map.item_field())};
      }
      default:
        return ConvertPrimitive(field, type);
    }
  }

  static Field ConvertField(const arrow::Field& field, const std::string& parent, int depth) {
    const FromArrowType converter(parent.empty() ? field.name() : parent + "." + field.name(), depth);
    return Field{.id = converter.IdOf(field),
                 .name = field.name(),
                 .type = converter.Convert(field),
                 .required = !field.nullable()};
  }

 private:
  Type ConvertStruct(const arrow::DataType& type) const {
    StructType structure;
    for (const auto& child : type.fields()) structure.fields.push_back(ConvertField(*child, path_, depth_ + 1));
    return structure;
  }

  std::shared_ptr<const Field> Part(const char* name, const arrow::Field& part) const {
    return std::make_shared<const Field>(ConvertField(*part.WithName(name), path_, depth_ + 1));
  }

  Type ConvertPrimitive(const arrow::Field& field, const arrow::DataType& type) const {
    switch (type.id()) {
      case arrow::Type::BOOL:
        return PrimitiveType{Primitive::kBoolean};
      case arrow::Type::INT8:
      case arrow::Type::UINT8:
      case arrow::Type::INT16:
      case arrow::Type::UINT16:
      case arrow::Type::INT32:
        return PrimitiveType{Primitive::kInt};
      case arrow::Type::UINT32:
      case arrow::Type::INT64:
        return PrimitiveType{Primitive::kLong};
      case arrow::Type::HALF_FLOAT:
      case arrow::Type::FLOAT:
        return PrimitiveType{Primitive::kFloat};
      case arrow::Type::DOUBLE:
        return PrimitiveType{Primitive::kDouble};
      case arrow::Type::DATE32:
      case arrow::Type::DATE64:
        return PrimitiveType{Primitive::kDate};
      case arrow::Type::TIME32:
      case arrow::Type::TIME64:
        return PrimitiveType{Primitive::kTime};
      case arrow::Type::STRING:
      case arrow::Type::LARGE_STRING:
      case arrow::Type::STRING_VIEW:
        return PrimitiveType{Primitive::kString};
      case arrow::Type::BINARY:
      case arrow::Type::LARGE_BINARY:
      case arrow::Type::BINARY_VIEW:
        return PrimitiveType{Primitive::kBinary};
      default:
        return ConvertParametric(field, type);
    }
  }

  Type ConvertParametric(const arrow::Field& field, const arrow::DataType& type) const {
    switch (type.id()) {
      case arrow::Type::TIMESTAMP: {
        const bool zoned = !static_cast<const arrow::TimestampType&>(type).timezone().empty();
        return PrimitiveType{zoned ? Primitive::kTimestamptz : Primitive::kTimestamp};
      }
      case arrow::Type::DECIMAL32:
      case arrow::Type::DECIMAL64:
      case arrow::Type::DECIMAL128:
      case arrow::Type::DECIMAL256: {
        const auto& decimal = static_cast<const arrow::DecimalType&>(type);
        if (decimal.precision() > kDecimalPrecisionMax || decimal.scale() < 0) break;
        return PrimitiveType{.kind = Primitive::kDecimal, .precision = decimal.precision(), .scale = decimal.scale()};
      }
      case arrow::Type::FIXED_SIZE_BINARY: {
        const int32_t width = static_cast<const arrow::FixedSizeBinaryType&>(type).byte_width();
        if (width == 16 && IsUuid(field)) return PrimitiveType{Primitive::kUuid};
        return PrimitiveType{.kind = Primitive::kFixed, .length = width};
      }
      case arrow::Type::DICTIONARY:
        return Convert(*field.WithType(static_cast<const arrow::DictionaryType&>(type).value_type()));
      case arrow::Type::EXTENSION: {
        const auto& extension = static_cast<const arrow::ExtensionType&>(type);
        if (extension.extension_name() == "arrow.uuid") return PrimitiveType{Primitive::kUuid};
        return Convert(*field.WithType(extension.storage_type()));
      }
      default:
        break;
    }
    Fail(fmt::format("has the Arrow type {}, which Iceberg lacks; cast it first", type.ToString()));
  }

  FieldId IdOf(const arrow::Field& field) const {
    const std::string text = MetadataOf(field, kFieldIdKey);
    if (text.empty()) return kUnassigned;
    int32_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size() || id < 0)
      Fail("has the field id '" + text + "', which is no id");
    return FieldId(id);
  }

  [[noreturn]] void Fail(const std::string& why) const { throw Error(ErrorCode::kData, "column " + path_ + " " + why); }

  std::string path_;
  int depth_;
};

}  // namespace

std::optional<FieldId> MaybeFieldId(const arrow::Field& field) {
  const auto text = MetadataOf(field, kFieldIdKey);
  int32_t id = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), id).ec != std::errc()) return std::nullopt;
  return FieldId(id);
}

bool IsUuid(const arrow::Field& field) { return MetadataOf(field, kIcebergTypeKey) == "uuid"; }

std::shared_ptr<arrow::Schema> ToArrow(const Schema& schema) {
  arrow::FieldVector fields;
  fields.reserve(schema.fields.size());
  for (const Field& field : schema.fields) fields.push_back(FieldToArrow(field));
  return arrow::schema(std::move(fields));
}

Schema FromArrow(const arrow::Schema& arrow_schema) {
  Schema schema;
  schema.fields.reserve(static_cast<size_t>(arrow_schema.num_fields()));
  for (const auto& field : arrow_schema.fields()) schema.fields.push_back(FromArrowType::ConvertField(*field, "", 0));
  return schema;
}

}  // namespace millrace::schema
