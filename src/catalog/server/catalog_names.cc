#include "catalog/server/catalog_names.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;

constexpr char kSeparator = '\x1F';
constexpr size_t kNameBytesMax = 255;

void CheckName(const std::string& name, std::string_view never, const char* what) {
  const bool wrong = name.empty() || name.size() > kNameBytesMax || name == ".." ||
                     name.find_first_of(never) != std::string::npos ||
                     std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (wrong) {
    throw Error(ErrorCode::kData, std::string(what) + " '" +
                                      json(name).dump(-1, ' ', true, json::error_handler_t::replace) +
                                      "' is empty, too long, or holds what a name here cannot: one of \"" +
                                      std::string(never) + "\" or a control character");
  }
}

void AddLevel(std::string& name_space, const std::string& level) {
  CheckName(level, "./\\", "the namespace level");
  if (!name_space.empty()) name_space += '.';
  name_space += level;
}

}  // namespace

std::string NamespaceFromJson(const json& levels) {
  std::string name_space;
  if (!levels.is_array()) throw Error(ErrorCode::kData, "namespace is no list of names");
  for (const json& level : levels) {
    if (!level.is_string()) throw Error(ErrorCode::kData, "namespace is no list of names");
    AddLevel(name_space, level.get<std::string>());
  }
  if (name_space.empty()) throw Error(ErrorCode::kData, "namespace has no level");
  return name_space;
}

json NamespaceToJson(const std::string& name_space) {
  json levels = json::array();
  size_t begin = 0;
  while (begin <= name_space.size()) {
    const size_t dot = std::min(name_space.find('.', begin), name_space.size());
    levels.push_back(name_space.substr(begin, dot - begin));
    begin = dot + 1;
  }
  return levels;
}

std::string NamespaceFromText(const std::string& text) {
  std::string name_space;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(kSeparator, begin), text.size());
    AddLevel(name_space, text.substr(begin, end - begin));
    begin = end + 1;
  }
  return name_space;
}

void CheckTableName(const std::string& name) { CheckName(name, "./\\", "the table name"); }

TableName TableFromJson(const schema::JsonObject& identifier) {
  TableName name{.name_space = NamespaceFromJson(identifier.Member("namespace")), .name = identifier.String("name")};
  CheckTableName(name.name);
  return name;
}

json ToJson(const TableName& name) { return {{"namespace", NamespaceToJson(name.name_space)}, {"name", name.name}}; }

std::string NamespaceOf(const io::HttpCall& call) { return NamespaceFromText(call.parameters.at("namespace")); }

TableName TableOf(const io::HttpCall& call) {
  TableName name{.name_space = NamespaceOf(call), .name = call.parameters.at("table")};
  CheckTableName(name.name);
  return name;
}

}  // namespace millrace::catalog
