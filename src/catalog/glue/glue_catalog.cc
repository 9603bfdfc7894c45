#include "catalog/glue/glue_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/error.h"
#include "catalog/glue/glue_table.h"
#include "catalog/table_files.h"
#include "schema/json_object.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;
using schema::JsonObject;

constexpr size_t kCachedMetadataMax = 64;

bool IsBelow(io::ObjectStore& store, const json& entry) {
  const auto storage = entry.find("StorageDescriptor");
  if (storage == entry.end() || !storage->is_object()) return true;
  const auto* location = JsonObject(*storage, "StorageDescriptor").MaybeString("Location");
  return location == nullptr || store.KeyOf(*location).has_value();
}

json AddressOf(const TableName& name) { return {{"DatabaseName", name.name_space}, {"Name", name.name}}; }

}  // namespace

GlueCatalog::GlueCatalog(GlueOptions options, io::ObjectStore& store, const Clock& clock, Random random)
    : client_(std::move(options)), store_(store), clock_(clock), cache_(kCachedMetadataMax), random_(random) {}

std::string GlueCatalog::FreshUuid() {
  const std::lock_guard lock(random_mutex_);
  return random_.Uuid();
}

/// Where others may make tables by themselves, those lie in the warehouse too.
void GlueCatalog::EnsureNamespace(const std::string& name_space) {
  RequireGlueName(name_space, "namespace");
  if (client_.Ask("GetDatabase", {{"Name", name_space}}, "looking for the database " + name_space)) return;
  const json database = {{"Name", name_space}, {"LocationUri", store_.UriOf(name_space)}};
  const auto doing = "making the database " + name_space;
  Decided(client_.Change("CreateDatabase", {{"DatabaseInput", database}}, doing), doing);
}

std::vector<std::string> GlueCatalog::ListNamespaces() {
  std::vector<std::string> names;
  client_.ForEachPage("GetDatabases", json::object(), "listing databases", [&](const json& page) {
    const JsonObject answer(page, "");
    const auto& databases = answer.Array("DatabaseList");
    for (size_t i = 0; i < databases.size(); ++i)
      names.push_back(JsonObject(databases[i], answer.PathOf("DatabaseList", i)).String("Name"));
  });
  return names;
}

bool GlueCatalog::DropNamespace(const std::string& name_space) {
  const auto doing = "dropping the database " + name_space;
  bool empty = true;
  const auto look = [&](const json& page) { empty = empty && JsonObject(page, "").Array("TableList").empty(); };
  if (!client_.ForEachPage("GetTables", {{"DatabaseName", name_space}}, doing, look)) return false;
  if (!empty) throw Error(ErrorCode::kUsage, fmt::format("the database {} has tables; drop them first", name_space));
  return Decided(client_.Change("DeleteDatabase", {{"Name", name_space}}, doing), doing) == GlueOutcome::kDone;
}

std::vector<TableName> GlueCatalog::ListTables(const std::string& name_space) {
  std::vector<TableName> tables;
  client_.ForEachPage("GetTables", {{"DatabaseName", name_space}}, "listing the tables of " + name_space,
                      [&](const json& page) {
                        const JsonObject answer(page, "");
                        const auto& entries = answer.Array("TableList");
                        for (size_t i = 0; i < entries.size(); ++i) {
                          const JsonObject entry(entries[i], answer.PathOf("TableList", i));
                          // An account has one catalogue for all its lakes.
                          if (IsIceberg(entries[i]) && IsBelow(store_, entries[i]))
                            tables.push_back({.name_space = name_space, .name = entry.String("Name")});
                        }
                      });
  return tables;
}

std::optional<json> GlueCatalog::FindEntry(const TableName& name) {
  auto answer = client_.Ask("GetTable", AddressOf(name), "reading the table " + ToString(name));
  if (!answer) return std::nullopt;
  return JsonObject(*answer, "").Member("Table");
}

std::optional<GlueCatalog::Found> GlueCatalog::Find(const TableName& name) {
  auto entry = FindEntry(name);
  if (!entry) return std::nullopt;
  return WithContext("table " + ToString(name), [&] {
    const auto location = MetadataLocationOf(*entry, ToString(name));
    Found found{.entry = std::move(*entry),
                .table = {.name = name, .metadata_location = location, .metadata = cache_.Get(store_, location)}};
    if (!store_.KeyOf(found.table.metadata->location)) {
      throw Error(ErrorCode::kStop,
                  fmt::format("its location {} is outside lake.warehouse, where its files are looked for; let "
                              "lake.warehouse be the bucket or folder that holds it",
                              found.table.metadata->location));
    }
    return found;
  });
}

std::optional<LoadedTable> GlueCatalog::Load(const TableName& name) {
  auto found = Find(name);
  if (!found) return std::nullopt;
  return std::move(found->table);
}

/// AWS refuses an update at another version than the table has; some that speak its protocol overwrite, and then two
/// writers would lose each other's rows. An entry of ours in the database shows which it is.
void GlueCatalog::RequireLocking(const std::string& database) {
  if (client_.is_aws()) return;
  std::call_once(locking_seen_, [&] {
    auto name = "millrace_probe_" + FreshUuid();
    std::ranges::replace(name, '-', '_');
    const json input = {{"Name", name}, {"TableType", "EXTERNAL_TABLE"}, {"Parameters", json::object()}};
    const json there = {{"DatabaseName", database}, {"TableInput", input}};
    const auto doing = fmt::format("trying the locks of the catalogue with the entry {}.{}", database, name);
    Decided(client_.Change("CreateTable", there, doing), doing);
    auto stale = there;
    stale["VersionId"] = "987654321";
    const auto change = client_.Change("UpdateTable", stale, doing);
    client_.Change("DeleteTable", {{"DatabaseName", database}, {"Name", name}}, doing);
    if (change.outcome == GlueOutcome::kStale || Decided(change, doing) != GlueOutcome::kDone) return;
    throw Error(ErrorCode::kStop,
                "the catalogue at lake.catalog.glue.endpoint updates a table whatever VersionId is asked for, so that "
                "two writers would overwrite each other's commits; use AWS's own Glue, or `lake.catalog.rest`");
  });
}

