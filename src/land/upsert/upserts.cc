#include "land/upsert/upserts.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <utility>

#include "base/fault.h"
#include "base/random.h"
#include "land/drop_file.h"
#include "land/position_deletes.h"
#include "land/rewrite_files.h"
#include "land/upsert/key_changes.h"
#include "land/upsert/key_values.h"
#include "land/upsert/row_index.h"
#include "land/write_properties.h"
#include "table/deletion_vector.h"
#include "table/live_files.h"
#include "table/spec_update.h"

namespace millrace::land {
namespace {

/// Of the budget: what changes may hold before a commit is due.
constexpr int64_t kShareOfBudget = 8;

struct WrittenFile {
  table::DataFile file;
  std::vector<uint32_t> numbers;
};

/// What deletes by value depend on of a base.
struct ByValue {
  bool may_have_rows = false;
  int32_t schema_id = 0;
  std::optional<int32_t> spec_id;  // the one without fields
  friend bool operator==(const ByValue&, const ByValue&) = default;
};

/// Data files that lose rows, by path; with what is known of them.
using Touched = std::map<std::string, table::DataFile>;

std::string OperationOf(const table::SnapshotChange& change) {
  const bool replaces = !change.removed_paths.empty() && !change.removes_only_deletes;
  bool data = false;
  bool deletes = replaces;
  for (const auto& file : change.added) (file.content == table::FileContent::kData ? data : deletes) = true;
  if (!deletes) return "append";
  return data || replaces ? "overwrite" : "delete";
}

}  // namespace

struct Upserts::State {
  State(UpsertOptions upsert_options, std::vector<std::string> key, std::filesystem::path folder,
        io::ObjectStore& object_store, ByteBudget& byte_budget)
      : options(std::move(upsert_options)), store(object_store), budget(byte_budget) {
    if (options.mode != UpsertMode::kEqualityDeletes) {
      index = std::make_unique<RowIndex>(std::move(folder), std::move(key), options.order_by);
      return;
    }
    std::error_code ignored;  // what stays is only in the way of nobody
    std::filesystem::remove_all(folder, ignored);
    values.emplace(std::move(key));
  }

  bool Follow(const table::TableMetadata& base);
  void Hold();
  void ForgetChunk();
  void Resolve(const table::TableMetadata& base);
  bool Stands(uint32_t number) const;
  void DeleteByPosition(const table::TableMetadata& base, table::SnapshotChange& next);
  void DeleteByValue(const table::TableMetadata& base, table::SnapshotChange& next);
  void WriteAnew(const table::TableMetadata& base, table::SnapshotChange& next, const std::stop_token& stop);
  table::DeleteFiles EntriesOf(const table::TableMetadata& base, Touched& touched,
                               std::map<std::string, table::SequenceNumber>& sequences) const;
  void Rewrite(const table::TableMetadata& base, const table::DatedFile& dated, const DeletedRows& deleted,
               table::SnapshotChange& next, const std::stop_token& stop);
  RowIndex::Landing LandingOf(table::SnapshotId snapshot_id) const;
  void DropReplaced();
  void DropMade(const table::SnapshotChange& next) noexcept;

  const UpsertOptions options;
  io::ObjectStore& store;
  ByteBudget& budget;
  std::unique_ptr<RowIndex> index;  // null: deletes are by value
  Random random = Random::FromSystem();

  mutable std::mutex mutex;  // of the chunk
  KeyChanges changes;
  std::optional<KeyValues> values;  // without an index
  std::vector<WrittenFile> files;
  int64_t number_bytes = 0;
  Reservation held;
  std::atomic<int64_t> held_bytes = 0;

