#include "catalog/rest/rest_catalog.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "io/percent_encoding.h"
#include "schema/json_object.h"
#include "table/metadata_parts.h"
#include "table/table_property.h"
#include "table/update_json.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;
using schema::JsonObject;

constexpr int kNamespaceDepthMax = 16;
constexpr int kNamespaceAttemptsMax = 5;
constexpr std::chrono::milliseconds kNamespacePause{50};  // times the attempts so far
constexpr int kPagesMax = 10'000;
constexpr const char* kFormatVersion = "format-version";
constexpr const char* kCommitTransaction = "POST /v1/{prefix}/transactions/commit";
constexpr const char* kLoadCredentials = "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials";

json IdentifierOf(const TableName& name) { return {{"namespace", LevelsOf(name.name_space)}, {"name", name.name}}; }

/// CreateTableRequest. The catalogue gives the field ids; those sent tie partitions and order to columns.
std::string PrintCreate(const CreateTable& request) {
  schema::Schema schema = request.schema;
  schema::AssignIds(schema, schema.highest_id().value());
  json body = {{"name", request.name.name},
               {"schema", schema::ToJson(schema)},
               {"partition-spec", table::ToJson(request.spec)},
               {"write-order", table::ToJson(request.sort_order)},
               {"properties", request.properties},
               {"stage-create", false}};
  if (!request.sort_order.fields.empty()) body["write-order"]["order-id"] = 1;
  if (!request.location.empty()) body["location"] = request.location;
  const auto version = request.properties.find(kFormatVersion);
  const int32_t format =
      version == request.properties.end() ? table::kFormatDefault : table::FormatVersionOf(version->second);
  body["properties"][kFormatVersion] = std::to_string(format);
  return body.dump();
}

/// CommitTableRequest.
json CommitOf(const TableName& name, const std::vector<table::Requirement>& requirements,
              const std::vector<table::Update>& updates) {
  json body = {{"identifier", IdentifierOf(name)}, {"requirements", json::array()}, {"updates", json::array()}};
  for (const auto& requirement : requirements) body["requirements"].push_back(table::ToJson(requirement));
  for (const auto& update : updates) body["updates"].push_back(table::ToJson(update));
  return body;
}

/// A namespace as we write it; nullopt when a level has a dot of its own.
std::optional<std::string> NameOf(const json& levels) {
  std::string name;
  if (!levels.is_array()) throw Error(ErrorCode::kData, "a namespace is no list");
  for (const json& level : levels) {
    if (!level.is_string()) throw Error(ErrorCode::kData, "a level of a namespace is no text");
    const auto& text = level.get_ref<const std::string&>();
    if (text.empty() || text.find('.') != std::string::npos) return std::nullopt;
    name += (name.empty() ? "" : ".") + text;
  }
  return name;
}

}  // namespace

RestCatalog::RestCatalog(const RestCatalogOptions& options, io::ObjectStore& store, const Clock& clock,
                         std::shared_ptr<VendedCredentials> vended)
    : connection_(options, clock), store_(store), clock_(clock), vended_(std::move(vended)) {
  if (vended_) vended_->SetRefresh([this](const TableName& name) { return AskCredentials(name); });
}

RestCatalog::~RestCatalog() {
  if (vended_) vended_->SetRefresh({});
}

std::string RestCatalog::TablePath(const TableName& name) const {
  return "/namespaces/" + connection_.NamespaceInPath(name.name_space) + "/tables/" + io::PercentEncoded(name.name);
}

/// A server that fails at it may have been asked by two at once, or have made it all the same: it is looked at again.
void RestCatalog::EnsureNamespace(const std::string& name_space) {
  const std::string doing = "making the namespace " + name_space;
  for (int attempt = 1;; ++attempt) {
    const auto there = connection_.Send("GET", "/namespaces/" + connection_.NamespaceInPath(name_space));
    if (there.status == 200) return;
    if (there.status != 404) ThrowRefusal(doing, there);
    if (const size_t dot = name_space.rfind('.'); dot != std::string::npos) EnsureNamespace(name_space.substr(0, dot));
    const json body = {{"namespace", LevelsOf(name_space)}, {"properties", json::object()}};
    const auto made = connection_.Change("POST", "/namespaces", body.dump());
    if (made.status == 200) return;
    if ((made.status < 500 && made.status != 409) || attempt == kNamespaceAttemptsMax) ThrowRefusal(doing, made);
    clock_.SleepFor(kNamespacePause * attempt, {});
  }
}

