#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "app/files_columns.h"
#include "app/opened_lake.h"
#include "app/table_facts.h"
#include "app/verbs.h"
#include "query/export_sql/export_sql.h"

namespace millrace::app {
namespace {

using query::ExportedLake;
using query::ExportedTable;

constexpr const char* kQuarantine = "quarantine";

struct ExportSqlArguments {
  std::string dialect;
  std::vector<std::string> tables;
};

/// "file:///a/b" or "s3://bucket/prefix".
std::string RootOf(io::ObjectStore& store) {
  const auto below = store.UriOf("x");
  return below.substr(0, below.size() - 2);
}

ExportedLake LakeFacts(const OpenedLake& opened) {
  const auto& config = opened.pipeline.lake;
  ExportedLake lake{.name = opened.pipeline.name,
                    .warehouse = RootOf(*opened.lake.store),
                    .region = config.s3.region,
                    .endpoint = config.s3.endpoint};
  if (config.catalog.rest) {
    lake.catalog = ExportedLake::Catalog::kRest;
    lake.catalog_address = config.catalog.rest->uri;
  } else if (config.catalog.glue) {
    lake.catalog = ExportedLake::Catalog::kGlue;
    lake.catalog_address = config.catalog.glue->catalog_id;
    if (!config.catalog.glue->region.empty()) lake.region = config.catalog.glue->region;
  } else {
    lake.catalog_address =
        config.catalog.sqlite ? config.catalog.sqlite->path.value : opened.directory.catalog().string();
  }
  return lake;
}

/// The column that a partition follows in time; empty when none does.
std::string TimeColumnOf(const table::TableMetadata& metadata) {
  using enum table::Transform::Kind;
  for (const auto& field : metadata.spec().fields) {
    const auto kind = field.transform.kind;
    if (kind != kYear && kind != kMonth && kind != kDay && kind != kHour) continue;
    auto path = metadata.schema().PathOf(field.source_id);
    if (path.find('.') == std::string::npos) return path;
  }
  return "";
}

ExportedTable IcebergFacts(const PipelineConfig& pipeline, const catalog::LoadedTable& loaded) {
  const auto& metadata = *loaded.metadata;
  ExportedTable table{.name = loaded.name,
                      .schema = metadata.schema(),
                      .location = metadata.location,
                      .metadata_location = loaded.metadata_location,
                      .time_column = TimeColumnOf(metadata)};
  for (const auto id : metadata.schema().identifier_field_ids) table.key.push_back(metadata.schema().PathOf(id));
  const auto declared = pipeline.tables.find(catalog::ToString(loaded.name));
  if (table.key.empty() && declared != pipeline.tables.end()) table.key = declared->second.key;
  return table;
}

std::vector<ExportedTable> AllOf(OpenedLake& opened) {
  std::vector<ExportedTable> tables;
  for (const auto& name : AllTables(*opened.lake.catalog)) {
    if (name.name_space == kQuarantine) continue;
    if (const auto loaded = opened.lake.catalog->Load(name)) tables.push_back(IcebergFacts(opened.pipeline, *loaded));
  }
  for (const auto& [name, config] : opened.pipeline.tables) {
    if (!config.files) continue;
    if (auto files = ExportedFiles(opened.pipeline, name, opened.lake)) tables.push_back(std::move(*files));
  }
  std::ranges::sort(tables, {}, &ExportedTable::name);
  return tables;
}

std::vector<ExportedTable> Named(OpenedLake& opened, const std::vector<std::string>& names) {
  std::vector<ExportedTable> tables;
  for (const auto& name : names) {
    if (!IsFilesTable(opened.pipeline, name)) {
      tables.push_back(IcebergFacts(opened.pipeline, RequireTable(*opened.lake.catalog, name)));
      continue;
    }
    auto files = ExportedFiles(opened.pipeline, name, opened.lake);
    if (!files) throw Error(ErrorCode::kUnavailable, fmt::format("{} has no files of JSON lines or Parquet yet", name));
    tables.push_back(std::move(*files));
  }
  return tables;
}

ExitCode ExportSql(const Session& session, const ExportSqlArguments& arguments) {
  const auto dialect = query::ParseSqlDialect(arguments.dialect);
  if (!dialect) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--dialect is one of {}, not '{}'", query::SqlDialectWords(), arguments.dialect));
  }
  auto opened = OpenLakeOf(session);
  const auto tables = arguments.tables.empty() ? AllOf(opened) : Named(opened, arguments.tables);
  fmt::print("{}", query::ExportSql(*dialect, LakeFacts(opened), tables));
  return ExitCode::kDone;
}

}  // namespace

void AddExportSql(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<ExportSqlArguments>();
  auto* verb = AddVerb(
      root, session, "export-sql", "Print SQL by which another engine sees the lake's tables",
      [&session, arguments] { return ExportSql(session, *arguments); },
      "  millrace export-sql --dialect duckdb | duckdb\n"
      "  millrace export-sql --dialect snowflake silver.events > events.sql");
  verb->add_option("--dialect", arguments->dialect, query::SqlDialectWords())->required();
  verb->add_option("TABLE", arguments->tables, "These tables; by itself all but quarantine");
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