  // Of the chunk on the base it was last built on.
  std::shared_ptr<const table::SnapshotChange> change;
  int32_t format = 0;                // of the base; another one deletes otherwise
  std::optional<ByValue> by_value;   // likewise, without an index
  std::vector<bool> lost;            // by change: the table has a newer one
  std::vector<RowPlace> superseded;  // rows of the table that go
  std::set<std::string> rewritten;   // files of the chunk that another one replaces
  std::set<std::string> offered;     // files of the chunk that a request has named
  std::vector<table::DataFile> copies;
};

/// True when the deletes are to be made anew: what they depend on is another than the last time.
bool Upserts::State::Follow(const table::TableMetadata& base) {
  if (index) return index->CatchUp(store, base);
  values->Check(base);
  const auto* everywhere = table::UnpartitionedSpec(base);
  const ByValue now{.may_have_rows = base.current_snapshot_id.has_value(),
                    .schema_id = base.current_schema_id,
                    .spec_id = everywhere == nullptr ? std::nullopt : std::optional(everywhere->spec_id)};
  return std::exchange(by_value, now) != now;
}

void Upserts::State::Hold() {
  const int64_t bytes = changes.bytes() + number_bytes + (values ? values->bytes() : 0);
  if (bytes == held_bytes) return;
  held.Release();
  held = budget.Force(bytes);
  held_bytes = bytes;
}

void Upserts::State::ForgetChunk() {
  const std::lock_guard lock(mutex);
  changes.Clear();
  if (values) values->Clear();
  files.clear();
  number_bytes = 0;
  held.Release();
  held_bytes = 0;
  change.reset();
  lost.clear();
  superseded.clear();
  rewritten.clear();
  offered.clear();
  copies.clear();
}

bool Upserts::State::Stands(uint32_t number) const {
  const auto& one = changes.OfRow(number);
  return one.row == number && !lost[static_cast<size_t>(&one - changes.changes().data())];
}

/// Looks every key up, in the order in which the index holds them.
void Upserts::State::Resolve(const table::TableMetadata& base) {
  const auto& all = changes.changes();
  lost.assign(all.size(), false);
  if (!index) return;
  superseded = index->doubles();
  std::vector<uint32_t> by_key(all.size());
  std::iota(by_key.begin(), by_key.end(), 0);
  std::ranges::sort(by_key, {}, [&](uint32_t i) { return all[i].key; });
  if (!base.current_snapshot_id) return;
  for (const uint32_t i : by_key) {
    const auto known = index->Find(all[i].key);
    if (!known) continue;
    const bool there = index->FileOf(known->file) != nullptr;
    const bool counts = there || known->file == RowPlace::kNoFile;
    if (counts && !all[i].unordered && !Supersedes(all[i].order, known->order)) {
      lost[i] = true;
    } else if (there) {
      superseded.push_back(*known);
    }
  }
}

void Upserts::State::DeleteByPosition(const table::TableMetadata& base, table::SnapshotChange& next) {
  PositionDeletes deletes;
  for (const auto& place : superseded) deletes.Add(index->FileOf(place.file)->file, place.position);
  for (const auto& written : files) {
    for (size_t position = 0; position < written.numbers.size(); ++position) {
      if (!Stands(written.numbers[position])) deletes.Add(written.file, static_cast<int64_t>(position));
    }
    next.added.push_back(written.file);
  }
  if (deletes.empty()) return;
  if (base.format_version > 2 && index) {  // else all are in files of the chunk, of which nobody deleted yet
    next.removed_paths = deletes.AddFormer(store, base);
    next.removes_only_deletes = true;
  }
  for (auto& file : deletes.Write(store, base, random.Uuid(), PositionDeletes::Granularity::kPartition)) {
    next.added.push_back(std::move(file));
  }
}

/// A table without a snapshot has no rows that could go.
void Upserts::State::DeleteByValue(const table::TableMetadata& base, table::SnapshotChange& next) {
  if (values->empty() || !base.current_snapshot_id) return;
  next.added.push_back(values->Write(store, base, random.Uuid()));
}

/// What the table says of the touched files, and its deletes.
table::DeleteFiles Upserts::State::EntriesOf(const table::TableMetadata& base, Touched& touched,
                                             std::map<std::string, table::SequenceNumber>& sequences) const {
  table::DeleteFiles deletes(base);
  const auto* head = base.current_snapshot();
  if (head == nullptr) return deletes;
  table::ForEachLiveFile(store, base, *head, {}, [&](table::ManifestEntry entry) {
    const auto sequence = entry.sequence_number.value_or(table::SequenceNumber(0));
    if (entry.file.content != table::FileContent::kData) {
      deletes.Add({.file = std::move(entry.file), .sequence = sequence});
    } else if (const auto found = touched.find(entry.file.file_path); found != touched.end()) {
      sequences[found->first] = sequence;
      found->second = std::move(entry.file);
    }
  });
  return deletes;
}

void Upserts::State::Rewrite(const table::TableMetadata& base, const table::DatedFile& dated,
                             const DeletedRows& deleted, table::SnapshotChange& next, const std::stop_token& stop) {
  const auto writer = WithTableProperties({}, base.properties);
  FileGroup group{.spec_id = dated.file.spec_id, .partition = dated.file.partition, .files = {dated}};
  const RewriteOptions rewrite{.file_name = "rewritten-" + random.Uuid(),
                               .zstd_level = writer.zstd_level,
                               .row_group_bytes = writer.row_group_bytes};
  FaultPoint("land.before_copy_on_write");
  auto copy = RewriteFiles(store, base, group, deleted, rewrite, budget, stop);
  FaultPoint("land.after_copy_on_write");
  if (!copy) return;
  copies.push_back(*copy);
  next.added.push_back(std::move(*copy));
}

void Upserts::State::WriteAnew(const table::TableMetadata& base, table::SnapshotChange& next,
                               const std::stop_token& stop) {
  Touched touched;
  for (const auto& place : superseded) {
    const auto& file = index->FileOf(place.file)->file;
    touched.emplace(file.file_path, file);
  }
  std::map<std::string, table::SequenceNumber> sequences;
  const auto deletes = touched.empty() ? table::DeleteFiles(base) : EntriesOf(base, touched, sequences);
  std::map<table::PartitionKey, std::vector<table::DatedFile>> partitions;
  for (const auto& [path, file] : touched) {
    partitions[table::PartitionOf(file)].push_back({.file = file, .sequence = sequences[path]});
    // The vector of a file that goes is of no use to any other.
    for (const auto* one : deletes.For(file, sequences[path])) {
      if (table::IsDeletionVector(one->file)) next.removed_paths.insert(table::NameOf(one->file));
    }
  }
  std::map<std::string, std::vector<int64_t>> gone;
  for (const auto& place : superseded) {
    gone[index->FileOf(place.file)->file.file_path].push_back(place.position);
  }
  for (const auto& [partition, data] : partitions) {
    DeletedRows deleted(store, base, deletes, data);
    for (const auto& one : data) {
      for (const int64_t position : gone[one.file.file_path]) deleted.Add(one.file.file_path, position);
    }
    deleted.Settle();
    for (const auto& one : data) {
      next.removed_paths.insert(one.file.file_path);
      Rewrite(base, one, deleted, next, stop);
    }
  }
  for (const auto& written : files) {
    DeletedRows own;
    for (size_t position = 0; position < written.numbers.size(); ++position) {
      if (!Stands(written.numbers[position])) own.Add(written.file.file_path, static_cast<int64_t>(position));
    }
    if (own.empty()) {
      next.added.push_back(written.file);
      continue;
    }
    rewritten.insert(written.file.file_path);
    Rewrite(base, {.file = written.file, .sequence = {}}, own, next, stop);
  }
}

Upserts::Upserts(UpsertOptions options, std::vector<std::string> key, std::filesystem::path index_folder,
                 io::ObjectStore& store, ByteBudget& budget)
    : state_(std::make_unique<State>(std::move(options), std::move(key), std::move(index_folder), store, budget)) {}

Upserts::~Upserts() = default;

const UpsertOptions& Upserts::options() const { return state_->options; }

void Upserts::CatchUp(const table::TableMetadata& metadata) { state_->Follow(metadata); }

Upserts::Taken Upserts::Take(const Keyed& rows, const Keyed& deletes) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  Taken taken;
  taken.numbers.assign(rows.keys.size(), Taken::kNotWritten);
  const auto order = [](const Keyed& keyed, size_t i) {
    return keyed.orders.empty() ? RowPlace::kNoOrder : keyed.orders[i];
  };
  // Of the keys that the chunk had not changed before, one row or delete each.
  std::vector<int64_t> new_of_rows;
  std::vector<int64_t> new_of_deletes;
  size_t known = state.changes.changes().size();
  const auto note = [&](std::vector<int64_t>& places, size_t place) {
    if (std::exchange(known, state.changes.changes().size()) != known) places.push_back(static_cast<int64_t>(place));
  };
  size_t next_delete = 0;
  const auto delete_before = [&](uint64_t record) {
    for (; next_delete < deletes.keys.size() && deletes.records[next_delete] <= record; ++next_delete) {
      const auto& key = deletes.keys[next_delete];
      if (key) state.changes.Delete(*key, order(deletes, next_delete));
      note(new_of_deletes, next_delete);
    }
  };
  for (size_t row = 0; row < rows.keys.size(); ++row) {
    delete_before(rows.records[row]);
    if (rows.keys[row]) taken.numbers[row] = state.changes.Upsert(*rows.keys[row], order(rows, row));
    note(new_of_rows, row);
  }
  delete_before(UINT64_MAX);
  // Only what still stands at the end of the batch is written.
  for (size_t row = 0; row < rows.keys.size(); ++row) {
    uint32_t& number = taken.numbers[row];
    if (number != Taken::kNotWritten && state.changes.OfRow(number).row != number) number = Taken::kNotWritten;
    if (rows.keys[row] && number == Taken::kNotWritten) ++taken.superseded;
  }
  if (state.values) {
    state.values->Add(rows.batch, new_of_rows);
    state.values->Add(deletes.batch, new_of_deletes);
  }
  state.Hold();
  return taken;
}

