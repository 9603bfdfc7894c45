#include "catalog/server/table_routes.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "catalog/server/catalog_names.h"
#include "catalog/server/catalog_refusal.h"
#include "catalog/server/fresh_ids.h"
#include "catalog/server/purge.h"
#include "catalog/server/route_parts.h"
#include "catalog/server/view_routes.h"
#include "table/metadata_parts.h"
#include "table/update_json.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;
using schema::JsonObject;

/// {"metadata-location", "metadata", "config"}; the metadata as text, as it may be large.
io::HttpReply TableAnswer(const std::string& location, std::string_view metadata) {
  std::string body = "{";
  if (!location.empty()) body += "\"metadata-location\":" + json(location).dump() + ",";
  body += "\"metadata\":";
  body += metadata;
  body += ",\"config\":{}}";
  return io::JsonReply(200, std::move(body));
}

io::HttpReply TableAnswer(SqlCatalog& catalog, const LoadedTable& table) {
  const auto text = catalog.TextOf(table);
  return TableAnswer(table.metadata_location, text ? *text : table::PrintMetadata(*table.metadata));
}

LoadedTable RequireTable(SqlCatalog& catalog, const TableName& name) {
  auto table = catalog.Load(name);
  if (!table) throw CatalogRefusal::NoTable(name);
  return *std::move(table);
}

/// Without the snapshots that no branch or tag names.
table::TableMetadata OfRefs(table::TableMetadata metadata) {
  std::set<table::SnapshotId> named;
  for (const auto& [name, ref] : metadata.refs) named.insert(ref.snapshot_id);
  std::erase_if(metadata.snapshots, [&](const table::Snapshot& one) { return !named.contains(one.snapshot_id); });
  return metadata;
}

io::HttpReply Load(SqlCatalog& catalog, const io::HttpCall& call) {
  const auto table = RequireTable(catalog, TableOf(call));
  const bool of_refs = call.QueryValue("snapshots").value_or("all") == "refs";
  const auto hash = XXH3_64bits(table.metadata_location.data(), table.metadata_location.size());
  const std::string tag = fmt::format("\"{:016x}{}\"", hash, of_refs ? "-refs" : "");
  if (call.header("If-None-Match").value_or("") == tag) {
    return {.status = 304, .headers = {{"ETag", tag}}, .body = {}, .stream = {}};
  }
  auto reply = of_refs ? TableAnswer(table.metadata_location, table::PrintMetadata(OfRefs(*table.metadata)))
                       : TableAnswer(catalog, table);
  reply.headers.push_back({"ETag", tag});
  return reply;
}

CreateTable CreateRequest(const std::string& name_space, json body) {
  GiveFreshIds(body);
  const JsonObject object(body, "");
  CreateTable request;
  request.name = {.name_space = name_space, .name = object.String("name")};
  CheckTableName(request.name.name);
  request.schema = table::SchemaToKeep(object.Member("schema"));
  if (object.Maybe("partition-spec") != nullptr) {
    request.spec.fields =
        table::ParsePartitionFields(JsonObject(object.Member("partition-spec"), "partition-spec"), "fields");
  }
  if (object.Maybe("write-order") != nullptr) {
    request.sort_order = table::SortOrderFromJson(JsonObject(object.Member("write-order"), "write-order"));
  }
  request.properties = table::ParseStrings(object, "properties");
  if (const auto* location = object.MaybeString("location")) request.location = *location;
  return request;
}

/// The table of a commit that happened; otherwise the refusal that says what did.
template <typename Made, typename Result>
Made Settled(Result result) {
  if (auto* conflict = std::get_if<Conflict>(&result)) throw CatalogRefusal::CommitFailed(conflict->why);
  if (auto* unknown = std::get_if<Unknown>(&result)) throw CatalogRefusal::StateUnknown(unknown->why);
  return std::get<Made>(std::move(result));
}

/// Of those that make a table: a conflict is that it is there.
LoadedTable Made(CommitResult result) {
  if (auto* conflict = std::get_if<Conflict>(&result)) throw CatalogRefusal::Exists(conflict->why);
  return Settled<Committed>(std::move(result)).table;
}

io::HttpReply Create(SqlCatalog& catalog, ViewCatalog& views, const std::string& name_space, json body) {
  RequireNamespace(catalog, name_space);
  const JsonObject object(body, "");
  const bool staged = object.Maybe("stage-create") != nullptr && object.Bool("stage-create");
  const auto request = CreateRequest(name_space, std::move(body));
  RequireNoView(views, request.name);
  if (!staged) return TableAnswer(catalog, Made(catalog.Create(request)));
  if (catalog.Load(request.name)) throw CatalogRefusal::Exists("Table already exists: " + ToString(request.name));
  return TableAnswer("", table::PrintMetadata(catalog.Stage(request)));
}

io::HttpReply Register(SqlCatalog& catalog, ViewCatalog& views, const std::string& name_space, const json& body) {
  RequireNamespace(catalog, name_space);
  const JsonObject object(body, "");
  const TableName name{.name_space = name_space, .name = object.String("name")};
  CheckTableName(name.name);
  RequireNoView(views, name);
  return TableAnswer(catalog, Made(catalog.Register(name, object.String("metadata-location"))));
}

TableCommit CommitRequest(const TableName& name, const JsonObject& change) {
  TableCommit commit{.name = name, .requirements = {}, .updates = {}};
  for (const json& one : change.Array("requirements")) commit.requirements.push_back(table::RequirementFromJson(one));
  for (const json& one : change.Array("updates")) commit.updates.push_back(table::UpdateFromJson(one));
  return commit;
}

