#include "refine/maintenance/located_deletes.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "land/committer.h"
#include "land/deleted_rows.h"
#include "land/drop_file.h"
#include "land/position_deletes.h"
#include "table/deletion_vector.h"
#include "table/live_files.h"

namespace millrace::refine {
namespace {

using table::DatedFile;
using table::FileContent;
using table::ManifestEntry;
using table::SequenceNumber;

/// Keys that are in memory at a time, and rows that are looked at between two looks at whether to stop.
constexpr int64_t kKeysMax = int64_t{2} << 20;
constexpr int64_t kBytesAKey = 64;
constexpr int64_t kRowsAtATime = int64_t{16} << 20;

bool IsByValue(const table::DataFile& file) { return file.content == FileContent::kEqualityDeletes; }

SequenceNumber SequenceOf(const ManifestEntry& entry) { return entry.sequence_number.value_or(SequenceNumber(0)); }

/// The oldest equality deletes of a table, as many as are worked on at once, and the data files that they reach.
class Reached {
 public:
  Reached(io::ObjectStore& store, const table::TableMetadata& metadata) : metadata_(metadata), deletes_(metadata) {
    const auto* head = metadata.current_snapshot();
    if (head == nullptr) return;
    const auto received = ReceivedAt(metadata);
    std::vector<table::ManifestFile> data;
    std::vector<DatedFile> all;
    const auto only_deletes = [&](const table::ManifestFile& manifest) {
      manifests_.insert(manifest.manifest_path);
      if (manifest.content == table::ManifestContent::kData) data.push_back(manifest);
      return manifest.content == table::ManifestContent::kDeletes;
    };
    table::ForEachLiveFile(store, metadata, *head, only_deletes, [&](ManifestEntry entry) {
      if (!IsByValue(entry.file)) return;
      const auto when = entry.snapshot_id ? received.find(*entry.snapshot_id) : received.end();
      if (when != received.end()) newest_ms_ = std::max(newest_ms_, when->second);
      const auto sequence = SequenceOf(entry);
      all.push_back({.file = std::move(entry.file), .sequence = sequence});
    });
    total_ = static_cast<int64_t>(all.size());
    Choose(std::move(all));
    if (names_.empty()) return;
    table::ForEachLiveFile(store, metadata, data, [&](ManifestEntry entry) {
      const auto sequence = SequenceOf(entry);
      if (!deletes_.For(entry.file, sequence).empty())
        files_.push_back({.file = std::move(entry.file), .sequence = sequence});
    });
  }

  int64_t total() const { return total_; }
  int64_t newest_ms() const { return newest_ms_; }
  int64_t keys() const { return keys_; }
  const std::set<std::string>& names() const { return names_; }
  const table::DeleteFiles& deletes() const { return deletes_; }

  /// The data files, so many at a time that their deletes may be looked up together: deletes that are of one partition
  /// must not meet the rows of another.
  std::vector<std::vector<DatedFile>> Parts() {
    std::map<table::PartitionKey, std::vector<DatedFile>> groups;
    for (auto& file : files_)
      groups[everywhere_ ? table::PartitionKey() : table::PartitionOf(file.file)].push_back(std::move(file));
    files_.clear();
    std::vector<std::vector<DatedFile>> parts;
    for (auto& [partition, files] : groups) {
      int64_t rows = kRowsAtATime;
      for (auto& file : files) {
        if (rows >= kRowsAtATime) parts.emplace_back();
        rows = rows >= kRowsAtATime ? file.file.record_count : rows + file.file.record_count;
        known_.insert(file.file.file_path);
        parts.back().push_back(std::move(file));
      }
    }
    return parts;
  }

  /// Whether a newer base has these deletes and those that go with them, no data file that they reach and that was not
  /// looked at, and no vector of a file that `made` gives one to.
  bool Stands(io::ObjectStore& store, const table::TableMetadata& base, const table::SnapshotChange& made) const {
    const auto* head = base.current_snapshot();
    if (head == nullptr) return false;
    auto sought = made.removed_paths;
    const auto given = table::FilesGivenVectors(made.added);
    bool stands = true;
    const auto wanted = [&](const table::ManifestFile& manifest) {
      return manifest.content == table::ManifestContent::kDeletes || !manifests_.contains(manifest.manifest_path);
    };
    table::ForEachLiveFile(store, base, *head, wanted, [&](const ManifestEntry& entry) {
      if (entry.file.content == FileContent::kData) {
        const bool looked = known_.contains(entry.file.file_path);
        stands = stands && (looked || deletes_.For(entry.file, SequenceOf(entry)).empty());
      } else if (sought.erase(table::NameOf(entry.file)) == 0 && table::IsDeletionVector(entry.file)) {
        const auto of = table::DataFileOf(entry.file);
        stands = stands && !(of && given.contains(*of));
      }
    });
    return stands && sought.empty();
  }

