#include "catalog/server/namespace_routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/error.h"
#include "catalog/server/catalog_names.h"
#include "catalog/server/catalog_refusal.h"
#include "catalog/server/route_parts.h"
#include "table/metadata_parts.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;

std::map<std::string, std::string> PropertiesOf(SqlCatalog& catalog, const std::string& name_space) {
  auto properties = catalog.NamespaceProperties(name_space);
  if (!properties) throw CatalogRefusal::NoNamespace(name_space);
  return *std::move(properties);
}

/// With the folder in which its tables are made unless they say otherwise: Trino makes none where it is not told.
std::map<std::string, std::string> ToldProperties(SqlCatalog& catalog, const std::string& name_space) {
  auto properties = PropertiesOf(catalog, name_space);
  properties.try_emplace("location", catalog.store().UriOf(name_space));
  return properties;
}

/// The namespaces right below `parent`, those that are there only because something is below them too; sorted.
std::vector<std::string> ChildrenOf(SqlCatalog& catalog, const std::string& parent) {
  const std::string above = parent.empty() ? "" : parent + ".";
  std::set<std::string> children;
  for (const auto& one : catalog.ListNamespaces()) {
    if (one.starts_with(above)) children.insert(one.substr(0, one.find('.', above.size())));
  }
  children.erase(parent);
  return {children.begin(), children.end()};
}

json List(SqlCatalog& catalog, const io::HttpCall& call) {
  std::string parent;
  if (const auto text = call.QueryValue("parent"); text && !text->empty()) {
    parent = NamespaceFromText(std::string(*text));
    PropertiesOf(catalog, parent);
  }
  return Page(call, "namespaces", ChildrenOf(catalog, parent), NamespaceToJson);
}

json Create(SqlCatalog& catalog, const json& body) {
  const std::string name_space = NamespaceFromJson(body.value("namespace", json()));
  const auto properties = table::ParseStrings(schema::JsonObject(body, ""), "properties");
  if (!catalog.CreateNamespace(name_space, properties)) {
    throw CatalogRefusal::Exists("Namespace already exists: " + name_space);
  }
  return {{"namespace", NamespaceToJson(name_space)}, {"properties", properties}};
}

void Drop(SqlCatalog& catalog, const std::string& name_space) {
  PropertiesOf(catalog, name_space);
  if (catalog.DropNamespace(name_space)) return;
  throw CatalogRefusal(409, "NamespaceNotEmptyException", "Namespace " + name_space + " is not empty");
}

std::vector<std::string> Strings(const json& body, const char* member) {
  std::vector<std::string> strings;
  const json* list = schema::JsonObject(body, "").MaybeArray(member);
  if (list == nullptr) return strings;
  for (const json& one : *list) {
    if (!one.is_string()) throw Error(ErrorCode::kData, std::string(member) + " holds what is no name");
    strings.push_back(one.get<std::string>());
  }
  return strings;
}

json Change(SqlCatalog& catalog, const std::string& name_space, const json& body) {
  const auto have = PropertiesOf(catalog, name_space);
  const auto updates = table::ParseStrings(schema::JsonObject(body, ""), "updates");
  const auto removals = Strings(body, "removals");
  json answer = {{"updated", json::array()}, {"removed", json::array()}, {"missing", json::array()}};
  for (const auto& [key, value] : updates) answer["updated"].push_back(key);
  for (const auto& key : removals) {
    if (updates.contains(key)) {
      throw CatalogRefusal(422, "UnprocessableEntityException", "a property is to be set and to be removed: " + key);
    }
    answer[have.contains(key) ? "removed" : "missing"].push_back(key);
  }
  catalog.SetNamespaceProperties(name_space, updates, removals);
  return answer;
}

}  // namespace

void AddNamespaceRoutes(io::HttpRoutes& routes, SqlCatalog& catalog, const std::string& prefix) {
  const std::string all = prefix + "/v1/namespaces";
  const std::string one = all + "/{namespace}";
  AddRoute(routes, "GET", all, Access::kLook, [&](io::HttpCall& call) { return Answer(List(catalog, call)); });
  AddRoute(routes, "POST", all, Access::kChange,
           [&](io::HttpCall& call) { return Answer(Create(catalog, BodyOf(call))); });
  AddRoute(routes, "GET", one, Access::kLook, [&](io::HttpCall& call) {
    const auto name_space = NamespaceOf(call);
    return Answer({{"namespace", NamespaceToJson(name_space)}, {"properties", ToldProperties(catalog, name_space)}});
  });
  AddRoute(routes, "DELETE", one, Access::kChange, [&](io::HttpCall& call) {
    Drop(catalog, NamespaceOf(call));
    return NoContent();
  });
  AddRoute(routes, "POST", one + "/properties", Access::kChange,
           [&](io::HttpCall& call) { return Answer(Change(catalog, NamespaceOf(call), BodyOf(call))); });
}

}  // namespace millrace::catalog
