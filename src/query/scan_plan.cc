#include "query/scan_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "base/error.h"
#include "query/column_facts.h"
#include "table/live_files.h"
#include "table/manifest.h"

namespace millrace::query {
namespace {

/// Of a position delete file, the column that holds the data file's path (Iceberg spec, "Reserved Field IDs").
constexpr schema::FieldId kDeletedPathField{2147483546};

struct DatedFile {
  table::DataFile file;
  table::SequenceNumber sequence;
};

std::vector<DatedFile> LiveFiles(io::ObjectStore& store, const table::TableMetadata& metadata,
                                 const table::ManifestFile& manifest) {
  std::vector<DatedFile> files;
  for (auto& entry : table::ReadManifest(store, metadata, manifest)) {
    if (entry.status == table::EntryStatus::kDeleted) continue;
    const auto sequence = entry.sequence_number.value_or(manifest.sequence_number);
    files.push_back({std::move(entry.file), sequence});
  }
  return files;
}

/// A delete file whose bounds name one path touches that file only.
bool MayDeleteFrom(const table::DataFile& deletes, const table::DataFile& file) {
  const auto lower = deletes.lower_bounds.find(kDeletedPathField);
  const auto upper = deletes.upper_bounds.find(kDeletedPathField);
  if (lower != deletes.lower_bounds.end() && lower->second > file.file_path) return false;
  return upper == deletes.upper_bounds.end() || upper->second >= file.file_path;
}

bool Applies(const DatedFile& deletes, const DatedFile& data, const table::TableMetadata& metadata) {
  const auto* spec = metadata.FindSpec(deletes.file.spec_id);
  const bool same_partition =
      deletes.file.spec_id == data.file.spec_id && deletes.file.partition == data.file.partition;
  if (deletes.file.content == table::FileContent::kEqualityDeletes) {
    const bool global = spec && spec->fields.empty();
    return (global || same_partition) && deletes.sequence > data.sequence;
  }
  return same_partition && deletes.sequence >= data.sequence && MayDeleteFrom(deletes.file, data.file);
}

bool IsWanted(const ScanRequest& request, const table::DataFile& file) {
  if (request.only_files && !request.only_files->contains(file.file_path)) return false;
  return MayMatch(request.predicate, *request.metadata, *request.schema, file);
}

void RequireReadable(const table::DataFile& file) {
  if (file.content == table::FileContent::kEqualityDeletes) {
    throw Error(
        ErrorCode::kData,
        fmt::format(
            "rows are deleted by value ({}), which this engine does not read; rewrite the table's data files with "
            "the engine that wrote them",
            file.file_path));
  }
  auto format = file.file_format;
  std::transform(format.begin(), format.end(), format.begin(),
                 [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  if (format != "PARQUET") {
    throw Error(ErrorCode::kData,
                fmt::format("{} is a {} file; only Parquet is read here", file.file_path, file.file_format));
  }
}

void Sort(std::vector<DatedFile> data, const std::vector<DatedFile>& deletes, const table::TableMetadata& metadata,
          ScanPlan& plan) {
  std::set<std::string> used;
  for (auto& file : data) {
    bool touched = false;
    for (const auto& candidate : deletes) {
      if (!Applies(candidate, file, metadata)) continue;
      RequireReadable(candidate.file);
      touched = true;
      if (used.insert(candidate.file.file_path).second) plan.deletes.push_back(candidate.file);
    }
    RequireReadable(file.file);
    (touched ? plan.deleted_files : plan.files).push_back(std::move(file.file));
  }
}

std::string Name(const std::optional<table::SnapshotId>& snapshot) {
  return snapshot ? std::to_string(snapshot->value()) : "none";
}

ScanPlan PlanRange(io::ObjectStore& store, const ScanRequest& request) {
  const auto& after = request.range->after;
  const auto newest = request.snapshot->snapshot_id;
  auto increment = table::FilesAddedBetween(store, *request.metadata, after, newest);
  if (const auto* change = std::get_if<table::NotAppendOnly>(&increment)) {
    throw Error(
        ErrorCode::kData,
        fmt::format("snapshot {} is an {}: the rows added since snapshot {} cannot be told; read the whole table",
                    change->snapshot_id.value(), change->operation, Name(after)));
  }
  if (std::holds_alternative<table::Disconnected>(increment)) {
    throw Error(
        ErrorCode::kData,
        fmt::format("snapshot {} is not behind snapshot {} any more (it has expired, or the table was rolled back); "
                    "read the whole table",
                    Name(after), newest.value()));
  }
  ScanPlan plan;
  std::vector<DatedFile> data;
  for (auto& entry : std::get<table::AddedFiles>(increment).files) {
    ++plan.files_total;
    if (!IsWanted(request, entry.file)) continue;
    data.push_back({std::move(entry.file), {}});
  }
  Sort(std::move(data), {}, *request.metadata, plan);
  return plan;
}

}  // namespace

ScanPlan PlanScan(io::ObjectStore& store, const ScanRequest& request) {
  if (!request.snapshot) return {};
  if (request.range && request.range->after) return PlanRange(store, request);
  ScanPlan plan;
  std::vector<DatedFile> data;
  std::vector<DatedFile> deletes;
  for (const auto& manifest : table::ReadManifestList(store, *request.snapshot)) {
    const bool is_data = manifest.content == table::ManifestContent::kData;
    if (is_data) plan.files_total += manifest.added_files_count + manifest.existing_files_count;
    if (is_data && !MayMatch(request.predicate, *request.metadata, *request.schema, manifest)) continue;
    for (auto& file : LiveFiles(store, *request.metadata, manifest)) {
      if (!is_data) {
        deletes.push_back(std::move(file));
      } else if (IsWanted(request, file.file)) {
        data.push_back(std::move(file));
      }
    }
  }
  Sort(std::move(data), deletes, *request.metadata, plan);
  return plan;
}

}  // namespace millrace::query