CommitResult GlueCatalog::Create(const CreateTable& request) {
  RequireGlueName(request.name.name, "table");
  EnsureNamespace(request.name.name_space);
  RequireLocking(request.name.name_space);
  const std::string exists = fmt::format("Table already exists: {}", ToString(request.name));
  if (FindEntry(request.name)) return Conflict{exists};
  auto metadata = std::make_shared<const table::TableMetadata>(NewTable(request, store_, FreshUuid(), clock_.Now()));
  LoadedTable made{.name = request.name,
                   .metadata_location = NextMetadataLocation(*metadata, "", FreshUuid()),
                   .metadata = metadata};
  const json body = {{"DatabaseName", request.name.name_space}, {"TableInput", TableInputOf(made, nullptr)}};
  return Send("CreateTable", body, std::move(made), exists);
}

CommitResult GlueCatalog::Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                                 const std::vector<table::Update>& updates) {
  const std::lock_guard lock(table_mutexes_[std::hash<std::string>{}(ToString(name)) % table_mutexes_.size()]);
  const auto base = Find(name);
  if (!base) return Conflict{fmt::format("there is no table {}", ToString(name))};
  RequireLocking(name.name_space);
  if (auto why = table::Unmet(requirements, base->table.metadata.get())) return Conflict{std::move(*why)};
  if (auto why = table::Overtaken(updates, *base->table.metadata)) return Conflict{std::move(*why)};
  auto next = NextVersion(base->table, updates, clock_.Now());
  if (next.metadata.table_uuid.empty()) next.metadata.table_uuid = FreshUuid();  // format v1 may lack one
  const auto metadata = std::make_shared<const table::TableMetadata>(std::move(next.metadata));
  LoadedTable made{.name = name,
                   .metadata_location = NextMetadataLocation(*metadata, base->table.metadata_location, FreshUuid()),
                   .metadata = metadata};
  const json body = {{"DatabaseName", name.name_space},
                     {"TableInput", TableInputOf(made, base->entry)},
                     {"VersionId", VersionIdOf(base->entry, ToString(name))},
                     {"SkipArchive", true}};
  auto result =
      Send("UpdateTable", body, std::move(made), fmt::format("another writer committed to {} first", ToString(name)));
  if (std::holds_alternative<Committed>(result)) {
    for (const std::string& file : next.expired) DeleteMetadataFile(store_, file);
  }
  return result;
}

CommitResult GlueCatalog::Send(const std::string& operation, const json& request, LoadedTable made,
                               const std::string& refused) {
  WriteMetadataFile(store_, made.metadata_location, *made.metadata);
  GlueChange change;
  try {
    change = client_.Change(operation, request, "changing the table " + ToString(made.name));
  } catch (const Error&) {
    DeleteMetadataFile(store_, made.metadata_location);
    throw;
  }
  switch (change.outcome) {
    case GlueOutcome::kDone:
      cache_.Put(made.metadata_location, made.metadata);
      return Committed{std::move(made)};
    case GlueOutcome::kExists:
    case GlueOutcome::kStale:
      DeleteMetadataFile(store_, made.metadata_location);
      return Conflict{refused};
    case GlueOutcome::kMissing:
    case GlueOutcome::kNotDone:
      DeleteMetadataFile(store_, made.metadata_location);
      return Conflict{change.why};
    case GlueOutcome::kUnclear:
      return Unknown{change.why};
  }
  return Unknown{"Glue gave no outcome"};
}

bool GlueCatalog::Drop(const TableName& name) {
  const auto doing = "dropping the table " + ToString(name);
  return Decided(client_.Change("DeleteTable", AddressOf(name), doing), doing) == GlueOutcome::kDone;
}

void GlueCatalog::Rename(const TableName& from, const TableName& to) {
  const auto doing = fmt::format("renaming {} to {}", ToString(from), ToString(to));
  const auto entry = FindEntry(from);
  if (!entry) {
    throw Error(ErrorCode::kUsage, fmt::format("{} cannot be renamed to {}: there is no table {}", ToString(from),
                                               ToString(to), ToString(from)));
  }
  MetadataLocationOf(*entry, ToString(from));  // one of Iceberg's
  RequireGlueName(to.name, "table");
  EnsureNamespace(to.name_space);
  const json body = {{"DatabaseName", to.name_space}, {"TableInput", RenamedTableInput(*entry, to.name)}};
  if (Decided(client_.Change("CreateTable", body, doing), doing) != GlueOutcome::kDone) {
    throw Error(ErrorCode::kUsage, fmt::format("{} cannot be renamed to {}: Table already exists: {}", ToString(from),
                                               ToString(to), ToString(to)));
  }
  const auto both = fmt::format("{} (both names may stand for it now)", doing);
  Decided(client_.Change("DeleteTable", AddressOf(from), both), both);
}

}  // namespace millrace::catalog