void Upserts::Wrote(const table::DataFile& file, std::vector<uint32_t> numbers) {
  const std::lock_guard lock(state_->mutex);
  state_->number_bytes += static_cast<int64_t>(numbers.size() * sizeof(uint32_t));
  state_->files.push_back({.file = file, .numbers = std::move(numbers)});
  state_->Hold();
}

bool Upserts::due() const { return state_->held_bytes >= state_->budget.limit() / kShareOfBudget; }

std::shared_ptr<const table::SnapshotChange> Upserts::ChangeOn(const table::TableMetadata& base, std::stop_token stop) {
  State& state = *state_;
  const bool moved = state.Follow(base);
  if (state.change && !moved && state.format == base.format_version) return state.change;
  state.format = base.format_version;
  state.rewritten.clear();
  state.copies.clear();
  auto next = std::make_shared<table::SnapshotChange>();
  state.Resolve(base);
  try {
    if (state.options.mode == UpsertMode::kCopyOnWrite) {
      state.WriteAnew(base, *next, stop);
    } else {
      state.DeleteByPosition(base, *next);
    }
    if (state.values) state.DeleteByValue(base, *next);
  } catch (...) {
    state.DropMade(*next);
    throw;
  }
  next->operation = OperationOf(*next);
  for (const auto& file : next->added) state.offered.insert(file.file_path);
  state.change = std::move(next);
  return state.change;
}

