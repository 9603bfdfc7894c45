#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/files_table_facts.h"
#include "app/opened_lake.h"
#include "app/snapshot_facts.h"
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

bool IsFilesTable(const OpenedLake& opened, const std::string& name) {
  const auto found = opened.pipeline.tables.find(name);
  return found != opened.pipeline.tables.end() && found->second.files.has_value();
}

void AddFilesTables(OpenedLake& opened, Listing& listing) {
  for (const auto& [name, table] : opened.pipeline.tables) {
    if (!table.files) continue;
    const auto facts = ReadFilesTable(opened.pipeline, name, opened.lake);
    listing.Add({name, "files", facts.rows, facts.files, facts.bytes, nullptr, nullptr, nullptr});
  }
}

/// Deletes that readers apply, by position and by value; a row may be named by both.
nlohmann::json DeletesOf(const table::Summary& summary) {
  const auto positions = SummaryNumber(summary, "total-position-deletes");
  const auto values = SummaryNumber(summary, "total-equality-deletes");
  if (positions.is_null() || values.is_null()) return nullptr;
  return positions.get<int64_t>() + values.get<int64_t>();
}

ExitCode List(const Session& session) {
  auto opened = OpenLakeOf(session);
  Listing listing({{"table"},
                   {"form"},
                   {"rows"},
                   {"files"},
                   {"bytes", Listing::Form::kBytes},
                   {"deletes"},
                   {"snapshots"},
                   {"last_commit"}});
  AddFilesTables(opened, listing);
  for (const auto& name : AllTables(*opened.lake.catalog)) {
    const auto loaded = opened.lake.catalog->Load(name);
    if (!loaded) continue;
    const auto* snapshot = loaded->metadata->current_snapshot();
    if (snapshot == nullptr) {
      listing.Add({catalog::ToString(name), "iceberg", 0, 0, 0, 0, 0, nullptr});
      continue;
    }
    listing.Add({catalog::ToString(name), "iceberg", SummaryNumber(snapshot->summary, "total-records"),
                 SummaryNumber(snapshot->summary, "total-data-files"),
                 SummaryNumber(snapshot->summary, "total-files-size"), DeletesOf(snapshot->summary),
                 loaded->metadata->snapshots.size(), FormatMillis(snapshot->timestamp_ms)});
  }
  listing.Print(session.json, "there are no tables yet; `millrace run` makes them");
  return ExitCode::kDone;
}

void AddColumns(Listing& listing, const std::vector<schema::Field>& fields, const std::string& prefix) {
  for (const auto& field : fields) {
    const auto* group = std::get_if<schema::StructType>(&field.type);
    listing.Add({field.id.value(), prefix + field.name, group != nullptr ? "struct" : schema::ToString(field.type),
                 field.required, field.doc.empty() ? nlohmann::json() : nlohmann::json(field.doc)});
    if (group != nullptr) AddColumns(listing, group->fields, prefix + field.name + ".");
  }
}

const table::SortOrder* DefaultOrder(const table::TableMetadata& metadata) {
  for (const auto& order : metadata.sort_orders) {
    if (order.order_id == metadata.default_sort_order_id) return &order;
  }
  return nullptr;
}

ExitCode Describe(const Session& session, const std::string& name) {
  const auto opened = OpenLakeOf(session);
  const auto loaded = RequireTable(*opened.lake.catalog, name);
  const auto& metadata = *loaded.metadata;
  Listing columns({{"id"}, {"column"}, {"type"}, {"required"}, {"doc"}});
  AddColumns(columns, metadata.schema().fields, "");
  const auto* order = DefaultOrder(metadata);
  nlohmann::ordered_json out = {{"table", name},
                                {"uuid", metadata.table_uuid},
                                {"location", metadata.location},
                                {"metadata", loaded.metadata_location},
                                {"partition_by", DescribeSpec(metadata.spec(), metadata.schema())},
                                {"sort_by", order == nullptr ? "" : DescribeOrder(*order, metadata.schema())},
                                {"properties", metadata.properties}};
  if (const auto* snapshot = metadata.current_snapshot()) {
    out["rows"] = SummaryNumber(snapshot->summary, "total-records");
    out["data_files"] = SummaryNumber(snapshot->summary, "total-data-files");
    out["delete_files"] = SummaryNumber(snapshot->summary, "total-delete-files");
    out["position_deletes"] = SummaryNumber(snapshot->summary, "total-position-deletes");
    out["equality_deletes"] = SummaryNumber(snapshot->summary, "total-equality-deletes");
  }
  if (session.json) {
    out["columns"] = nlohmann::ordered_json::parse(columns.AsJson());
    fmt::print("{}\n", out.dump(2));
    return ExitCode::kDone;
  }
  PrintFacts(out);
  for (const auto& [key, value] : metadata.properties)
    fmt::print("property         {} = {}\n", key, value.substr(0, 160));
  fmt::print("\n{}", columns.AsTable());
  return ExitCode::kDone;
}

ExitCode Snapshots(const Session& session, const std::string& name) {
  const auto opened = OpenLakeOf(session);
  const auto loaded = RequireTable(*opened.lake.catalog, name);
  Listing listing({{"snapshot"},
                   {"committed_at"},
                   {"operation"},
                   {"added_rows"},
                   {"added_files"},
                   {"deleted_rows"},
                   {"total_rows"},
                   {"current"}});
  const auto current = loaded.metadata->current_snapshot_id;
  for (const auto& snapshot : loaded.metadata->snapshots) {
    const auto operation = snapshot.summary.find("operation");
    // As text: JavaScript's numbers cannot hold a snapshot id.
    listing.Add({std::to_string(snapshot.snapshot_id.value()), FormatMillis(snapshot.timestamp_ms),
                 operation == snapshot.summary.end() ? nlohmann::json() : nlohmann::json(operation->second),
                 SummaryNumber(snapshot.summary, "added-records"), SummaryNumber(snapshot.summary, "added-data-files"),
                 SummaryNumber(snapshot.summary, "deleted-records"), SummaryNumber(snapshot.summary, "total-records"),
                 current == snapshot.snapshot_id});
  }
  listing.Print(session.json, fmt::format("{} has no snapshots yet", name));
  return ExitCode::kDone;
}

void ListPlainFiles(OpenedLake& opened, const std::string& name, Listing& listing) {
  ForEachFile(opened.pipeline, name, opened.lake, [&](const std::string& key, int64_t rows, int64_t bytes) {
    listing.Add({opened.lake.store->UriOf(key), nullptr, rows, bytes});
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
  if (IsFilesTable(opened, name)) {
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
