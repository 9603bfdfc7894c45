#include "table/snapshot_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "table/delete_files.h"
#include "table/manifest_list.h"
#include "table/manifest_rewrite.h"
#include "table/table_property.h"

namespace millrace::table {
namespace {

constexpr std::string_view kMain = "main";
constexpr int64_t kManifestBytesTarget = int64_t{8} << 20;
constexpr int64_t kMergeCountMin = 100;

SnapshotId NewSnapshotId(Random& random) {
  for (;;) {
    const auto id = static_cast<int64_t>(random.Next() >> 1);
    if (id > 0) return SnapshotId(id);
  }
}

ManifestContent ContentOf(const DataFile& file) {
  return file.content == FileContent::kData ? ManifestContent::kData : ManifestContent::kDeletes;
}

/// A manifest of a table that was upgraded to v3 gets row ids from whoever commits first: what was made of it before
/// that does not have them.
std::string KeyOfWork(const ManifestFile& manifest) {
  return fmt::format("{}@{}", manifest.manifest_path, manifest.first_row_id.value_or(-1));
}

/// Gives manifests of data that have no row ids yet theirs, from `first` on: new ones, and those of before an upgrade
/// to v3. Returns how many ids were taken (Iceberg spec, "First Row ID Assignment").
int64_t AssignRowIds(int64_t first, std::vector<ManifestFile>& manifests) {
  int64_t next = first;
  for (ManifestFile& manifest : manifests) {
    if (manifest.content != ManifestContent::kData || manifest.first_row_id) continue;
    manifest.first_row_id = next;
    next += manifest.added_rows_count + manifest.existing_rows_count;
  }
  return next - first;
}

/// What must hold before anything is built on a base.
void CheckBase(const TableMetadata& base) {
  CheckWritable(base);
  if (base.current_snapshot_id && base.current_snapshot() == nullptr) {
    throw Error(ErrorCode::kStop,
                fmt::format("the table's current snapshot {} is not among its snapshots: its metadata "
                            "is damaged, and a commit on it would lose rows; restore an older metadata file",
                            base.current_snapshot_id->value()));
  }
  const auto main = base.refs.find(std::string(kMain));
  if (main != base.refs.end() && main->second.type == "tag") {
    throw Error(ErrorCode::kStop, "the table's ref main is a tag, which never moves: drop it and create a branch main");
  }
}

}  // namespace

/// What is kept from one Build to the next, so that a retry writes little more than a list.
struct SnapshotBuilder::State {
  State(io::ObjectStore& object_store, SnapshotChange snapshot_change, std::optional<SnapshotId> given)
      : store(object_store),
        change(std::move(snapshot_change)),
        random(Random::FromSystem()),
        commit_uuid(random.Uuid()),
        id(given ? *given : NewSnapshotId(random)),
        objects(object_store) {}

  CommitRequest Build(const TableMetadata& base, Timestamp now);
  OpenManifestWriter WriterFor(const TableMetadata& base);
  void WriteAdded(const TableMetadata& base);
  std::vector<ManifestFile> BaseManifests(const TableMetadata& base);
  std::vector<ManifestFile> WithoutRemoved(const TableMetadata& base, std::vector<ManifestFile> manifests,
                                           SummaryCounts& counts);
  const RewrittenManifest& Rewritten(const TableMetadata& base, const ManifestFile& manifest);
  std::vector<ManifestFile> Merged(const TableMetadata& base, std::vector<ManifestFile> manifests);
  std::string WriteList(const TableMetadata& base, const Snapshot& snapshot, std::vector<ManifestFile> manifests);
  CommitRequest Request(const TableMetadata& base, Snapshot snapshot) const;

