#include "schema/avro/avro_print.h"

#include <nlohmann/json.hpp>
#include <set>

namespace millrace::schema {
namespace {

using Json = nlohmann::ordered_json;

class Printer {
 public:
  Json Print(const AvroType& type) {
    if (type.named() && !printed_.insert(type.name).second) return type.name;
    switch (type.kind) {
      case AvroType::Kind::kRecord:
        return Record(type);
      case AvroType::Kind::kEnum:
        return Enum(type);
      case AvroType::Kind::kFixed: {
        auto fixed = Named(type);
        fixed["size"] = type.size;
        return Logical(std::move(fixed), type);
      }
      case AvroType::Kind::kArray:
        return {{"type", "array"}, {"items", Print(*type.items)}};
      case AvroType::Kind::kMap:
        return {{"type", "map"}, {"values", Print(*type.items)}};
      case AvroType::Kind::kUnion: {
        auto branches = Json::array();
        for (const auto* branch : type.branches) branches.push_back(Print(*branch));
        return branches;
      }
      case AvroType::Kind::kNull:
      case AvroType::Kind::kBoolean:
      case AvroType::Kind::kInt:
      case AvroType::Kind::kLong:
      case AvroType::Kind::kFloat:
      case AvroType::Kind::kDouble:
      case AvroType::Kind::kBytes:
      case AvroType::Kind::kString:
        return Logical({{"type", ToString(type.kind)}}, type);
    }
    return {};
  }

 private:
  static Json Named(const AvroType& type) {
    Json named = {{"type", ToString(type.kind)}, {"name", type.name}};
    // Without it the name would belong to the namespace of what stands around it.
    if (type.name.find('.') == std::string::npos) named["namespace"] = "";
    if (!type.aliases.empty()) named["aliases"] = type.aliases;
    return named;
  }

  static Json Logical(Json json, const AvroType& type) {
    if (type.logical.empty()) return json;
    json["logicalType"] = type.logical;
    if (type.logical == "decimal") {
      json["precision"] = type.precision;
      json["scale"] = type.scale;
    }
    return json;
  }

  static Json Enum(const AvroType& type) {
    auto json = Named(type);
    json["symbols"] = type.symbols;
    if (type.fallback_symbol) json["default"] = *type.fallback_symbol;
    return json;
  }

  Json Record(const AvroType& type) {
    auto json = Named(type);
    auto fields = Json::array();
    for (const auto& field : type.fields) {
      Json printed = {{"name", field.name}, {"type", Print(*field.type)}};
      if (field.fallback) printed["default"] = Json::parse(*field.fallback);
      if (!field.aliases.empty()) printed["aliases"] = field.aliases;
      if (!field.doc.empty()) printed["doc"] = field.doc;
      if (field.id) printed["field-id"] = *field.id;
      fields.push_back(std::move(printed));
    }
    json["fields"] = std::move(fields);
    return json;
  }

  std::set<std::string> printed_;
};

}  // namespace

std::string PrintAvro(const AvroType& type) {
  return Printer().Print(type).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace millrace::schema
