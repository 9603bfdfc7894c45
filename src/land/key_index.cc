#include "land/key_index.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "land/key_run.h"
#include "land/read_keys.h"
#include "table/live_files.h"

namespace millrace::land {
namespace {

using nlohmann::json;

/// Keys of a chunk in memory; more go to a run of their own, still apart from the table's.
constexpr size_t kMemoryKeysMax = size_t{1} << 20;
constexpr int kFormat = 1;

struct HashOfHash {
  size_t operator()(const KeyHash& key) const noexcept { return key.low; }
};

KeyRun::Next Merged(KeyRun::Next left, KeyRun::Next right) {
  struct Heads {
    std::optional<KeyHash> left;
    std::optional<KeyHash> right;
  };
  auto heads = std::make_shared<Heads>(Heads{left(), right()});
  return [heads, left = std::move(left), right = std::move(right)]() -> std::optional<KeyHash> {
    if (!heads->left && !heads->right) return std::nullopt;
    const bool from_left = heads->left && (!heads->right || *heads->left <= *heads->right);
    const KeyHash key = from_left ? *heads->left : *heads->right;
    if (heads->left == key) heads->left = left();
    if (heads->right == key) heads->right = right();
    return key;
  };
}

}  // namespace

struct KeyIndex::State {
  std::filesystem::path folder;
  std::vector<std::string> key_paths;
  bool loaded = false;
  std::string table_uuid;
  std::optional<table::SnapshotId> snapshot;
  std::vector<std::unique_ptr<KeyRun>> runs;          // of the table, oldest and largest first
  std::vector<std::unique_ptr<KeyRun>> pending_runs;  // of the chunk
  std::unordered_set<KeyHash, HashOfHash> pending;
  std::atomic<int64_t> pending_count = 0;
  uint64_t files_named = 0;

  std::optional<table::SnapshotId> apart;  // up to it, others brought no key of the chunk

  bool Holds(const KeyHash& key) const;
  bool IsPending(const KeyHash& key) const;
  bool Insert(const KeyHash& key);
  void SpillPending();
  void ForgetPending();
  void Seal();
  void MergeRuns();
  void LoadManifest();
  void SaveManifest() const;
  void Sweep() const;
  void Reset();
  std::filesystem::path NextFile();
  void ReadFile(io::ObjectStore& store, const table::TableMetadata& metadata, const table::DataFile& file);
  void ReadAll(io::ObjectStore& store, const table::TableMetadata& metadata, const table::Snapshot& head);
  void FollowTo(io::ObjectStore& store, const table::TableMetadata& metadata, std::optional<table::SnapshotId> own);
};

bool KeyIndex::State::IsPending(const KeyHash& key) const {
  return pending.contains(key) || std::ranges::any_of(pending_runs, [&](const auto& run) { return run->Holds(key); });
}

bool KeyIndex::State::Holds(const KeyHash& key) const {
  return IsPending(key) || std::ranges::any_of(runs, [&](const auto& run) { return run->Holds(key); });
}

bool KeyIndex::State::Insert(const KeyHash& key) {
  if (Holds(key)) return false;
  pending.insert(key);
  ++pending_count;
  if (pending.size() >= kMemoryKeysMax) SpillPending();
  return true;
}

std::filesystem::path KeyIndex::State::NextFile() {
  std::filesystem::path path;
  do {
    path = folder / ("keys-" + std::to_string(++files_named) + ".run");
  } while (std::filesystem::exists(path));
  return path;
}

void KeyIndex::State::SpillPending() {
  if (pending.empty()) return;
  std::vector<KeyHash> sorted(pending.begin(), pending.end());
  pending.clear();
  std::ranges::sort(sorted);
  size_t at = 0;
  pending_runs.push_back(KeyRun::Write(
      NextFile(), static_cast<int64_t>(sorted.size()),
      [&]() -> std::optional<KeyHash> { return at == sorted.size() ? std::nullopt : std::optional(sorted[at++]); }));
}

void KeyIndex::State::ForgetPending() {
  for (const auto& run : pending_runs) run->Remove();
  pending_runs.clear();
  pending.clear();
  pending_count = 0;
  apart.reset();
}

/// The chunk's keys become the table's.
void KeyIndex::State::Seal() {
  SpillPending();
  for (auto& run : pending_runs) runs.push_back(std::move(run));
  pending_runs.clear();
  pending_count = 0;
  apart.reset();
  std::vector<std::filesystem::path> before;
  for (const auto& run : runs) before.push_back(run->path());
  MergeRuns();
  SaveManifest();
  std::set<std::filesystem::path> after;
  for (const auto& run : runs) after.insert(run->path());
  std::error_code ignored;
  for (const auto& path : before) {
    if (!after.contains(path)) std::filesystem::remove(path, ignored);
  }
}

/// Like a binary counter: each run is more than twice its successor, so there are few, and a key is copied seldom.
void KeyIndex::State::MergeRuns() {
  std::ranges::sort(runs, std::greater(), [](const auto& run) { return run->size(); });
  while (runs.size() > 1 && runs[runs.size() - 2]->size() <= 2 * runs.back()->size()) {
    const auto right = std::move(runs.back());
    runs.pop_back();
    const auto left = std::move(runs.back());
    runs.pop_back();
    runs.push_back(KeyRun::Write(NextFile(), left->size() + right->size(), Merged(left->Scan(), right->Scan())));
    std::ranges::sort(runs, std::greater(), [](const auto& run) { return run->size(); });
  }
}

void KeyIndex::State::Reset() {
  ForgetPending();
  for (const auto& run : runs) run->Remove();
  runs.clear();
  snapshot.reset();
}

/// What a crash left: runs that no manifest names.
void KeyIndex::State::Sweep() const {
  std::set<std::filesystem::path> named;
  for (const auto& run : runs) named.insert(run->path());
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".run" && !named.contains(entry.path()))
      std::filesystem::remove(entry.path(), ignored);
  }
}

