#include "app/table_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "app/files_table_facts.h"
#include "app/snapshot_facts.h"
#include "table/live_files.h"
#include "table/partition.h"

namespace millrace::app {
namespace {

using nlohmann::ordered_json;

/// Partitions that are told of.
constexpr size_t kPartitionsMax = 200;
/// Upper ends of the histogram's bins; files of the last one are larger.
constexpr std::array<int64_t, 9> kBins = {int64_t{64} << 10,  int64_t{256} << 10, int64_t{1} << 20,
                                          int64_t{4} << 20,   int64_t{16} << 20,  int64_t{64} << 20,
                                          int64_t{128} << 20, int64_t{256} << 20, int64_t{512} << 20};

void AddFilesTables(const PipelineConfig& pipeline, Lake& lake, Listing& listing) {
  for (const auto& [name, table] : pipeline.tables) {
    if (!table.files) continue;
    const auto facts = ReadFilesTable(pipeline, name, lake);
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

}  // namespace

bool IsFilesTable(const PipelineConfig& pipeline, const std::string& name) {
  const auto found = pipeline.tables.find(name);
  return found != pipeline.tables.end() && found->second.files.has_value();
}

Listing TableListing(const PipelineConfig& pipeline, Lake& lake) {
  Listing listing({{"table"},
                   {"form"},
                   {"rows"},
                   {"files"},
                   {"bytes", Listing::Form::kBytes},
                   {"deletes"},
                   {"snapshots"},
                   {"last_commit"}});
  AddFilesTables(pipeline, lake, listing);
  for (const auto& name : AllTables(*lake.catalog)) {
    const auto loaded = lake.catalog->Load(name);
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
  return listing;
}

ordered_json DescribeIceberg(const catalog::LoadedTable& loaded) {
  const auto& metadata = *loaded.metadata;
  const auto* order = DefaultOrder(metadata);
  nlohmann::ordered_json out = {{"table", catalog::ToString(loaded.name)},
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
  return out;
}

Listing ColumnListing(const schema::Schema& schema) {
  Listing columns({{"id"}, {"column"}, {"type"}, {"required"}, {"doc"}});
  AddColumns(columns, schema.fields, "");
  return columns;
}

Listing SnapshotListing(const table::TableMetadata& metadata) {
  Listing listing({{"snapshot"},
                   {"committed_at"},
                   {"operation"},
                   {"added_rows"},
                   {"added_files"},
                   {"deleted_rows"},
                   {"total_rows"},
                   {"current"}});
  const auto current = metadata.current_snapshot_id;
  for (const auto& snapshot : metadata.snapshots) {
    const auto operation = snapshot.summary.find("operation");
    // As text: JavaScript's numbers cannot hold a snapshot id.
    listing.Add({std::to_string(snapshot.snapshot_id.value()), FormatMillis(snapshot.timestamp_ms),
                 operation == snapshot.summary.end() ? nlohmann::json() : nlohmann::json(operation->second),
                 SummaryNumber(snapshot.summary, "added-records"), SummaryNumber(snapshot.summary, "added-data-files"),
                 SummaryNumber(snapshot.summary, "deleted-records"), SummaryNumber(snapshot.summary, "total-records"),
                 current == snapshot.snapshot_id});
  }
  return listing;
}

ordered_json SchemaHistory(const table::TableMetadata& metadata) {
  auto history = ordered_json::array();
  for (const auto& schema : metadata.schemas) {
    const auto first = std::ranges::find_if(
        metadata.snapshots, [&](const auto& snapshot) { return snapshot.schema_id == schema.schema_id; });
    const bool known = first != metadata.snapshots.end();
    history.push_back({{"schema_id", schema.schema_id},
                       {"current", schema.schema_id == metadata.current_schema_id},
                       {"since", known ? ordered_json(FormatMillis(first->timestamp_ms)) : ordered_json()},
                       {"columns", ordered_json::parse(ColumnListing(schema).AsJson())}});
  }
  return history;
}

namespace {

struct PartitionCount {
  int64_t files = 0, small_files = 0, rows = 0, bytes = 0;
};

ordered_json PartitionsOf(const std::map<std::string, PartitionCount>& partitions) {
  std::vector<std::pair<std::string, PartitionCount>> largest(partitions.begin(), partitions.end());
  std::ranges::stable_sort(largest, [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
  if (largest.size() > kPartitionsMax) largest.resize(kPartitionsMax);
  std::ranges::sort(largest, {}, &std::pair<std::string, PartitionCount>::first);
  auto told = ordered_json::array();
  for (const auto& [name, count] : largest) {
    told.push_back({{"partition", name},
                    {"files", count.files},
                    {"small_files", count.small_files},
                    {"rows", count.rows},
                    {"bytes", count.bytes}});
  }
  return told;
}

}  // namespace

ordered_json LayoutOf(io::ObjectStore& store, const table::TableMetadata& metadata,
                      const refine::CompactionRules& rules) {
  std::array<int64_t, kBins.size() + 1> bins{};
  std::map<std::string, PartitionCount> partitions;
  if (const auto* snapshot = metadata.current_snapshot()) {
    table::ForEachLiveFile(store, metadata, *snapshot, {}, [&](const table::ManifestEntry& entry) {
      const auto& file = entry.file;
      if (file.content != table::FileContent::kData) return;
      const auto bytes = file.file_size_in_bytes;
      ++bins.at(std::ranges::upper_bound(kBins, bytes) - kBins.begin());
      const auto* spec = metadata.FindSpec(file.spec_id);
      auto& partition =
          partitions[spec == nullptr ? std::string() : table::PartitionPath(*spec, metadata.schema(), file.partition)];
      ++partition.files;
      if (bytes < rules.small_bytes()) ++partition.small_files;
      partition.rows += file.record_count;
      partition.bytes += bytes;
    });
  }
  const auto shape = refine::MeasureShape(store, metadata, rules);
  ordered_json layout = {{"files", shape.files},
                         {"small_files", shape.small_files},
                         {"small_below_bytes", rules.small_bytes()},
                         {"bytes", shape.bytes},
                         {"rows", shape.rows},
                         {"delete_files", shape.delete_files},
                         {"deleted_rows", shape.deleted_rows},
                         {"delete_ratio", shape.delete_ratio()},
                         {"manifests", shape.manifests},
                         {"snapshots", shape.snapshots},
                         {"partitions_total", partitions.size()}};
  layout["histogram"] = ordered_json::array();
  for (size_t i = 0; i < bins.size(); ++i) {
    layout["histogram"].push_back({{"from_bytes", i == 0 ? 0 : kBins.at(i - 1)},
                                   {"to_bytes", i < kBins.size() ? ordered_json(kBins.at(i)) : ordered_json()},
                                   {"files", bins.at(i)}});
  }
  layout["partitions"] = PartitionsOf(partitions);
  return layout;
}

}  // namespace millrace::app
