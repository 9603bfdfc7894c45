#include "catalog/server/view_routes.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/error.h"
#include "catalog/server/catalog_names.h"
#include "catalog/server/catalog_refusal.h"
#include "catalog/server/route_parts.h"
#include "table/metadata_parts.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;
using schema::JsonObject;

CatalogRefusal NoView(const TableName& name) {
  return {404, "NoSuchViewException", "View does not exist: " + ToString(name)};
}

void RequireNoTable(SqlCatalog& catalog, const TableName& name) {
  if (catalog.Load(name)) throw CatalogRefusal::Exists("Table with same name already exists: " + ToString(name));
}

/// A file that an older pyiceberg made has no place for what a row is.
void RequireViews(const ViewCatalog& views) {
  if (views.CanHold()) return;
  throw CatalogRefusal(406, "UnsupportedOperationException",
                       "the catalogue's file was laid out by a program without views; add the column iceberg_type to "
                       "its table iceberg_tables, or make a new catalogue");
}

TableName ViewOf(const io::HttpCall& call) {
  TableName name{.name_space = NamespaceOf(call), .name = call.parameters.at("view")};
  CheckTableName(name.name);
  return name;
}

json Told(const LoadedView& view) {
  return {{"metadata-location", view.metadata_location},
          {"metadata", table::ToJson(view.metadata)},
          {"config", json::object()}};
}

LoadedView Load(ViewCatalog& views, const TableName& name) {
  auto view = views.Load(name);
  if (!view) throw NoView(name);
  return *std::move(view);
}

/// What `change` returns. Updates that cannot apply are told as Apache's catalogues do.
template <typename Change>
ViewResult Applied(const Change& change) {
  try {
    return change();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kData) throw;
    throw CatalogRefusal(400, "IllegalArgumentException", error.what());
  }
}

/// Of those that make a view a conflict is that the name is taken.
io::HttpReply Made(ViewResult result) {
  if (auto* conflict = std::get_if<Conflict>(&result)) throw CatalogRefusal::Exists(conflict->why);
  if (auto* unknown = std::get_if<Unknown>(&result)) throw CatalogRefusal::StateUnknown(unknown->why);
  return Answer(Told(std::get<LoadedView>(result)));
}

io::HttpReply Create(SqlCatalog& catalog, ViewCatalog& views, const std::string& name_space, const json& body) {
  RequireViews(views);
  RequireNamespace(catalog, name_space);
  const JsonObject object(body, "");
  CreateView request{.name = {.name_space = name_space, .name = object.String("name")},
                     .schema = table::ViewSchemaFromJson(object.Member("schema")),
                     .version = table::ViewVersionFromJson(object.Member("view-version")),
                     .properties = table::ParseStrings(object, "properties"),
                     .location = {}};
  CheckTableName(request.name.name);
  if (const auto* location = object.MaybeString("location")) request.location = *location;
  request.version.schema_id = -1;  // that of the request, whatever it is called there
  RequireNoTable(catalog, request.name);
  return Made(Applied([&] { return views.Create(request); }));
}

io::HttpReply Register(SqlCatalog& catalog, ViewCatalog& views, const std::string& name_space, const json& body) {
  RequireViews(views);
  RequireNamespace(catalog, name_space);
  const JsonObject object(body, "");
  const TableName name{.name_space = name_space, .name = object.String("name")};
  CheckTableName(name.name);
  RequireNoTable(catalog, name);
  return Made(views.Register(name, object.String("metadata-location")));
}

io::HttpReply Commit(ViewCatalog& views, const TableName& name, const json& body) {
  const JsonObject object(body, "");
  std::string uuid;
  if (const json* requirements = object.MaybeArray("requirements")) {
    for (const json& one : *requirements) {
      const JsonObject requirement(one, "requirements");
      if (requirement.String("type") != "assert-view-uuid") {
        throw Error(ErrorCode::kData, "a requirement of a view is assert-view-uuid, not " + requirement.String("type"));
      }
      uuid = requirement.String("uuid");
    }
  }
  std::vector<table::ViewUpdate> updates;
  for (const json& one : object.Array("updates")) updates.push_back(table::ViewUpdateFromJson(one));
  auto result = Applied([&] { return views.Commit(name, uuid, updates); });
  if (auto* conflict = std::get_if<Conflict>(&result)) {
    Load(views, name);
    throw CatalogRefusal::CommitFailed(conflict->why);
  }
  return Made(std::move(result));
}

void Rename(SqlCatalog& catalog, ViewCatalog& views, const json& body) {
  const JsonObject object(body, "");
  const auto from = TableFromJson(JsonObject(object.Member("source"), "source"));
  const auto to = TableFromJson(JsonObject(object.Member("destination"), "destination"));
  if (!views.Has(from)) throw NoView(from);
  RequireNamespace(catalog, to.name_space);
  if (from == to || views.Rename(from, to)) return;
  if (!views.Has(from)) throw NoView(from);
  throw CatalogRefusal::Exists("Cannot rename " + ToString(from) + " to " + ToString(to) + ". " +
                               (views.Has(to) ? "View" : "Table") + " already exists");
}

}  // namespace

void RequireNoView(ViewCatalog& views, const TableName& name) {
  if (views.Has(name)) throw CatalogRefusal::Exists("View with same name already exists: " + ToString(name));
}

void AddViewRoutes(io::HttpRoutes& routes, SqlCatalog& catalog, const std::shared_ptr<ViewCatalog>& views,
                   const std::string& prefix) {
  const std::string name_space = prefix + "/v1/namespaces/{namespace}";
  const std::string view = name_space + "/views/{view}";
  AddRoute(routes, "GET", name_space + "/views", Access::kLook, [&catalog, views](io::HttpCall& call) {
    const auto in = NamespaceOf(call);
    RequireNamespace(catalog, in);
    return Answer(Page(call, "identifiers", views->List(in), [&](const std::string& one) {
      return ToJson({in, one});
    }));
  });
  AddRoute(routes, "POST", name_space + "/views", Access::kChange,
           [&catalog, views](io::HttpCall& call) { return Create(catalog, *views, NamespaceOf(call), BodyOf(call)); });
  AddRoute(routes, "POST", name_space + "/register-view", Access::kChange, [&catalog, views](io::HttpCall& call) {
    return Register(catalog, *views, NamespaceOf(call), BodyOf(call));
  });
  AddRoute(routes, "GET", view, Access::kLook,
           [views](io::HttpCall& call) { return Answer(Told(Load(*views, ViewOf(call)))); });
  AddRoute(routes, "POST", view, Access::kChange,
           [views](io::HttpCall& call) { return Commit(*views, ViewOf(call), BodyOf(call)); });
  AddRoute(routes, "DELETE", view, Access::kChange, [views](io::HttpCall& call) {
    const auto name = ViewOf(call);
    if (!views->Drop(name)) throw NoView(name);
    return NoContent();
  });
  AddRoute(routes, "POST", prefix + "/v1/views/rename", Access::kChange, [&catalog, views](io::HttpCall& call) {
    Rename(catalog, *views, BodyOf(call));
    return NoContent();
  });
}

}  // namespace millrace::catalog
