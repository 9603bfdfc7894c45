#include "schema/avro/avro_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "schema/json_object.h"

namespace millrace::schema {
namespace {

using Json = nlohmann::json;
constexpr int kDepthMax = 64;
constexpr size_t kTextBytesMax = size_t{16} << 20;
constexpr int64_t kFixedBytesMax = int64_t{1} << 20;
constexpr int32_t kPrecisionMax = 1000;

[[noreturn]] void Wrong(std::string_view what) {
  throw Error(ErrorCode::kData, fmt::format("the Avro schema is not valid: {}", what));
}

std::optional<AvroType::Kind> PrimitiveKind(std::string_view name) {
  using enum AvroType::Kind;
  for (const auto kind : {kNull, kBoolean, kInt, kLong, kFloat, kDouble, kBytes, kString}) {
    if (ToString(kind) == name) return kind;
  }
  return std::nullopt;
}

const std::string& Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) Wrong(fmt::format("\"{}\" is missing or no text", key));
  return found->get_ref<const std::string&>();
}

bool IsName(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name.front())) return false;
  return std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool IsFullName(std::string_view name) {
  for (size_t at = 0;;) {
    const auto dot = std::min(name.find('.', at), name.size());
    if (!IsName(name.substr(at, dot - at))) return false;
    if (dot == name.size()) return true;
    at = dot + 1;
  }
}

std::string SpaceOf(std::string_view full_name) {
  const auto dot = full_name.rfind('.');
  return dot == std::string_view::npos ? std::string() : std::string(full_name.substr(0, dot));
}

bool IsInteger(const Json& value, int64_t low, int64_t high) {
  if (value.is_number_unsigned()) return value.get<uint64_t>() <= static_cast<uint64_t>(high);
  return value.is_number_integer() && value.get<int64_t>() >= low && value.get<int64_t>() <= high;
}

