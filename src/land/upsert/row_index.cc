#include "land/upsert/row_index.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "land/deleted_rows.h"
#include "land/key_hash.h"
#include "land/key_runs.h"
#include "land/read_columns.h"
#include "land/read_keys.h"
#include "table/live_files.h"

namespace millrace::land {
namespace {

using nlohmann::json;
using table::SequenceNumber;

/// Entries in memory while files are read; more go to a run.
constexpr size_t kMemoryEntriesMax = size_t{1} << 19;
constexpr int kFormat = 2;

/// Whole numbers rise as they are.
int64_t RisingBits(std::integral auto value) { return value; }

/// Bits of a double, turned so that they rise as it does.
int64_t RisingBits(std::floating_point auto fraction) {
  const double value = fraction;
  int64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits >= 0 ? bits : static_cast<int64_t>(static_cast<uint64_t>(INT64_MAX) ^ static_cast<uint64_t>(bits));
}

template <typename ArrayType>
std::vector<int64_t> Numbers(const arrow::Array& column) {
  const auto& values = static_cast<const ArrayType&>(column);
  std::vector<int64_t> numbers(static_cast<size_t>(values.length()), RowPlace::kNoOrder);
  for (int64_t row = 0; row < values.length(); ++row) {
    if (values.IsValid(row)) numbers[static_cast<size_t>(row)] = RisingBits(values.Value(row));
  }
  return numbers;
}

/// The live files of a snapshot.
struct Contents {
  explicit Contents(const table::TableMetadata& metadata) : deletes(metadata) {}
  std::vector<IndexedFile> data;
  table::DeleteFiles deletes;
};

Contents ContentsOf(io::ObjectStore& store, const table::TableMetadata& metadata, const table::Snapshot& head) {
  Contents contents(metadata);
  table::ForEachLiveFile(store, metadata, head, {}, [&](table::ManifestEntry entry) {
    const auto sequence = entry.sequence_number.value_or(SequenceNumber(0));
    if (entry.file.content != table::FileContent::kData) {
      contents.deletes.Add({.file = std::move(entry.file), .sequence = sequence});
      return;
    }
    IndexedFile& file = contents.data.emplace_back();
    file.sequence = sequence;
    file.file.file_path = std::move(entry.file.file_path);
    file.file.spec_id = entry.file.spec_id;
    file.file.partition = std::move(entry.file.partition);
  });
  return contents;
}

}  // namespace

std::vector<int64_t> OrderOf(const arrow::Array& column) {
  switch (column.type_id()) {
    case arrow::Type::NA:
      return std::vector<int64_t>(static_cast<size_t>(column.length()), RowPlace::kNoOrder);
    case arrow::Type::INT32:
      return Numbers<arrow::Int32Array>(column);
    case arrow::Type::INT64:
      return Numbers<arrow::Int64Array>(column);
    case arrow::Type::DATE32:
      return Numbers<arrow::Date32Array>(column);
    case arrow::Type::TIME64:
      return Numbers<arrow::Time64Array>(column);
    case arrow::Type::TIMESTAMP:
      return Numbers<arrow::TimestampArray>(column);
    case arrow::Type::FLOAT:
      return Numbers<arrow::FloatArray>(column);
    case arrow::Type::DOUBLE:
      return Numbers<arrow::DoubleArray>(column);
    default:
      throw Error(ErrorCode::kConfig,
                  "order_by names a column of type " + column.type()->ToString() +
                      ": changes are ordered by whole numbers, doubles, dates or times; declare the "
                      "column as one under `columns`");
  }
}

struct RowIndex::State {
  State(std::filesystem::path index_folder, std::vector<std::string> keys, std::string order)
      : folder(std::move(index_folder)),
        key_paths(std::move(keys)),
        order_path(std::move(order)),
        runs(folder, KeyRun::Form::kRows) {}

  const std::filesystem::path folder;
  const std::vector<std::string> key_paths;
  const std::string order_path;
  KeyRuns runs;
  bool loaded = false;
  std::string table_uuid;
  std::optional<table::SnapshotId> snapshot;
  SequenceNumber sequence;                          // of that snapshot
  std::map<std::string, uint32_t> numbers;          // by path, as saved
  std::unordered_map<uint32_t, IndexedFile> files;  // live ones
  bool files_known = false;                         // `files` was read from the table
  uint32_t next = RowPlace::kNoFile + 1;
  std::vector<RowPlace> doubles;
  std::unordered_map<KeyHash, RowPlace, HashOfKey> fresh;  // while files are read

