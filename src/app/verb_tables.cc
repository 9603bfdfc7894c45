#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/files_table_facts.h"
#include "app/opened_lake.h"
#include "app/table_facts.h"
#include "app/text_table.h"
#include "app/verbs.h"
#include "table/deletion_vector.h"
#include "table/live_files.h"
#include "table/partition.h"

namespace millrace::app {
namespace {

struct TablesArguments {
  std::string name;
};

ExitCode List(const Session& session) {
  auto opened = OpenLakeOf(session);
  TableListing(opened.pipeline, opened.lake).Print(session.json, "there are no tables yet; `millrace run` makes them");
  return ExitCode::kDone;
}

ExitCode Describe(const Session& session, const std::string& name) {
  const auto opened = OpenLakeOf(session);
  const auto loaded = RequireTable(*opened.lake.catalog, name);
  auto out = DescribeIceberg(loaded);
  const auto columns = ColumnListing(loaded.metadata->schema());
  if (session.json) {
    out["columns"] = nlohmann::ordered_json::parse(columns.AsJson());
    fmt::print("{}\n", out.dump(2));
    return ExitCode::kDone;
  }
  PrintFacts(out);
  for (const auto& [key, value] : loaded.metadata->properties)
    fmt::print("property         {} = {}\n", key, value.substr(0, 160));
  fmt::print("\n{}", columns.AsTable());
  return ExitCode::kDone;
}

ExitCode Snapshots(const Session& session, const std::string& name) {
  const auto opened = OpenLakeOf(session);
  const auto loaded = RequireTable(*opened.lake.catalog, name);
  SnapshotListing(*loaded.metadata).Print(session.json, fmt::format("{} has no snapshots yet", name));
  return ExitCode::kDone;
}

void ListPlainFiles(OpenedLake& opened, const std::string& name, Listing& listing) {
  ForEachFile(opened.pipeline, name, opened.lake, [&](const std::string& uri, int64_t rows, int64_t bytes) {
    listing.Add({uri, nullptr, rows, bytes});
  });
}

std::string_view ContentOf(const table::DataFile& file) {
  if (table::IsDeletionVector(file)) return "deletion vector";
  switch (file.content) {
    case table::FileContent::kData:
      return "data";
    case table::FileContent::kPositionDeletes:
      return "position deletes";
    case table::FileContent::kEqualityDeletes:
      return "equality deletes";
  }
  return "data";
}

ExitCode Files(const Session& session, const std::string& name) {
  auto opened = OpenLakeOf(session);
  if (IsFilesTable(opened.pipeline, name)) {
    Listing plain({{"file"}, {"partition"}, {"rows"}, {"bytes", Listing::Form::kBytes}});
    ListPlainFiles(opened, name, plain);
    plain.Print(session.json, fmt::format("{} has no files yet", name));
    return ExitCode::kDone;
  }
  const auto loaded = RequireTable(*opened.lake.catalog, name);
  const auto& metadata = *loaded.metadata;
  Listing listing({{"file"}, {"content"}, {"partition"}, {"rows"}, {"bytes", Listing::Form::kBytes}});
  if (const auto* snapshot = metadata.current_snapshot()) {
    table::ForEachLiveFile(*opened.lake.store, metadata, *snapshot, {}, [&](const table::ManifestEntry& entry) {
      const auto& file = entry.file;
      const auto* spec = metadata.FindSpec(file.spec_id);
      const auto partition =
          spec == nullptr ? std::string() : table::PartitionPath(*spec, metadata.schema(), file.partition);
      auto path = file.file_path;
      if (!session.json && path.starts_with(metadata.location + "/")) path = path.substr(metadata.location.size() + 1);
      listing.Add({path, ContentOf(file), partition.empty() ? nlohmann::json() : nlohmann::json(partition),
                   file.record_count, file.file_size_in_bytes});
    });
  }
  listing.Print(session.json, fmt::format("{} has no files yet", name));
  return ExitCode::kDone;
}

}  // namespace

void AddTables(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<TablesArguments>();
  auto* tables = AddVerbGroup(root, "tables", "Tables of the lake: list, describe, snapshots, files");
  const auto add = [&](const char* name, const char* doc, ExitCode (*body)(const Session&, const std::string&)) {
    auto* verb = AddVerb(
        *tables, session, name, doc, [&session, arguments, body] { return body(session, arguments->name); },
        fmt::format("  millrace tables {} silver.events", name));
    verb->add_option("TABLE", arguments->name, "layer.name")->required();
    AddJsonOption(*verb, session);
    AddConfigOption(*verb, session);
  };
  auto* list = AddVerb(*tables, session, "list", "Every table with its rows, files and bytes",
                       [&session] { return List(session); });
  AddJsonOption(*list, session);
  AddConfigOption(*list, session);
  add("describe", "Columns, partitions and properties of a table", Describe);
  add("snapshots", "What was committed to a table, and when", Snapshots);
  add("files", "The data files a table is made of now", Files);
}

}  // namespace millrace::app