/// index.json: {"format":1,"key":[...],"runs":["keys-1.run"],"snapshot":7,"table_uuid":"..."}; frozen.
void KeyIndex::State::SaveManifest() const {
  json manifest = {{"format", kFormat}, {"table_uuid", table_uuid}, {"key", key_paths}, {"runs", json::array()}};
  manifest["snapshot"] = snapshot ? json(snapshot->value()) : json();
  for (const auto& run : runs) manifest["runs"].push_back(run->path().filename().string());
  const auto draft = folder / "index.json.new";
  std::ofstream file(draft, std::ios::trunc);
  file << manifest.dump();
  file.close();
  std::error_code error;
  FaultPoint("key_index.before_rename");
  if (file) std::filesystem::rename(draft, folder / "index.json", error);
  if (!file || error) {
    throw Error(ErrorCode::kStop,
                "the key index in " + folder.string() + " cannot be written: free space, or make it writable");
  }
  FaultPoint("key_index.after_rename");
}

void KeyIndex::State::LoadManifest() {
  std::filesystem::create_directories(folder);
  std::ifstream file(folder / "index.json");
  const json manifest = json::parse(file, nullptr, false);
  const bool ours = manifest.is_object() && manifest.value("format", 0) == kFormat &&
                    manifest.value("key", json()) == json(key_paths);
  if (ours) {
    table_uuid = manifest.value("table_uuid", "");
    if (manifest["snapshot"].is_number_integer()) snapshot = table::SnapshotId(manifest["snapshot"].get<int64_t>());
    for (const auto& name : manifest["runs"]) {
      auto run = KeyRun::Open(folder / name.get<std::string>());
      if (!run) {
        LogWarning("key index {}: {} is damaged; reading the keys from the table again", folder.string(),
                   name.get<std::string>());
        Reset();
        break;
      }
      runs.push_back(std::move(run));
    }
  }
  Sweep();
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
    : state_(std::make_unique<State>()) {
  state_->folder = std::move(folder);
  state_->key_paths = std::move(key_paths);
}

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