/// Whether a default is a value of the type; of a union, of its first branch.
bool FitsDefault(const Json& value, const AvroType& type, int depth) {
  if (depth > kDepthMax) return false;
  switch (type.kind) {
    case AvroType::Kind::kNull:
      return value.is_null();
    case AvroType::Kind::kBoolean:
      return value.is_boolean();
    case AvroType::Kind::kInt:
      return IsInteger(value, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
    case AvroType::Kind::kLong:
      return IsInteger(value, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
    case AvroType::Kind::kFloat:
    case AvroType::Kind::kDouble:
      return value.is_number();
    case AvroType::Kind::kBytes:
    case AvroType::Kind::kString:
    case AvroType::Kind::kFixed:
      return value.is_string();
    case AvroType::Kind::kEnum:
      return value.is_string() && std::ranges::find(type.symbols, value.get<std::string>()) != type.symbols.end();
    case AvroType::Kind::kArray:
      return value.is_array() &&
             std::ranges::all_of(value, [&](const Json& item) { return FitsDefault(item, *type.items, depth + 1); });
    case AvroType::Kind::kMap:
      return value.is_object() && std::all_of(value.begin(), value.end(), [&](const Json& item) {
               return FitsDefault(item, *type.items, depth + 1);
             });
    case AvroType::Kind::kUnion:
      return FitsDefault(value, *type.branches.front(), depth + 1);
    case AvroType::Kind::kRecord:
      return value.is_object() && std::ranges::all_of(type.fields, [&](const AvroField& field) {
               const auto member = value.find(field.name);
               return member == value.end() ? field.fallback.has_value() : FitsDefault(*member, *field.type, depth + 1);
             });
  }
  return false;
}

}  // namespace

std::string_view ToString(AvroType::Kind kind) {
  switch (kind) {
    case AvroType::Kind::kNull:
      return "null";
    case AvroType::Kind::kBoolean:
      return "boolean";
    case AvroType::Kind::kInt:
      return "int";
    case AvroType::Kind::kLong:
      return "long";
    case AvroType::Kind::kFloat:
      return "float";
    case AvroType::Kind::kDouble:
      return "double";
    case AvroType::Kind::kBytes:
      return "bytes";
    case AvroType::Kind::kString:
      return "string";
    case AvroType::Kind::kFixed:
      return "fixed";
    case AvroType::Kind::kEnum:
      return "enum";
    case AvroType::Kind::kRecord:
      return "record";
    case AvroType::Kind::kArray:
      return "array";
    case AvroType::Kind::kMap:
      return "map";
    case AvroType::Kind::kUnion:
      return "union";
  }
  return "null";
}

std::string_view ShortName(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

/// One pass over the JSON; names are known from where they are defined on, as Avro has it.
class AvroSchemaParser {
 public:
  explicit AvroSchemaParser(AvroSchema::Rules rules) : strict_(rules == AvroSchema::Rules::kStrict) {}

  void Read(std::string_view text) {
    if (text.size() > kTextBytesMax) Wrong("it is longer than 16 MiB");
    auto json = MaybeParseJson(text);
    // A bare name, as some write it.
    if (!json && PrimitiveKind(text)) json = Json(text);
    if (!json) Wrong("it is no JSON, or nests too deep");
    schema_.root_ = Type(*json, {}, 0);
  }

  AvroSchema Finish() && { return std::move(schema_); }

 private:
  const AvroType* Type(const Json& json, const std::string& space, int depth) {
    if (depth > kDepthMax) Wrong("it is nested too deep");
    if (json.is_string()) return Named(json.get_ref<const std::string&>(), space);
    if (json.is_array()) return Union(json, space, depth);
    if (!json.is_object()) Wrong("a type is neither a name, an object nor a union");
    const auto inner = json.find("type");
    if (inner == json.end()) Wrong("a type has no \"type\"");
    if (!inner->is_string()) return Type(*inner, space, depth + 1);
    return Complex(json, inner->get_ref<const std::string&>(), space, depth);
  }

  const AvroType* Named(const std::string& name, const std::string& space) {
    if (const auto kind = PrimitiveKind(name)) return &New(*kind);
    if (name.find('.') == std::string::npos && !space.empty()) {
      if (const auto found = named_.find(space + "." + name); found != named_.end()) return found->second;
    }
    if (const auto found = named_.find(name); found != named_.end()) return found->second;
    if (!strict_) {
      if (const auto found = by_short_name_.find(name); found != by_short_name_.end()) return found->second;
    }
    Wrong(fmt::format("the type \"{}\" is not known", name));
  }

  const AvroType* Union(const Json& json, const std::string& space, int depth) {
    if (json.empty()) Wrong("a union has no branch");
    AvroType& type = New(AvroType::Kind::kUnion);
    std::set<std::string> seen;
    for (const Json& branch : json) {
      const AvroType* const part = Type(branch, space, depth + 1);
      if (strict_ && part->kind == AvroType::Kind::kUnion) Wrong("a union has a union as a branch");
      const auto word = part->named() ? part->name : std::string(ToString(part->kind));
      if (!seen.insert(word).second && strict_) Wrong(fmt::format("a union has two branches of type {}", word));
      type.branches.push_back(part);
    }
    return &type;
  }

  const AvroType* Complex(const Json& json, const std::string& name, const std::string& space, int depth) {
    if (name == "record" || name == "error") return Record(json, space, depth);
    if (name == "array" || name == "map") {
      const bool array = name == "array";
      const auto items = json.find(array ? "items" : "values");
      if (items == json.end()) Wrong(array ? "an array has no \"items\"" : "a map has no \"values\"");
      AvroType& type = New(array ? AvroType::Kind::kArray : AvroType::Kind::kMap);
      type.items = Type(*items, space, depth + 1);
      return &type;
    }
    if (name == "fixed") return Fixed(json, space);
    if (name == "enum") return Enum(json, space);
    const auto kind = PrimitiveKind(name);
    if (!kind) return Named(name, space);
    AvroType& type = New(*kind);
    SetLogical(json, type);
    return &type;
  }

  const AvroType* Record(const Json& json, const std::string& space, int depth) {
    AvroType& type = New(AvroType::Kind::kRecord);
    Define(json, space, type);
    const auto fields = json.find("fields");
    if (fields == json.end() || !fields->is_array()) Wrong("a record has no \"fields\"");
    std::set<std::string> names;
    for (const Json& member : *fields) {
      type.fields.push_back(Field(member, SpaceOf(type.name), depth));
      const auto& name = type.fields.back().name;
      if (!names.insert(name).second) Wrong(fmt::format("the record {} has the field \"{}\" twice", type.name, name));
    }
    return &type;
  }

  AvroField Field(const Json& member, const std::string& space, int depth) {
    if (!member.is_object()) Wrong("a field of a record is no object");
    AvroField field;
    field.name = Text(member, "name");
    if (strict_ && !IsName(field.name)) Wrong(fmt::format("\"{}\" is no name of a field", field.name));
    if (const auto id = member.find("field-id"); id != member.end()) {
      if (!id->is_number_integer()) Wrong(fmt::format("the field-id of \"{}\" is no integer", field.name));
      field.id = id->get<int32_t>();
    }
    if (const auto doc = member.find("doc"); doc != member.end() && doc->is_string()) field.doc = *doc;
    field.aliases = Aliases(member, {});
    const auto inner = member.find("type");
    if (inner == member.end()) Wrong(fmt::format("the field \"{}\" has no type", field.name));
    field.type = Type(*inner, space, depth + 1);
    if (const auto fallback = member.find("default"); fallback != member.end()) {
      if (strict_ && !FitsDefault(*fallback, *field.type, 0)) {
        Wrong(fmt::format("the default of \"{}\" is no value of its type", field.name));
      }
      field.fallback = fallback->dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    return field;
  }

  const AvroType* Enum(const Json& json, const std::string& space) {
    AvroType& type = New(AvroType::Kind::kEnum);
    Define(json, space, type);
    const auto symbols = json.find("symbols");
    if (symbols == json.end() || !symbols->is_array()) {
      if (strict_) Wrong(fmt::format("the enum {} has no \"symbols\"", type.name));
      return &type;
    }
    std::set<std::string> seen;
    for (const Json& symbol : *symbols) {
      if (!symbol.is_string()) Wrong(fmt::format("a symbol of the enum {} is no text", type.name));
      type.symbols.push_back(symbol);
      if (!strict_) continue;
      if (!IsName(type.symbols.back())) Wrong(fmt::format("\"{}\" is no name of a symbol", type.symbols.back()));
      if (!seen.insert(type.symbols.back()).second) {
        Wrong(fmt::format("the enum {} has the symbol \"{}\" twice", type.name, type.symbols.back()));
      }
    }
    if (const auto fallback = json.find("default"); fallback != json.end() && fallback->is_string()) {
      type.fallback_symbol = fallback->get<std::string>();
      if (strict_ && std::ranges::find(type.symbols, *type.fallback_symbol) == type.symbols.end()) {
        Wrong(fmt::format("the default of the enum {} is none of its symbols", type.name));
      }
    }
    return &type;
  }

  const AvroType* Fixed(const Json& json, const std::string& space) {
    const auto size = json.find("size");
    if (size == json.end() || !size->is_number_integer()) Wrong("a fixed type has no \"size\"");
    AvroType& type = New(AvroType::Kind::kFixed);
    type.size = size->get<int64_t>();
    if (type.size < 0 || type.size > kFixedBytesMax) Wrong("the size of a fixed type is out of range");
    Define(json, space, type);
    SetLogical(json, type);
    return &type;
  }

  void Define(const Json& json, const std::string& space, AvroType& type) {
    const std::string& name = Text(json, "name");
    type.name = FullName(name, json, space);
    if (strict_ && !IsFullName(type.name)) Wrong(fmt::format("\"{}\" is no name of a type", type.name));
    if (strict_ && PrimitiveKind(type.name)) Wrong(fmt::format("\"{}\" is the name of a primitive type", type.name));
    const bool first = named_.emplace(type.name, &type).second;
    if (!first && strict_) Wrong(fmt::format("the type {} is defined twice", type.name));
    by_short_name_[name] = &type;
    type.aliases = Aliases(json, SpaceOf(type.name));
  }

  static std::string FullName(const std::string& name, const Json& json, const std::string& space) {
    if (name.find('.') != std::string::npos) return name;
    const auto own = json.find("namespace");
    const auto& used = own != json.end() && own->is_string() ? own->get_ref<const std::string&>() : space;
    return used.empty() ? name : used + "." + name;
  }

  static std::vector<std::string> Aliases(const Json& json, const std::string& space) {
    std::vector<std::string> aliases;
    const auto found = json.find("aliases");
    if (found == json.end() || !found->is_array()) return aliases;
    for (const Json& alias : *found) {
      if (!alias.is_string()) continue;
      const auto& name = alias.get_ref<const std::string&>();
      const bool full = space.empty() || name.find('.') != std::string::npos;
      aliases.push_back(full ? name : fmt::format("{}.{}", space, name));
    }
    return aliases;
  }

  /// A logical type that is not valid where it stands is ignored, as the specification says.
  static void SetLogical(const Json& json, AvroType& type) {
    const auto logical = json.find("logicalType");
    if (logical == json.end() || !logical->is_string()) return;
    type.logical = logical->get<std::string>();
    if (type.logical != "decimal") return;
    const auto number = [&](const char* key, int64_t fallback) {
      const auto found = json.find(key);
      if (found == json.end()) return fallback;
      return IsInteger(*found, 0, kPrecisionMax) ? found->get<int64_t>() : int64_t{-1};
    };
    const auto precision = number("precision", -1), scale = number("scale", 0);
    const bool valid = precision > 0 && scale >= 0 && scale <= precision;
    if (!valid) return type.logical.clear();
    type.precision = static_cast<int32_t>(precision);
    type.scale = static_cast<int32_t>(scale);
  }

  AvroType& New(AvroType::Kind kind) {
    AvroType& type = schema_.types_.emplace_back();
    type.kind = kind;
    return type;
  }

  const bool strict_;
  AvroSchema schema_;
  std::map<std::string, const AvroType*> named_;
  std::map<std::string, const AvroType*> by_short_name_;
};

AvroSchema AvroSchema::Parse(std::string_view json, const std::vector<std::string>& references, Rules rules) {
  AvroSchemaParser parser(rules);
  for (const auto& reference : references) parser.Read(reference);
  parser.Read(json);
  return std::move(parser).Finish();
}

namespace {

/// Members in the order of the specification: name, type, fields, symbols, items, values, size.
class CanonicalWriter {
 public:
  void Write(const AvroType& type) {
    if (type.named() && !written_.insert(type.name).second) return Quote(type.name);
    if (++depth_ > kDepthMax) Wrong("it nests types too deep");
    WriteWhole(type);
    --depth_;
  }
  std::string Take() && { return std::move(out_); }

 private:
  void WriteWhole(const AvroType& type) {
    switch (type.kind) {
      case AvroType::Kind::kRecord:
        return WriteRecord(type);
      case AvroType::Kind::kEnum:
        Open(type);
        out_ += ",\"symbols\":[";
        for (size_t i = 0; i < type.symbols.size(); ++i) {
          if (i > 0) out_ += ',';
          Quote(type.symbols[i]);
        }
        out_ += "]}";
        return;
      case AvroType::Kind::kFixed:
        Open(type);
        out_ += fmt::format(",\"size\":{}}}", type.size);
        return;
      case AvroType::Kind::kArray:
      case AvroType::Kind::kMap:
        out_ += type.kind == AvroType::Kind::kArray ? R"({"type":"array","items":)" : R"({"type":"map","values":)";
        Write(*type.items);
        out_ += '}';
        return;
      case AvroType::Kind::kUnion:
        out_ += '[';
        for (size_t i = 0; i < type.branches.size(); ++i) {
          if (i > 0) out_ += ',';
          Write(*type.branches[i]);
        }
        out_ += ']';
        return;
      default:
        return Quote(ToString(type.kind));
    }
  }
  void Quote(std::string_view text) { out_ += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }
  void Open(const AvroType& type) {
    out_ += "{\"name\":";
    Quote(type.name);
    out_ += fmt::format(",\"type\":\"{}\"", ToString(type.kind));
  }
  void WriteRecord(const AvroType& type) {
    Open(type);
    out_ += ",\"fields\":[";
    for (size_t i = 0; i < type.fields.size(); ++i) {
      out_ += i > 0 ? ",{\"name\":" : "{\"name\":";
      Quote(type.fields[i].name);
      out_ += ",\"type\":";
      Write(*type.fields[i].type);
      out_ += '}';
    }
    out_ += "]}";
  }

  std::string out_;
  std::set<std::string> written_;
  int depth_ = 0;
};

constexpr uint64_t kFingerprintEmpty = 0xc15d213aa4d7a795;

constexpr std::array<uint64_t, 256> MakeFingerprintTable() {
  std::array<uint64_t, 256> table{};
  for (uint64_t i = 0; i < 256; ++i) {
    uint64_t sum = i;
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ (kFingerprintEmpty & (~(sum & 1) + 1));
    table[i] = sum;
  }
  return table;
}

}  // namespace

std::string CanonicalForm(const AvroType& type) {
  CanonicalWriter writer;
  writer.Write(type);
  return std::move(writer).Take();
}

uint64_t Fingerprint(const AvroType& type) {
  static constexpr auto kTable = MakeFingerprintTable();
  uint64_t sum = kFingerprintEmpty;
  for (const char c : CanonicalForm(type)) sum = (sum >> 8) ^ kTable[(sum ^ static_cast<uint8_t>(c)) & 0xff];
  return sum;
}

}  // namespace millrace::schema