template <typename Visit>
void RestCatalog::ForEachPage(const std::string& path, const char* doing, Visit visit) {
  const char* separator = path.find('?') == std::string::npos ? "?" : "&";
  std::string token;
  for (int page = 0; page < kPagesMax; ++page) {
    const std::string query = token.empty() ? "" : fmt::format("{}pageToken={}", separator, io::PercentEncoded(token));
    const auto response = connection_.Send("GET", path + query);
    if (response.status == 404) return;
    if (response.status != 200) ThrowRefusal(doing, response);
    const json document = schema::ParseJson(response.body, doing);
    const JsonObject answer(document, "");
    visit(answer);
    const std::string* next = answer.MaybeString("next-page-token");
    if (next == nullptr || next->empty()) return;
    token = *next;
  }
  throw Error(ErrorCode::kStop,
              fmt::format("{}: the catalogue gives page after page, more than {}; look at its log", doing, kPagesMax));
}

void RestCatalog::ListBelow(const std::string& parent, int depth, std::vector<std::string>& found) {
  if (depth > kNamespaceDepthMax) return;
  const std::string path = parent.empty() ? "/namespaces" : "/namespaces?parent=" + connection_.NamespaceInPath(parent);
  std::set<std::string> children;
  ForEachPage(path, "listing namespaces", [&](const JsonObject& page) {
    for (const json& levels : page.Array("namespaces")) {
      const auto name = NameOf(levels);
      // Some catalogues list all levels at once, or the parent itself.
      if (name && std::cmp_equal(levels.size(), depth)) children.insert(*name);
    }
  });
  for (const std::string& child : children) {
    found.push_back(child);
    ListBelow(child, depth + 1, found);
  }
}

std::vector<std::string> RestCatalog::ListNamespaces() {
  std::vector<std::string> found;
  ListBelow("", 1, found);
  return found;
}

std::vector<TableName> RestCatalog::ListTables(const std::string& name_space) {
  std::vector<TableName> tables;
  ForEachPage("/namespaces/" + connection_.NamespaceInPath(name_space) + "/tables", "listing tables",
              [&](const JsonObject& page) {
                const json& identifiers = page.Array("identifiers");
                for (size_t i = 0; i < identifiers.size(); ++i) {
                  const JsonObject identifier(identifiers[i], page.PathOf("identifiers", i));
                  tables.push_back({.name_space = name_space, .name = identifier.String("name")});
                }
              });
  return tables;
}

LoadedTable RestCatalog::ParseTable(const TableName& name, const std::string& body) {
  const json document = schema::ParseJson(body, "answer");
  const JsonObject answer(document, "");
  LoadedTable loaded{
      .name = name,
      .metadata_location = answer.String("metadata-location"),
      .metadata = std::make_shared<const table::TableMetadata>(table::MetadataFromJson(answer.Member("metadata")))};
  if (!store_.KeyOf(loaded.metadata->location)) {
    throw Error(ErrorCode::kStop,
                fmt::format("its location {} is outside lake.warehouse, where its files are looked for; let "
                            "lake.warehouse be the folder or bucket that the catalogue puts tables in",
                            loaded.metadata->location));
  }
  if (vended_) vended_->Learn(name, ParseStorageCredentials(answer, loaded.metadata->location));
  return loaded;
}

std::vector<StorageCredential> RestCatalog::AskCredentials(const TableName& name) {
  return WithContext("the credentials of table " + ToString(name), [&] {
    const bool by_themselves = connection_.Offers(kLoadCredentials);
    const auto response = connection_.Send("GET", TablePath(name) + (by_themselves ? "/credentials" : ""));
    if (response.status != 200) ThrowRefusal("asking for them", response);
    const json document = schema::ParseJson(response.body, "answer");
    const JsonObject answer(document, "");
    std::string location;
    if (!by_themselves) location = JsonObject(answer.Member("metadata"), "metadata").String("location");
    return ParseStorageCredentials(answer, location);
  });
}

std::optional<LoadedTable> RestCatalog::Load(const TableName& name) {
  return WithContext("table " + ToString(name), [&]() -> std::optional<LoadedTable> {
    const auto response = connection_.Send("GET", TablePath(name));
    if (response.status == 404) return std::nullopt;
    if (response.status != 200) ThrowRefusal("reading it", response);
    return ParseTable(name, response.body);
  });
}

