#include "land/key_index.h"

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "land/key_runs.h"
#include "land/read_keys.h"
#include "table/live_files.h"

namespace millrace::land {
namespace {

using nlohmann::json;

/// Keys of a chunk in memory; more go to a run of their own, still apart from the table's.
constexpr size_t kMemoryKeysMax = size_t{1} << 20;
constexpr int kFormat = 1;

}  // namespace

struct KeyIndex::State {
  State(std::filesystem::path index_folder, std::vector<std::string> paths)
      : folder(std::move(index_folder)), key_paths(std::move(paths)), runs(folder, KeyRun::Form::kKeys) {}

  const std::filesystem::path folder;
  const std::vector<std::string> key_paths;
  KeyRuns runs;  // of the table
  bool loaded = false;
  std::string table_uuid;
  std::optional<table::SnapshotId> snapshot;
  std::vector<std::unique_ptr<KeyRun>> pending_runs;  // of the chunk
  std::unordered_set<KeyHash, HashOfKey> pending;
  std::atomic<int64_t> pending_count = 0;

  std::optional<table::SnapshotId> apart;  // up to it, others brought no key of the chunk

  bool IsPending(const KeyHash& key) const;
  bool Insert(const KeyHash& key);
  void SpillPending();
  void ForgetPending();
  void Seal();
  void LoadManifest();
  void Reset();
  void ReadFile(io::ObjectStore& store, const table::TableMetadata& metadata, const table::DataFile& file);
  void ReadAll(io::ObjectStore& store, const table::TableMetadata& metadata, const table::Snapshot& head);
  void FollowTo(io::ObjectStore& store, const table::TableMetadata& metadata, std::optional<table::SnapshotId> own);
};

bool KeyIndex::State::IsPending(const KeyHash& key) const {
  return pending.contains(key) || std::ranges::any_of(pending_runs, [&](const auto& run) { return run->Holds(key); });
}

bool KeyIndex::State::Insert(const KeyHash& key) {
  if (IsPending(key) || runs.Find(key)) return false;
  pending.insert(key);
  ++pending_count;
  if (pending.size() >= kMemoryKeysMax) SpillPending();
  return true;
}

void KeyIndex::State::SpillPending() {
  if (pending.empty()) return;
  std::vector<KeyHash> sorted(pending.begin(), pending.end());
  pending.clear();
  std::ranges::sort(sorted);
  size_t at = 0;
  pending_runs.push_back(runs.Write(static_cast<int64_t>(sorted.size()), [&]() -> std::optional<KeyEntry> {
    return at == sorted.size() ? std::nullopt : std::optional(KeyEntry{.key = sorted[at++]});
  }));
}

void KeyIndex::State::ForgetPending() {
  for (const auto& run : pending_runs) run->Remove();
  pending_runs.clear();
  pending.clear();
  pending_count = 0;
  apart.reset();
}

/// The chunk's keys become the table's. Of the manifest: {"format":1,"key":[...],"snapshot":7,"table_uuid":"..."};
/// frozen.
void KeyIndex::State::Seal() {
  SpillPending();
  for (auto& run : pending_runs) runs.Append(std::move(run));
  pending_runs.clear();
  pending_count = 0;
  apart.reset();
  json manifest = {{"format", kFormat}, {"table_uuid", table_uuid}, {"key", key_paths}};
  manifest["snapshot"] = snapshot ? json(snapshot->value()) : json();
  runs.Seal(std::move(manifest));
}

void KeyIndex::State::Reset() {
  ForgetPending();
  runs.Clear();
  snapshot.reset();
}

void KeyIndex::State::LoadManifest() {
  const json manifest = runs.Open();
  const bool ours = manifest.is_object() && manifest.value("format", 0) == kFormat &&
                    manifest.value("key", json()) == json(key_paths);
  if (ours) {
    table_uuid = manifest.value("table_uuid", "");
    if (manifest["snapshot"].is_number_integer()) snapshot = table::SnapshotId(manifest["snapshot"].get<int64_t>());
  } else {
    runs.Clear();
  }
  loaded = true;
}

void KeyIndex::State::ReadFile(io::ObjectStore& store, const table::TableMetadata& metadata,
                               const table::DataFile& file) {
  ReadKeys(store, metadata, file, key_paths, [&](const KeyHash& key) { Insert(key); });
}

void KeyIndex::State::ReadAll(io::ObjectStore& store, const table::TableMetadata& metadata,
                              const table::Snapshot& head) {
  table::ForEachLiveFile(store, metadata, head, {},
                         [&](const table::ManifestEntry& entry) { ReadFile(store, metadata, entry.file); });
}

/// Reads what came since `snapshot`, but for what `own` brought, whose keys are here already.
void KeyIndex::State::FollowTo(io::ObjectStore& store, const table::TableMetadata& metadata,
                               std::optional<table::SnapshotId> own) {
  const table::Snapshot* head = metadata.current_snapshot();
  if (head == nullptr) {
    if (snapshot) Reset();
    return;
  }
  if (snapshot == head->snapshot_id) return;
  const bool fresh = !snapshot && runs.empty() && !own;
  const table::Increment increment = fresh ? table::Increment(table::Disconnected{})
                                           : table::FilesAddedBetween(store, metadata, snapshot, head->snapshot_id);
  if (const auto* added = std::get_if<table::AddedFiles>(&increment)) {
    for (const auto& entry : added->files) {
      if (!own || entry.snapshot_id != own) ReadFile(store, metadata, entry.file);
    }
  } else {
    if (!fresh) LogInfo("key index {}: reading all keys of the table again", folder.string());
    Reset();
    ReadAll(store, metadata, *head);
  }
  snapshot = head->snapshot_id;
  Seal();
}

KeyIndex::KeyIndex(std::filesystem::path folder, std::vector<std::string> key_paths)
    : state_(std::make_unique<State>(std::move(folder), std::move(key_paths))) {}

KeyIndex::~KeyIndex() = default;

void KeyIndex::CatchUp(io::ObjectStore& store, const table::TableMetadata& metadata) {
  State& state = *state_;
  if (!state.loaded) state.LoadManifest();
  state.ForgetPending();
  if (state.table_uuid != metadata.table_uuid) {
    state.Reset();
    state.table_uuid = metadata.table_uuid;
  }
  KeyFields(metadata, state.key_paths);
  state.FollowTo(store, metadata, std::nullopt);
}

std::vector<bool> KeyIndex::Claim(std::span<const KeyHash> keys) {
  if (!state_->loaded) state_->LoadManifest();
  std::vector<bool> fresh;
  fresh.reserve(keys.size());
  for (const auto& key : keys) fresh.push_back(state_->Insert(key));
  return fresh;
}

bool KeyIndex::Clashes(io::ObjectStore& store, const table::TableMetadata& metadata) {
  State& state = *state_;
  const table::Snapshot* head = metadata.current_snapshot();
  const auto since = state.apart ? state.apart : state.snapshot;
  if (state.pending_count == 0 || head == nullptr || since == head->snapshot_id) return false;
  const auto increment = table::FilesAddedBetween(store, metadata, since, head->snapshot_id);
  const auto* added = std::get_if<table::AddedFiles>(&increment);
  if (added == nullptr) return true;
  bool clashes = false;
  for (const auto& entry : added->files) {
    ReadKeys(store, metadata, entry.file, state.key_paths,
             [&](const KeyHash& key) { clashes = clashes || state.IsPending(key); });
    if (clashes) return true;
  }
  state.apart = head->snapshot_id;
  return false;
}

int64_t KeyIndex::pending() const { return state_->pending_count; }

void KeyIndex::Landed(io::ObjectStore& store, const table::TableMetadata& metadata, table::SnapshotId snapshot) {
  State& state = *state_;
  state.table_uuid = metadata.table_uuid;
  const table::Snapshot* own = metadata.FindSnapshot(snapshot);
  const bool next =
      own != nullptr && own->parent_snapshot_id == state.snapshot && metadata.current_snapshot_id == snapshot;
  if (next) {
    state.snapshot = snapshot;
    return state.Seal();
  }
  state.FollowTo(store, metadata, snapshot);
}

void KeyIndex::Forget() {
  if (state_->loaded) state_->ForgetPending();
}

}  // namespace millrace::land