 private:
  void Choose(std::vector<DatedFile> all) {
    std::ranges::stable_sort(all, {}, &DatedFile::sequence);
    for (auto& one : all) {
      if (!names_.empty() && keys_ + one.file.record_count > kKeysMax) return;
      keys_ += one.file.record_count;
      const auto* spec = metadata_.FindSpec(one.file.spec_id);
      everywhere_ = everywhere_ && spec != nullptr && spec->fields.empty();
      names_.insert(table::NameOf(one.file));
      deletes_.Add(std::move(one));
    }
  }

  const table::TableMetadata& metadata_;
  table::DeleteFiles deletes_;
  std::set<std::string> manifests_;
  std::set<std::string> names_;
  std::vector<DatedFile> files_;
  std::set<std::string, std::less<>> known_;
  bool everywhere_ = true;
  int64_t keys_ = 0;
  int64_t total_ = 0;
  int64_t newest_ms_ = 0;
};

/// The places of the rows that some equality deletes take away; nullopt when stopped.
std::optional<land::PositionDeletes> PlacesOf(const MaintenanceParts& parts, const table::TableMetadata& metadata,
                                              Reached& reached) {
  const Reservation held = parts.budget.Force(reached.keys() * kBytesAKey);
  land::PositionDeletes places;
  for (const auto& files : reached.Parts()) {
    if (parts.stop.stop_requested()) return std::nullopt;
    const land::DeletedRows deleted(parts.catalog.store(), metadata, reached.deletes(), files);
    for (const auto& data : files) {
      for (const int64_t position : deleted.Of(data.file.file_path)) places.Add(data.file, position);
    }
  }
  return places;
}

/// One commit. False when it did not come to be.
bool Locate(const MaintenanceParts& parts, const catalog::LoadedTable& table, Reached& reached,
            DeleteMergeReport& report) {
  auto& store = parts.catalog.store();
  auto places = PlacesOf(parts, *table.metadata, reached);
  if (!places) return false;
  table::SnapshotChange change;
  change.operation = "replace";
  change.removed_paths = places->AddFormer(store, *table.metadata);
  for (const auto& name : reached.names()) change.removed_paths.insert(name);
  change.removes_only_deletes = true;
  FaultPoint("maintain.before_delete_location");
  if (!places->empty()) {
    change.added = places->Write(store, *table.metadata, "located-" + Random::FromSystem().Uuid(),
                                 land::PositionDeletes::Granularity::kDataFile);
  }
  const auto made = std::make_shared<const table::SnapshotChange>(std::move(change));
  land::Committer committer(parts.catalog, table.name, table.metadata->table_uuid, parts.clock);
  bool offered = false;
  const auto landed = committer.CommitIf(
      [&](const table::TableMetadata& base) {
        const bool stands = reached.Stands(store, base, *made);
        offered = offered || stands;
        return stands ? made : nullptr;
      },
      parts.stop);
  FaultPoint("maintain.after_delete_location");
  if (!landed) {
    if (offered) return false;
    for (const auto& file : made->added) land::DropFile(store, file.file_path);
    return false;
  }
  report.files_removed += static_cast<int64_t>(made->removed_paths.size());
  report.files_added += static_cast<int64_t>(made->added.size());
  return true;
}

}  // namespace

DeleteMergeReport LocateDeletes(const MaintenanceParts& parts, const catalog::LoadedTable& table,
                                const CompactionRules& rules, bool dry_run) {
  table::CheckWritable(*table.metadata);
  DeleteMergeReport report;
  auto now = std::make_optional(table);
  for (bool due = false; now && !parts.stop.stop_requested(); now = parts.catalog.Load(table.name)) {
    Reached reached(parts.catalog.store(), *now->metadata);
    const int64_t now_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(parts.clock.Now().time_since_epoch()).count();
    const bool cold = now_ms - reached.newest_ms() >= rules.cold_after.count();
    due = due || cold || reached.total() >= std::max<int64_t>(1, rules.small_files_max);
    if (!due || reached.names().empty()) return report;
    if (dry_run) {
      report.files_removed = reached.total();
      return report;
    }
    try {
      if (!Locate(parts, *now, reached, report)) return report;
    } catch (const Error& error) {
      // Readers go on comparing; whatever else is to be done is done.
      if (error.code() != ErrorCode::kData) throw;
      LogWarning("table {}: {} equality delete files stay: {}", catalog::ToString(table.name), reached.total(),
                 error.what());
      return report;
    }
  }
  return report;
}

}  // namespace millrace::refine