bool Makes(const TableCommit& commit) {
  return std::ranges::any_of(commit.requirements, [](const table::Requirement& one) {
    return std::holds_alternative<table::AssertCreate>(one);
  });
}

/// What `commit` returns for `commits`, settled, with refusals of the client's own mistakes told from ours.
template <typename Made, typename Commit>
Made Decided(SqlCatalog& catalog, ViewCatalog& views, const std::vector<TableCommit>& commits, const Commit& commit) {
  try {
    auto result = commit();
    if (std::holds_alternative<Conflict>(result)) {
      for (const auto& one : commits) {
        if (Makes(one))
          RequireNoView(views, one.name);
        else
          RequireTable(catalog, one.name);
      }
    }
    return Settled<Made>(std::move(result));
  } catch (const CatalogRefusal&) {
    throw;
  } catch (const Error& error) {
    // An update that cannot apply is the client's, whoever notices it.
    if (error.code() != ErrorCode::kInternal) throw;
    throw Error(ErrorCode::kData, error.what());
  }
}

io::HttpReply Commit(SqlCatalog& catalog, ViewCatalog& views, const TableName& name, const json& body) {
  const std::vector<TableCommit> commits{CommitRequest(name, JsonObject(body, ""))};
  const auto made = Decided<Committed>(catalog, views, commits, [&] { return catalog.CommitBeside(commits.front()); });
  return TableAnswer(catalog, made.table);
}

void CommitTransaction(SqlCatalog& catalog, ViewCatalog& views, const json& body) {
  std::vector<TableCommit> commits;
  std::set<TableName> names;
  for (const json& one : JsonObject(body, "").Array("table-changes")) {
    const JsonObject change(one, "table-changes");
    const auto name = TableFromJson(JsonObject(change.Member("identifier"), change.PathOf("identifier")));
    if (!names.insert(name).second) {
      throw Error(ErrorCode::kData, "the table " + ToString(name) + " stands twice in one transaction");
    }
    commits.push_back(CommitRequest(name, change));
  }
  if (commits.empty()) throw Error(ErrorCode::kData, "table-changes is empty");
  Decided<std::vector<LoadedTable>>(catalog, views, commits, [&] { return catalog.CommitAll(commits); });
}

void Drop(SqlCatalog& catalog, const io::HttpCall& call) {
  const auto name = TableOf(call);
  const auto table = RequireTable(catalog, name);
  if (!catalog.Drop(name)) throw CatalogRefusal::NoTable(name);
  if (call.QueryValue("purgeRequested").value_or("false") == "true") PurgeFiles(catalog.store(), table);
}

void Rename(SqlCatalog& catalog, ViewCatalog& views, const json& body) {
  const JsonObject object(body, "");
  const auto from = TableFromJson(JsonObject(object.Member("source"), "source"));
  const auto to = TableFromJson(JsonObject(object.Member("destination"), "destination"));
  RequireTable(catalog, from);
  RequireNamespace(catalog, to.name_space);
  if (views.Has(to)) {
    throw CatalogRefusal::Exists("Cannot rename " + ToString(from) + " to " + ToString(to) + ". View already exists");
  }
  try {
    catalog.Rename(from, to);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUsage) throw;
    throw CatalogRefusal::Exists(error.what());
  }
}

}  // namespace

void AddTableRoutes(io::HttpRoutes& routes, SqlCatalog& catalog, const std::shared_ptr<ViewCatalog>& views,
                    const std::string& prefix) {
  const std::string name_space = prefix + "/v1/namespaces/{namespace}";
  const std::string table = name_space + "/tables/{table}";
  AddRoute(routes, "GET", name_space + "/tables", Access::kLook, [&](io::HttpCall& call) {
    const auto in = NamespaceOf(call);
    RequireNamespace(catalog, in);
    std::vector<std::string> names;
    for (const auto& one : catalog.ListTables(in)) names.push_back(one.name);
    return Answer(Page(call, "identifiers", names, [&](const std::string& one) { return ToJson({in, one}); }));
  });
  AddRoute(routes, "POST", name_space + "/tables", Access::kChange,
           [&catalog, views](io::HttpCall& call) { return Create(catalog, *views, NamespaceOf(call), BodyOf(call)); });
  AddRoute(routes, "POST", name_space + "/register", Access::kChange, [&catalog, views](io::HttpCall& call) {
    return Register(catalog, *views, NamespaceOf(call), BodyOf(call));
  });
  AddRoute(routes, "GET", table, Access::kLook, [&](io::HttpCall& call) { return Load(catalog, call); });
  AddRoute(routes, "POST", table, Access::kChange,
           [&catalog, views](io::HttpCall& call) { return Commit(catalog, *views, TableOf(call), BodyOf(call)); });
  AddRoute(routes, "DELETE", table, Access::kChange, [&](io::HttpCall& call) {
    Drop(catalog, call);
    return NoContent();
  });
  // What a client measured while it planned or wrote: taken, as clients expect, and kept by nobody.
  AddRoute(routes, "POST", table + "/metrics", Access::kChange, [&](io::HttpCall& call) {
    BodyOf(call);
    return NoContent();
  });
  AddRoute(routes, "POST", prefix + "/v1/tables/rename", Access::kChange, [&catalog, views](io::HttpCall& call) {
    Rename(catalog, *views, BodyOf(call));
    return NoContent();
  });
  AddRoute(routes, "POST", prefix + "/v1/transactions/commit", Access::kChange, [&catalog, views](io::HttpCall& call) {
    CommitTransaction(catalog, *views, BodyOf(call));
    return NoContent();
  });
}

}  // namespace millrace::catalog