  io::ObjectStore& store;
  const SnapshotChange change;
  Random random;
  const std::string commit_uuid;
  SnapshotId id;
  CommitObjects objects;
  int attempts = 0;
  int manifests_named = 0;
  std::optional<std::vector<ManifestFile>> added;
  std::map<std::string, RewrittenManifest> rewritten;                    // by KeyOfWork of the base manifest
  std::map<std::vector<std::string>, std::vector<ManifestFile>> merged;  // by those of what went in
};

SnapshotBuilder::SnapshotBuilder(io::ObjectStore& store, SnapshotChange change, std::optional<SnapshotId> id)
    : state_(std::make_unique<State>(store, std::move(change), id)) {}

SnapshotBuilder::~SnapshotBuilder() = default;

SnapshotId SnapshotBuilder::snapshot_id() const { return state_->id; }

SnapshotBuilder::CommitRequest SnapshotBuilder::Build(const TableMetadata& base, Timestamp now) {
  return state_->Build(base, now);
}

SnapshotBuilder::CommitRequest SnapshotBuilder::State::Build(const TableMetadata& base, Timestamp now) {
  CheckBase(base);
  if (base.FindSnapshot(id) != nullptr) {
    throw Error(ErrorCode::kInternal, fmt::format("snapshot {} is in the table already: it has landed", id.value()));
  }
  WriteAdded(base);
  SummaryCounts counts;
  for (const DataFile& file : change.added) counts.Added(file);
  std::vector<ManifestFile> manifests = WithoutRemoved(base, BaseManifests(base), counts);
  manifests = Merged(base, std::move(manifests));
  manifests.insert(manifests.begin(), added->begin(), added->end());

  const Snapshot* parent = base.current_snapshot();
  Snapshot snapshot;
  if (base.format_version > 2) {
    snapshot.first_row_id = base.next_row_id;
    snapshot.added_rows = AssignRowIds(base.next_row_id, manifests);
  }
  snapshot.snapshot_id = id;
  if (parent != nullptr) snapshot.parent_snapshot_id = parent->snapshot_id;
  snapshot.sequence_number = SequenceNumber(base.last_sequence_number + 1);
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  snapshot.timestamp_ms = std::max<int64_t>(now_ms, base.last_updated_ms);
  snapshot.summary = change.summary;
  snapshot.summary["operation"] = change.operation;
  counts.WriteTo(snapshot.summary, parent == nullptr ? nullptr : &parent->summary);
  snapshot.schema_id = base.current_schema_id;
  snapshot.manifest_list = WriteList(base, snapshot, std::move(manifests));
  return Request(base, std::move(snapshot));
}

OpenManifestWriter SnapshotBuilder::State::WriterFor(const TableMetadata& base) {
  return [this, &base](int32_t spec_id, ManifestContent content) {
    return ManifestWriter(
        objects, random,
        {.metadata = base,
         .spec_id = spec_id,
         .content = content,
         .added_by = id,
         .bytes_target = IntegerProperty(base, "commit.manifest.target-size-bytes", kManifestBytesTarget),
         .next_uri = [this, &base] {
           return fmt::format("{}/{}-m{}.avro", MetadataFolder(base), commit_uuid, manifests_named++);
         }});
  };
}

/// Once, whatever the number of attempts: the entries inherit their sequence number from the list.
void SnapshotBuilder::State::WriteAdded(const TableMetadata& base) {
  if (added) return;
  std::map<std::pair<ManifestContent, int32_t>, ManifestWriter> writers;
  const OpenManifestWriter open = WriterFor(base);
  for (const DataFile& file : change.added) {
    const auto key = std::pair(ContentOf(file), file.spec_id);
    auto writer = writers.find(key);
    if (writer == writers.end()) writer = writers.emplace(key, open(file.spec_id, key.first)).first;
    ManifestEntry entry;
    entry.snapshot_id = id;
    entry.sequence_number = change.added_sequence;
    entry.file = file;
    writer->second.Add(entry);
  }
  std::vector<ManifestFile> all;
  for (auto& [key, writer] : writers) {
    for (ManifestFile& manifest : std::move(writer).Finish()) all.push_back(std::move(manifest));
  }
  added = std::move(all);
}

/// Those that hold live files; what only tells of older deletions is dropped.
std::vector<ManifestFile> SnapshotBuilder::State::BaseManifests(const TableMetadata& base) {
  const Snapshot* parent = base.current_snapshot();
  if (parent == nullptr || parent->manifest_list.empty()) return {};
  std::vector<ManifestFile> manifests = ReadManifestList(store, *parent);
  for (ManifestFile& manifest : manifests) FillCounts(store, base, manifest);
  std::erase_if(manifests, [](const ManifestFile& manifest) { return !manifest.may_have_live_files(); });
  return manifests;
}

std::vector<ManifestFile> SnapshotBuilder::State::WithoutRemoved(const TableMetadata& base,
                                                                 std::vector<ManifestFile> manifests,
                                                                 SummaryCounts& counts) {
  if (!change.remove_all && change.removed_paths.empty()) return manifests;
  std::vector<ManifestFile> kept;
  std::set<std::string> missing = change.removed_paths;
  for (const ManifestFile& manifest : manifests) {
    const bool passed = change.removes_only_deletes && manifest.content == ManifestContent::kData;
    if (!change.remove_all && (missing.empty() || passed)) {
      kept.push_back(manifest);
      continue;
    }
    const RewrittenManifest& result = Rewritten(base, manifest);
    if (!result.changed) {
      kept.push_back(manifest);
      continue;
    }
    kept.insert(kept.end(), result.written.begin(), result.written.end());
    counts.Merge(result.counts);
    for (const std::string& path : result.removed_paths) missing.erase(path);
  }
  if (!missing.empty()) {
    throw Error(
        ErrorCode::kStop,
        fmt::format("{} of the files to remove are not in the table any more: another writer replaced or deleted "
                    "them since they were planned; plan again from the table as it is now; the first is {}",
                    missing.size(), *missing.begin()));
  }
  return kept;
}

const RewrittenManifest& SnapshotBuilder::State::Rewritten(const TableMetadata& base, const ManifestFile& manifest) {
  std::string key = KeyOfWork(manifest);
  const auto found = rewritten.find(key);
  if (found != rewritten.end()) return found->second;
  const auto goes = [&](const DataFile& file) {
    return change.remove_all || change.removed_paths.contains(NameOf(file));
  };
  return rewritten.emplace(std::move(key), RemoveFiles(store, base, manifest, id, goes, WriterFor(base))).first->second;
}

std::vector<ManifestFile> SnapshotBuilder::State::Merged(const TableMetadata& base,
                                                         std::vector<ManifestFile> manifests) {
  const bool asked = change.merge_small_manifests;
  if (!asked && !BooleanProperty(base, "commit.manifest-merge.enabled", true)) return manifests;
  // What this commit wrote stays as it is: its entries of status DELETED must be seen in this snapshot.
  std::vector<ManifestFile> result;
  std::vector<ManifestFile> candidates;
  for (ManifestFile& manifest : manifests) {
    (manifest.added_snapshot_id == id ? result : candidates).push_back(std::move(manifest));
  }
  const auto bins =
      PlanMerges(candidates, IntegerProperty(base, "commit.manifest.target-size-bytes", kManifestBytesTarget),
                 asked ? 2 : IntegerProperty(base, "commit.manifest.min-count-to-merge", kMergeCountMin));
  for (const std::vector<ManifestFile>& bin : bins) {
    if (bin.size() == 1) {
      result.push_back(bin.front());
      continue;
    }
    std::vector<std::string> paths;
    for (const ManifestFile& manifest : bin) paths.push_back(KeyOfWork(manifest));
    auto found = merged.find(paths);
    if (found == merged.end()) {
      found = merged.emplace(std::move(paths), MergeManifests(store, base, bin, WriterFor(base))).first;
    }
    result.insert(result.end(), found->second.begin(), found->second.end());
  }
  return result;
}

std::string SnapshotBuilder::State::WriteList(const TableMetadata& base, const Snapshot& snapshot,
                                              std::vector<ManifestFile> manifests) {
  for (ManifestFile& manifest : manifests) {
    if (manifest.sequence_number == kUnassignedSequence) manifest.sequence_number = snapshot.sequence_number;
    if (manifest.min_sequence_number == kUnassignedSequence) manifest.min_sequence_number = snapshot.sequence_number;
  }
  std::string uri = fmt::format("{}/snap-{}-{}-{}.avro", MetadataFolder(base), id.value(), ++attempts, commit_uuid);
  objects.Put(uri, EncodeManifestList(snapshot, manifests, random), "manifest_list");
  return uri;
}

SnapshotBuilder::CommitRequest SnapshotBuilder::State::Request(const TableMetadata& base, Snapshot snapshot) const {
  CommitRequest request;
  request.requirements.push_back(AssertTableUuid{base.table_uuid});
  request.requirements.push_back(AssertRefSnapshotId{std::string(kMain), base.current_snapshot_id});
  for (const auto& requirement : change.more_requirements) request.requirements.push_back(requirement);
  SnapshotRef ref;
  if (const auto main = base.refs.find(std::string(kMain)); main != base.refs.end()) ref = main->second;
  ref.snapshot_id = snapshot.snapshot_id;
  ref.type = "branch";
  request.updates.push_back(AddSnapshot{std::move(snapshot)});
  request.updates.push_back(SetSnapshotRef{std::string(kMain), std::move(ref)});
  if (!change.properties.empty()) request.updates.push_back(SetProperties{change.properties});
  for (const auto& update : change.more_updates) request.updates.push_back(update);
  return request;
}

void SnapshotBuilder::Abandon() noexcept { state_->objects.DeleteAll(); }

void SnapshotBuilder::DropSuperseded(const Snapshot& landed) noexcept {
  try {
    std::set<std::string> needed = {landed.manifest_list};
    for (const ManifestFile& manifest : ReadManifestList(state_->store, landed)) needed.insert(manifest.manifest_path);
    const std::vector<std::string> written = state_->objects.uris();
    for (const std::string& uri : written) {
      if (!needed.contains(uri)) state_->objects.Delete(uri);
    }
  } catch (const std::exception& error) {
    LogWarning("what earlier attempts of snapshot {} wrote stays: {}", landed.snapshot_id.value(), error.what());
  }
}

bool InAncestry(const TableMetadata& metadata, SnapshotId id) {
  const Snapshot* snapshot = metadata.current_snapshot();
  for (size_t steps = 0; snapshot != nullptr && steps <= metadata.snapshots.size(); ++steps) {
    if (snapshot->snapshot_id == id) return true;
    snapshot = snapshot->parent_snapshot_id ? metadata.FindSnapshot(*snapshot->parent_snapshot_id) : nullptr;
  }
  return false;
}

}  // namespace millrace::table
