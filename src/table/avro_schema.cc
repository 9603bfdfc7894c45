#include "table/avro_schema.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace millrace::table {
namespace {

using Json = nlohmann::json;
constexpr int kDepthMax = 64;
constexpr size_t kTextBytesMax = size_t{16} << 20;
constexpr int64_t kFixedBytesMax = int64_t{1} << 20;

[[noreturn]] void Wrong(std::string_view what) {
  throw Error(ErrorCode::kData, fmt::format("the Avro schema in its header is not valid: {}", what));
}

std::optional<AvroType::Kind> PrimitiveKind(std::string_view name) {
  using enum AvroType::Kind;
  if (name == "null") return kNull;
  if (name == "boolean") return kBoolean;
  if (name == "int") return kInt;
  if (name == "long") return kLong;
  if (name == "float") return kFloat;
  if (name == "double") return kDouble;
  if (name == "bytes") return kBytes;
  if (name == "string") return kString;
  return std::nullopt;
}

const std::string& Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) Wrong(fmt::format("\"{}\" is missing or no text", key));
  return found->get_ref<const std::string&>();
}

}  // namespace

/// One pass over the JSON; names are known from where they are defined on, as Avro has it.
class AvroSchemaParser {
 public:
  static AvroSchema Parse(std::string_view text) {
    if (text.size() > kTextBytesMax) Wrong("it is longer than 16 MiB");
    const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) Wrong("it is no JSON");
    AvroSchemaParser parser;
    parser.schema_.root_ = parser.Type(json, 0);
    return std::move(parser.schema_);
  }

 private:
  const AvroType* Type(const Json& json, int depth) {
    if (depth > kDepthMax) Wrong("it is nested too deep");
    if (json.is_string()) return Named(json.get_ref<const std::string&>());
    if (json.is_array()) return Union(json, depth);
    if (!json.is_object()) Wrong("a type is neither a name, an object nor a union");
    const auto inner = json.find("type");
    if (inner == json.end()) Wrong("a type has no \"type\"");
    if (!inner->is_string()) return Type(*inner, depth + 1);
    return Complex(json, inner->get_ref<const std::string&>(), depth);
  }

  const AvroType* Named(const std::string& name) {
    if (const auto kind = PrimitiveKind(name)) {
      AvroType& type = New(*kind);
      return &type;
    }
    const auto found = named_.find(name);
    if (found == named_.end()) Wrong(fmt::format("the type \"{}\" is not known", name));
    return found->second;
  }

  const AvroType* Union(const Json& json, int depth) {
    if (json.empty()) Wrong("a union has no branch");
    AvroType& type = New(AvroType::Kind::kUnion);
    for (const Json& branch : json) type.branches.push_back(Type(branch, depth + 1));
    return &type;
  }

  const AvroType* Complex(const Json& json, const std::string& name, int depth) {
    if (name == "record") return Record(json, depth);
    if (name == "array" || name == "map") {
      const bool array = name == "array";
      const auto items = json.find(array ? "items" : "values");
      if (items == json.end()) Wrong(array ? "an array has no \"items\"" : "a map has no \"values\"");
      AvroType& type = New(array ? AvroType::Kind::kArray : AvroType::Kind::kMap);
      type.items = Type(*items, depth + 1);
      return &type;
    }
    if (name == "fixed") return Fixed(json);
    if (name == "enum") {
      AvroType& type = New(AvroType::Kind::kEnum);
      Define(json, type);
      return &type;
    }
    const auto kind = PrimitiveKind(name);
    if (!kind) return Named(name);
    AvroType& type = New(*kind);
    SetLogical(json, type);
    return &type;
  }

  const AvroType* Record(const Json& json, int depth) {
    AvroType& type = New(AvroType::Kind::kRecord);
    Define(json, type);
    const auto fields = json.find("fields");
    if (fields == json.end() || !fields->is_array()) Wrong("a record has no \"fields\"");
    for (const Json& member : *fields) {
      if (!member.is_object()) Wrong("a field of a record is no object");
      AvroField field;
      field.name = Text(member, "name");
      if (const auto id = member.find("field-id"); id != member.end()) {
        if (!id->is_number_integer()) Wrong(fmt::format("the field-id of \"{}\" is no integer", field.name));
        field.id = id->get<int32_t>();
      }
      const auto inner = member.find("type");
      if (inner == member.end()) Wrong(fmt::format("the field \"{}\" has no type", field.name));
      field.type = Type(*inner, depth + 1);
      type.fields.push_back(std::move(field));
    }
    return &type;
  }

  const AvroType* Fixed(const Json& json) {
    const auto size = json.find("size");
    if (size == json.end() || !size->is_number_integer()) Wrong("a fixed type has no \"size\"");
    AvroType& type = New(AvroType::Kind::kFixed);
    type.size = size->get<int64_t>();
    if (type.size < 0 || type.size > kFixedBytesMax) Wrong("the size of a fixed type is out of range");
    Define(json, type);
    SetLogical(json, type);
    return &type;
  }

  /// Names are registered with and without their namespace: enough for manifests, which use none.
  void Define(const Json& json, const AvroType& type) {
    const std::string& name = Text(json, "name");
    named_[name] = &type;
    if (const auto space = json.find("namespace"); space != json.end() && space->is_string()) {
      named_[space->get<std::string>() + "." + name] = &type;
    }
  }

  static void SetLogical(const Json& json, AvroType& type) {
    const auto logical = json.find("logicalType");
    if (logical != json.end() && logical->is_string()) type.logical = logical->get<std::string>();
  }

  AvroType& New(AvroType::Kind kind) {
    AvroType& type = schema_.types_.emplace_back();
    type.kind = kind;
    return type;
  }

  AvroSchema schema_;
  std::map<std::string, const AvroType*> named_;
};

AvroSchema AvroSchema::Parse(std::string_view json) { return AvroSchemaParser::Parse(json); }

}  // namespace millrace::table
