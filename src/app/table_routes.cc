#include <nlohmann/json.hpp>
#include <utility>

#include "app/files_table_facts.h"
#include "app/housekeeper.h"
#include "app/maintenance_listing.h"
#include "app/request_values.h"
#include "app/served_parts.h"
#include "app/table_facts.h"

namespace millrace::app {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kBodyBytesMax = 4096;

/// Of what the pipeline's configuration says, what explains how a table comes about.
ordered_json ConfiguredOf(const PipelineConfig& config, const std::string& name) {
  const auto found = config.tables.find(name);
  if (found == config.tables.end()) return nullptr;
  return {{"from", found->second.from}, {"key", found->second.key}};
}

ordered_json Describe(const ServedParts& parts, const std::string& name) {
  if (IsFilesTable(parts.config, name)) {
    const auto facts = ReadFilesTable(parts.config, name, parts.lake);
    return {{"table", name},      {"form", "files"},           {"configured", ConfiguredOf(parts.config, name)},
            {"rows", facts.rows}, {"data_files", facts.files}, {"bytes", facts.bytes}};
  }
  const auto loaded = RequireTable(*parts.lake.catalog, name);
  auto answer = DescribeIceberg(loaded);
  answer["form"] = "iceberg";
  answer["configured"] = ConfiguredOf(parts.config, name);
  answer["columns"] = ordered_json::parse(ColumnListing(loaded.metadata->schema()).AsJson());
  answer["schemas"] = SchemaHistory(*loaded.metadata);
  return answer;
}

ordered_json Layout(const ServedParts& parts, const std::string& name) {
  const auto loaded = RequireTable(*parts.lake.catalog, name);
  return LayoutOf(parts.lake.catalog->store(), *loaded.metadata, MaintenanceRulesFor(parts.config, name).compaction);
}

io::HttpReply Maintain(io::HttpCall& call, const ServedParts& parts) {
  const auto body = ObjectOf(call);
  const auto table = RequireTable(*parts.lake.catalog, call.parameters.at("table"));
  auto rules = MaintenanceRulesFor(parts.config, catalog::ToString(table.name));
  rules.dry_run = FlagOf(body, "dry_run");
  // Somebody asked for it now: no partition is waited for.
  rules.compaction.cold_after = std::chrono::milliseconds(0);
  refine::Maintainer maintainer(*parts.lake.catalog, parts.budget, parts.directory.maintenance());
  MaintenanceListing told;
  told.Add(maintainer.Maintain(table.name, rules, call.stopping));
  return io::JsonReply(200, told.listing().AsJson());
}

}  // namespace

void AddTableRoutes(io::HttpRoutes& routes, const ServedParts& parts) {
  routes.Add({.method = "GET", .pattern = "/api/v1/tables", .handler = [parts](io::HttpCall&) {
                return io::JsonReply(200, TableListing(parts.config, parts.lake).AsJson());
              }});
  routes.Add({.method = "GET", .pattern = "/api/v1/tables/{table}", .handler = [parts](io::HttpCall& call) {
                return JsonOf(Describe(parts, call.parameters.at("table")));
              }});
  routes.Add({.method = "GET", .pattern = "/api/v1/tables/{table}/snapshots", .handler = [parts](io::HttpCall& call) {
                const auto loaded = RequireTable(*parts.lake.catalog, call.parameters.at("table"));
                return io::JsonReply(200, SnapshotListing(*loaded.metadata).AsJson());
              }});
  routes.Add({.method = "GET", .pattern = "/api/v1/tables/{table}/layout", .handler = [parts](io::HttpCall& call) {
                return JsonOf(Layout(parts, call.parameters.at("table")));
              }});
  routes.Add({.method = "POST",
              .pattern = "/api/v1/tables/{table}/maintain",
              .handler = [parts](io::HttpCall& call) { return Maintain(call, parts); },
              .body_bytes_max = kBodyBytesMax,
              .in_flight_max = 1,
              .buffered = true,
              .role = kOperates});
}

}  // namespace millrace::app