  void Load();
  void Reset();
  void Seal();
  std::vector<schema::FieldId> Columns(const table::TableMetadata& metadata) const;
  std::optional<RowPlace> Find(const KeyHash& key) const;
  uint32_t NumberFile(IndexedFile file);
  void Insert(const KeyHash& key, const RowPlace& place);
  void Spill();
  void ReadFile(io::ObjectStore& store, const table::TableMetadata& metadata, uint32_t number,
                const std::vector<int64_t>& deleted);
  void Follow(io::ObjectStore& store, const table::TableMetadata& metadata, const table::Snapshot& head);
  void ReadFiles(io::ObjectStore& store, const table::TableMetadata& metadata, const Contents& contents,
                 const std::vector<uint32_t>& added);
  void ForgetDeleted(io::ObjectStore& store, const table::DeleteFiles& deletes);
};

/// {"format":2,"key":["id"],"order_by":"","table_uuid":"...","snapshot":7,"sequence":3,"next":12,
/// "files":{"file:///...":11},"runs":["keys-1.run"]}; frozen.
void RowIndex::State::Seal() {
  json manifest = {{"format", kFormat},
                   {"key", key_paths},
                   {"order_by", order_path},
                   {"table_uuid", table_uuid},
                   {"snapshot", snapshot ? json(snapshot->value()) : json()},
                   {"sequence", sequence.value()},
                   {"next", next},
                   {"files", json::object()}};
  for (const auto& [number, file] : files) manifest["files"][file.file.file_path] = number;
  runs.Seal(std::move(manifest), [&](const KeyEntry& entry) {
    const bool deleted = entry.place.file == RowPlace::kNoFile;
    return deleted ? entry.place.order == RowPlace::kNoOrder : !files.contains(entry.place.file);
  });
}

void RowIndex::State::Load() {
  const json manifest = runs.Open();
  const bool ours = manifest.is_object() && manifest.value("format", 0) == kFormat &&
                    manifest.value("key", json()) == json(key_paths) && manifest.value("order_by", "") == order_path &&
                    manifest.value("snapshot", json()).is_number_integer();
  if (ours) {
    table_uuid = manifest.value("table_uuid", "");
    snapshot = table::SnapshotId(manifest["snapshot"].get<int64_t>());
    sequence = SequenceNumber(manifest.value("sequence", int64_t{0}));
    next = manifest.value("next", uint32_t{1});
    numbers = manifest.value("files", std::map<std::string, uint32_t>());
  } else {
    runs.Clear();
  }
  loaded = true;
}

void RowIndex::State::Reset() {
  runs.Clear();
  snapshot.reset();
  sequence = SequenceNumber(0);
  numbers.clear();
  files.clear();
  files_known = false;
  next = RowPlace::kNoFile + 1;
  doubles.clear();
  fresh.clear();
}

std::vector<schema::FieldId> RowIndex::State::Columns(const table::TableMetadata& metadata) const {
  auto columns = KeyFields(metadata, key_paths);
  if (order_path.empty()) return columns;
  const schema::Field* field = metadata.schema().Find(order_path);
  if (field == nullptr) {
    throw Error(ErrorCode::kConfig, "order_by: column " + order_path + " is not in the table; name one of its columns");
  }
  columns.push_back(field->id);
  return columns;
}

std::optional<RowPlace> RowIndex::State::Find(const KeyHash& key) const {
  if (const auto found = fresh.find(key); found != fresh.end()) return found->second;
  return runs.Find(key);
}

uint32_t RowIndex::State::NumberFile(IndexedFile file) {
  const uint32_t number = next++;
  files.emplace(number, std::move(file));
  return number;
}

/// Of two rows of a key the one that supersedes the other stays; without an order, the one of the newer file.
void RowIndex::State::Insert(const KeyHash& key, const RowPlace& place) {
  const auto known = Find(key);
  const auto file = known ? files.find(known->file) : files.end();
  if (file != files.end()) {
    const bool ordered = place.order != RowPlace::kNoOrder && known->order != RowPlace::kNoOrder;
    const bool newer = ordered && place.order != known->order ? place.order > known->order
                                                              : files.at(place.file).sequence >= file->second.sequence;
    doubles.push_back(newer ? *known : place);
    if (!newer) return;
  }
  fresh[key] = place;
  if (fresh.size() >= kMemoryEntriesMax) Spill();
}

void RowIndex::State::Spill() {
  if (fresh.empty()) return;
  std::vector<KeyEntry> entries;
  entries.reserve(fresh.size());
  for (const auto& [key, place] : fresh) entries.push_back({.key = key, .place = place});
  fresh.clear();
  std::ranges::sort(entries, {}, &KeyEntry::key);
  size_t at = 0;
  runs.Append(runs.Write(static_cast<int64_t>(entries.size()), [&]() -> std::optional<KeyEntry> {
    return at == entries.size() ? std::nullopt : std::optional(entries[at++]);
  }));
}

void RowIndex::State::ReadFile(io::ObjectStore& store, const table::TableMetadata& metadata, uint32_t number,
                               const std::vector<int64_t>& deleted) {
  int64_t position = 0;
  auto gone = deleted.begin();
  const std::string path = files.at(number).file.file_path;
  ReadColumns(store, path, metadata.schema(), Columns(metadata), [&](const arrow::ArrayVector& columns) {
    arrow::ArrayVector key_columns = columns;
    std::vector<int64_t> orders;
    if (!order_path.empty()) {
      const bool lacks = key_columns.back()->null_count() == key_columns.back()->length();
      orders = lacks ? std::vector<int64_t>(static_cast<size_t>(key_columns.back()->length()), RowPlace::kNoOrder)
                     : OrderOf(*key_columns.back());
      key_columns.pop_back();
    }
    const auto keys = HashKeys(key_columns);
    for (size_t row = 0; row < keys.size(); ++row, ++position) {
      if (gone != deleted.end() && *gone == position) {
        ++gone;
        continue;
      }
      if (!keys[row]) continue;
      if (position > UINT32_MAX) throw Error(ErrorCode::kStop, path + " has more rows than an index can number");
      Insert(*keys[row], {.file = number,
                          .position = static_cast<uint32_t>(position),
                          .order = orders.empty() ? RowPlace::kNoOrder : orders[row]});
    }
  });
}

/// Partition by partition, so that its delete files are read once.
void RowIndex::State::ReadFiles(io::ObjectStore& store, const table::TableMetadata& metadata, const Contents& contents,
                                const std::vector<uint32_t>& added) {
  std::map<table::PartitionKey, std::vector<uint32_t>> partitions;
  for (const uint32_t number : added) partitions[table::PartitionOf(files.at(number).file)].push_back(number);
  for (const auto& [partition, its] : partitions) {
    std::vector<table::DatedFile> data;
    for (const uint32_t number : its) data.push_back(files.at(number));
    const DeletedRows deleted(store, metadata, contents.deletes, data);
    for (const uint32_t number : its) ReadFile(store, metadata, number, deleted.Of(files.at(number).file.file_path));
  }
}

/// Somebody who put a newer row of a key in the table deleted the older one in the same breath: that is no double.
void RowIndex::State::ForgetDeleted(io::ObjectStore& store, const table::DeleteFiles& deletes) {
  if (doubles.empty()) return;
  std::map<std::string, uint32_t, std::less<>> number_of;
  for (const auto& place : doubles) number_of.emplace(files.at(place.file).file.file_path, place.file);
  std::set<std::pair<uint32_t, int64_t>> gone;
  for (const auto& one : deletes.files()) {
    if (one.sequence <= sequence || one.file.content != table::FileContent::kPositionDeletes) continue;
    ForEachDeletedPosition(store, one.file, [&](std::string_view path, int64_t position) {
      if (const auto found = number_of.find(path); found != number_of.end()) gone.emplace(found->second, position);
    });
  }
  std::erase_if(doubles, [&](const RowPlace& place) { return gone.contains({place.file, place.position}); });
}

void RowIndex::State::Follow(io::ObjectStore& store, const table::TableMetadata& metadata,
                             const table::Snapshot& head) {
  const Contents contents = ContentsOf(store, metadata, head);
  std::unordered_map<uint32_t, IndexedFile> live;
  std::vector<IndexedFile> unknown;
  std::map<std::string_view, uint32_t> known;
  for (const auto& [path, number] : numbers) known.emplace(path, number);
  for (const auto& [number, file] : files) known.emplace(file.file.file_path, number);
  for (const auto& file : contents.data) {
    const auto found = known.find(file.file.file_path);
    if (found == known.end()) {
      unknown.push_back(file);
    } else {
      live.emplace(found->second, file);
    }
  }
  known.clear();
  numbers.clear();
  files = std::move(live);
  files_known = true;
  if (snapshot == head.snapshot_id) return;
  std::ranges::stable_sort(unknown, {}, &IndexedFile::sequence);
  std::vector<uint32_t> added;
  for (auto& file : unknown) added.push_back(NumberFile(std::move(file)));
  std::erase_if(doubles, [&](const RowPlace& place) { return !files.contains(place.file); });
  ReadFiles(store, metadata, contents, added);
  ForgetDeleted(store, contents.deletes);
  Spill();
  snapshot = head.snapshot_id;
  sequence = head.sequence_number;
  if (doubles.empty()) return Seal();
  LogWarning("key index {}: {} rows whose key is in the table a second time are deleted with the next commit",
             folder.string(), doubles.size());
}

RowIndex::RowIndex(std::filesystem::path folder, std::vector<std::string> key_paths, std::string order_path)
    : state_(std::make_unique<State>(std::move(folder), std::move(key_paths), std::move(order_path))) {}

RowIndex::~RowIndex() = default;

bool RowIndex::CatchUp(io::ObjectStore& store, const table::TableMetadata& metadata) {
  State& state = *state_;
  if (!state.loaded) state.Load();
  if (state.table_uuid != metadata.table_uuid) {
    state.Reset();
    state.table_uuid = metadata.table_uuid;
  }
  state.Columns(metadata);
  const table::Snapshot* head = metadata.current_snapshot();
  if (head == nullptr) {
    const bool moved = state.snapshot.has_value();
    state.Reset();
    return moved;
  }
  const bool moved = state.snapshot != head->snapshot_id;
  if (!moved && state.files_known) return false;
  state.Follow(store, metadata, *head);
  return moved;
}

std::optional<RowPlace> RowIndex::Find(const KeyHash& key) const { return state_->Find(key); }

const IndexedFile* RowIndex::FileOf(uint32_t number) const {
  const auto found = state_->files.find(number);
  return found == state_->files.end() ? nullptr : &found->second;
}

const std::vector<RowPlace>& RowIndex::doubles() const { return state_->doubles; }

uint32_t RowIndex::next_number() const { return state_->next; }

void RowIndex::Landed(io::ObjectStore& store, const table::TableMetadata& metadata, Landing landing) {
  State& state = *state_;
  const table::Snapshot* own = metadata.FindSnapshot(landing.snapshot_id);
  if (own == nullptr || own->parent_snapshot_id != state.snapshot) {
    CatchUp(store, metadata);
    return;
  }
  state.table_uuid = metadata.table_uuid;
  if (!landing.removed_paths.empty()) {
    std::erase_if(state.files,
                  [&](const auto& entry) { return landing.removed_paths.contains(entry.second.file.file_path); });
  }
  for (auto& file : landing.added) {
    file.sequence = own->sequence_number;
    state.NumberFile(std::move(file));
  }
  state.files_known = true;
  size_t at = 0;
  if (!landing.entries.empty()) {
    state.runs.Append(state.runs.Write(static_cast<int64_t>(landing.entries.size()), [&]() -> std::optional<KeyEntry> {
      return at == landing.entries.size() ? std::nullopt : std::optional(landing.entries[at++]);
    }));
  }
  state.doubles.clear();
  for (auto& file : landing.unread) {
    const uint32_t number = state.NumberFile({.file = std::move(file), .sequence = own->sequence_number});
    state.ReadFile(store, metadata, number, {});
  }
  state.Spill();
  state.snapshot = landing.snapshot_id;
  state.sequence = own->sequence_number;
  state.Seal();
}

}  // namespace millrace::land