RowIndex::Landing Upserts::State::LandingOf(table::SnapshotId snapshot_id) const {
  RowIndex::Landing landing{.snapshot_id = snapshot_id, .removed_paths = change->removed_paths};
  for (const auto& written : files) {
    if (rewritten.contains(written.file.file_path)) continue;
    const auto number = index->next_number() + static_cast<uint32_t>(landing.added.size());
    landing.added.push_back({.file = written.file, .sequence = {}});
    for (size_t position = 0; position < written.numbers.size(); ++position) {
      if (!Stands(written.numbers[position])) continue;
      const auto& one = changes.OfRow(written.numbers[position]);
      landing.entries.push_back(
          {.key = one.key, .place = {.file = number, .position = static_cast<uint32_t>(position), .order = one.order}});
    }
  }
  landing.unread = copies;
  for (size_t i = 0; i < lost.size(); ++i) {
    const auto& one = changes.changes()[i];
    if (one.row != KeyChanges::kDeleted || lost[i]) continue;
    if (one.order != RowPlace::kNoOrder || index->Find(one.key))
      landing.entries.push_back({.key = one.key, .place = {.order = one.order}});
  }
  std::ranges::sort(landing.entries, {}, &KeyEntry::key);
  return landing;
}

/// Files of the chunk that were written again before anything named them.
void Upserts::State::DropReplaced() {
  for (const auto& path : rewritten) {
    if (!offered.contains(path)) DropFile(store, path);
  }
}

/// Files that were written for a change that never came to be; those of the chunk stay for another try.
void Upserts::State::DropMade(const table::SnapshotChange& next) noexcept {
  for (const auto& file : next.added) {
    if (file.content != table::FileContent::kData) DropFile(store, file.file_path);
  }
  for (const auto& copy : copies) DropFile(store, copy.file_path);
  copies.clear();
}

void Upserts::Landed(const table::TableMetadata& metadata, table::SnapshotId snapshot_id) {
  State& state = *state_;
  if (state.index) state.index->Landed(state.store, metadata, state.LandingOf(snapshot_id));
  state.DropReplaced();
  state.ForgetChunk();
}

void Upserts::Forget() {
  for (const auto& written : state_->files) {
    if (!state_->offered.contains(written.file.file_path)) DropFile(state_->store, written.file.file_path);
  }
  state_->ForgetChunk();
}

}  // namespace millrace::land
