#include "query/scan_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "query/column_facts.h"
#include "query/predicate_sql.h"
#include "table/delete_files.h"
#include "table/deletion_vector.h"
#include "table/live_files.h"
#include "table/manifest.h"

namespace millrace::query {
namespace {

using table::DatedFile;

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

/// Counts files by how far they get.
class PruningCount {
 public:
  explicit PruningCount(const ScanRequest& request) : request_(request) {
    demands_ = request.predicate.kind == Predicate::Kind::kAnd ? request.predicate.children
                                                               : std::vector<Predicate>{request.predicate};
    std::erase_if(demands_, [](const Predicate& demand) { return demand.kind == Predicate::Kind::kAny; });
    for (const auto& demand : demands_) report_.demands.push_back({PredicateSql(demand, *request.schema), {}});
  }

  void Look(const table::DataFile& file) {
    const auto& [metadata, schema] = std::tie(*request_.metadata, *request_.schema);
    Count(report_.all, file);
    if (MayMatchPartition(request_.predicate, metadata, schema, file)) Count(report_.after_partitions, file);
    for (size_t i = 0; i < demands_.size(); ++i) {
      if (MayMatch(demands_[i], metadata, schema, file)) Count(report_.demands[i].left, file);
    }
  }

  PruningReport Finish(const ScanPlan& plan) && {
    for (const auto& file : plan.files) Count(report_.read, file);
    for (const auto& dated : plan.deleted_files) Count(report_.read, dated.file);
    for (const auto* list : {&plan.position_deletes, &plan.deletion_vectors}) {
      for (const auto& file : *list) Count(report_.delete_files, file);
    }
    for (const auto& dated : plan.equality_deletes) Count(report_.delete_files, dated.file);
    return std::move(report_);
  }

 private:
  static void Count(FileCount& count, const table::DataFile& file) {
    ++count.files;
    count.bytes += table::IsDeletionVector(file) ? file.content_size_in_bytes.value_or(0) : file.file_size_in_bytes;
  }

  const ScanRequest& request_;
  std::vector<Predicate> demands_;
  PruningReport report_;
};

bool IsWanted(const ScanRequest& request, const table::DataFile& file) {
  if (request.change && (request.change->remove_all || request.change->removed.contains(file.file_path))) return false;
  if (request.only_files && !request.only_files->contains(file.file_path)) return false;
  return MayMatch(request.predicate, *request.metadata, *request.schema, file);
}

void RequireReadable(const table::DataFile& file) {
  auto format = file.file_format;
  std::transform(format.begin(), format.end(), format.begin(),
                 [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  if (format != "PARQUET") {
    throw Error(ErrorCode::kData,
                fmt::format("{} is a {} file; only Parquet is read here", file.file_path, file.file_format));
  }
}

/// Delete files by kind, each once.
class Deletes {
 public:
  explicit Deletes(ScanPlan& plan) : plan_(plan) {}

  void Take(const DatedFile& deletes) {
    if (!taken_.insert(&deletes).second) return;
    if (table::IsDeletionVector(deletes.file)) {
      plan_.deletion_vectors.push_back(deletes.file);
      return;
    }
    RequireReadable(deletes.file);
    if (deletes.file.content == table::FileContent::kEqualityDeletes) {
      plan_.equality_deletes.push_back(deletes);
    } else {
      plan_.position_deletes.push_back(deletes.file);
    }
  }

 private:
  ScanPlan& plan_;
  std::set<const DatedFile*> taken_;
};

void Sort(std::vector<DatedFile> data, const table::DeleteFiles& deletes, ScanPlan& plan) {
  Deletes taken(plan);
  for (auto& file : data) {
    RequireReadable(file.file);
    const auto applying = deletes.For(file.file, file.sequence);
    for (const auto* one : applying) taken.Take(*one);
    if (applying.empty()) {
      plan.files.push_back(std::move(file.file));
    } else {
      plan.deleted_files.push_back(std::move(file));
    }
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
  Sort(std::move(data), table::DeleteFiles(*request.metadata), plan);
  return plan;
}

ScanPlan PlanSnapshot(io::ObjectStore& store, const ScanRequest& request) {
  if (!request.snapshot) {
    ScanPlan empty;
    if (request.count_files) empty.pruning.emplace();
    return empty;
  }
  if (request.range && request.range->after) return PlanRange(store, request);
  ScanPlan plan;
  std::vector<DatedFile> data;
  table::DeleteFiles deletes(*request.metadata);
  std::optional<PruningCount> count;
  if (request.count_files) count.emplace(request);
  for (const auto& manifest : table::ReadManifestList(store, *request.snapshot)) {
    const bool is_data = manifest.content == table::ManifestContent::kData;
    if (is_data) plan.files_total += manifest.added_files_count + manifest.existing_files_count;
    const bool may_match = MayMatch(request.predicate, *request.metadata, *request.schema, manifest);
    if (is_data && !may_match && !count) continue;
    for (auto& file : LiveFiles(store, *request.metadata, manifest)) {
      if (!is_data) {
        deletes.Add(std::move(file));
        continue;
      }
      if (count) count->Look(file.file);
      if (may_match && IsWanted(request, file.file)) {
        data.push_back(std::move(file));
      }
    }
  }
  Sort(std::move(data), deletes, plan);
  if (count) plan.pruning = std::move(*count).Finish(plan);
  return plan;
}

/// The files of the snapshot that stay, and those that come.
ScanPlan PlanChanged(io::ObjectStore& store, const ScanRequest& request) {
  auto plan = request.change->remove_all ? ScanPlan{} : PlanSnapshot(store, request);
  for (const auto& file : request.change->added) {
    RequireReadable(file);
    plan.files.push_back(file);
  }
  plan.files_total += static_cast<int64_t>(request.change->added.size());
  return plan;
}

}  // namespace

std::vector<const table::DataFile*> ScanPlan::All() const {
  std::vector<const table::DataFile*> all;
  for (const auto* list : {&files, &position_deletes, &deletion_vectors}) {
    for (const auto& file : *list) all.push_back(&file);
  }
  for (const auto* list : {&deleted_files, &equality_deletes}) {
    for (const auto& dated : *list) all.push_back(&dated.file);
  }
  return all;
}

ScanPlan PlanScan(io::ObjectStore& store, const ScanRequest& request) {
  if (request.change) return PlanChanged(store, request);
  return PlanSnapshot(store, request);
}

}  // namespace millrace::query