std::variant<io::HttpResponse, Conflict, Unknown> RestCatalog::Ask(const std::string& what, const std::string& path,
                                                                   const std::string& body) {
  io::HttpResponse response;
  try {
    FaultPoint("catalog.rest_commit.before");
    response = connection_.Change("POST", path, body);
    FaultPoint("catalog.rest_commit.after");
  } catch (const io::HttpFailure& failure) {
    if (failure.may_have_arrived()) return Unknown{failure.message()};
    return Conflict{"the request did not reach the catalogue: " + failure.message()};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    return Conflict{std::string("the request could not be authorised: ") + error.what()};
  }
  if (response.status == 404 || response.status == 409) return Conflict{RefusalOf(response)};
  if (response.status == 429) return Conflict{"the catalogue asks for patience: " + RefusalOf(response)};
  // The spec calls 503 not processed, but gateways answer it for servers that went on: never taken for a failure.
  if (response.status >= 500) return Unknown{RefusalOf(response)};
  if (response.status != 200 && response.status != 204) ThrowRefusal("changing " + what, response);
  return response;
}

CommitResult RestCatalog::Change(const TableName& name, const std::string& path, const std::string& body) {
  auto asked = Ask("the table " + ToString(name), path, body);
  if (auto* conflict = std::get_if<Conflict>(&asked)) return std::move(*conflict);
  if (auto* unknown = std::get_if<Unknown>(&asked)) return std::move(*unknown);
  return WithContext("table " + ToString(name), [&]() -> CommitResult {
    try {
      return Committed{ParseTable(name, std::get<io::HttpResponse>(asked).body)};
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kData) throw;
      return Unknown{std::string("the catalogue's answer cannot be read: ") + error.what()};
    }
  });
}

CommitResult RestCatalog::Create(const CreateTable& request) {
  EnsureNamespace(request.name.name_space);
  return Change(request.name, "/namespaces/" + connection_.NamespaceInPath(request.name.name_space) + "/tables",
                PrintCreate(request));
}

CommitResult RestCatalog::Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                                 const std::vector<table::Update>& updates) {
  return Change(name, TablePath(name), CommitOf(name, requirements, updates).dump());
}

bool RestCatalog::CommitsTogether() const { return connection_.Offers(kCommitTransaction); }

AllResult RestCatalog::CommitAll(const std::vector<TableCommit>& commits) {
  if (!CommitsTogether()) {
    throw Error(ErrorCode::kConfig, "the catalogue at " + connection_.uri() +
                                        " takes no commits to several tables at once; commit them one by one");
  }
  json body = {{"table-changes", json::array()}};
  std::string names;
  for (const auto& commit : commits) {
    body["table-changes"].push_back(CommitOf(commit.name, commit.requirements, commit.updates));
    names += (names.empty() ? "" : ", ") + ToString(commit.name);
  }
  auto asked = Ask("the tables " + names, "/transactions/commit", body.dump());
  if (auto* conflict = std::get_if<Conflict>(&asked)) return std::move(*conflict);
  if (auto* unknown = std::get_if<Unknown>(&asked)) return std::move(*unknown);
  return AllCommitted{};
}

bool RestCatalog::Drop(const TableName& name) {
  const auto response = connection_.Change("DELETE", TablePath(name) + "?purgeRequested=false");
  if (response.status == 404) return false;
  if (response.status != 200 && response.status != 204) ThrowRefusal("dropping " + ToString(name), response);
  return true;
}

bool RestCatalog::DropNamespace(const std::string& name_space) {
  const auto response = connection_.Change("DELETE", "/namespaces/" + connection_.NamespaceInPath(name_space));
  if (response.status == 404) return false;
  if (response.status != 200 && response.status != 204) ThrowRefusal("dropping the namespace " + name_space, response);
  return true;
}

void RestCatalog::Rename(const TableName& from, const TableName& to) {
  EnsureNamespace(to.name_space);
  const json body = {{"source", IdentifierOf(from)}, {"destination", IdentifierOf(to)}};
  const auto response = connection_.Change("POST", "/tables/rename", body.dump());
  if (response.status == 404 || response.status == 409) {
    const std::string why =
        response.status == 409 ? ToString(to) + " exists already" : "there is no table " + ToString(from);
    throw Error(ErrorCode::kUsage, fmt::format("{} cannot be renamed to {}: {}", ToString(from), ToString(to), why));
  }
  if (response.status != 200 && response.status != 204) ThrowRefusal("renaming " + ToString(from), response);
}

}  // namespace millrace::catalog
