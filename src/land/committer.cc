#include "land/committer.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "land/drop_file.h"
#include "land/land_events.h"
#include "land/last_landed.h"
#include "land/positions.h"
#include "table/live_files.h"

namespace millrace::land {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kWaitMin{20};
constexpr milliseconds kWaitMax{5000};
/// Between requests that lost a race for the table: somebody else's commit takes about as long as one's own.
constexpr milliseconds kRaceWaitMax{250};

[[noreturn]] void ThrowRolledBack(const std::string& scope) {
  throw Error(
      ErrorCode::kStop,
      "the table was rolled back behind what '" + scope +
          "' has landed: its snapshots and its positions disagree; say where to go on with `millrace offsets set`: "
          "at the end of what the table holds now, to land the lost stretch again, or where it was");
}

bool StandsAt(const event::Positions& stored, const event::Positions& expected, const event::Positions& splits) {
  return std::ranges::all_of(
      splits, [&](const auto& entry) { return CursorOf(stored, entry.first) == CursorOf(expected, entry.first); });
}

/// The positions of the scope after the move; nullopt when another writer moved them.
std::optional<event::Positions> Moved(const table::TableMetadata& base, const MovePositions& move) {
  event::Positions stored = ReadPositions(base, move.scope).positions;
  if (!StandsAt(stored, move.from, move.to) || (move.stands && !move.stands(base))) return std::nullopt;
  for (const auto& [split, cursor] : move.to) stored[split] = cursor;
  return stored;
}

/// Puts the positions into the snapshot of the request and mirrors them in a property of the same commit.
void AddPositions(const std::string& scope, const event::Positions& positions,
                  table::SnapshotBuilder::CommitRequest& request) {
  const std::string text = PrintPositions(positions);
  for (auto& update : request.updates) {
    if (auto* add = std::get_if<table::AddSnapshot>(&update)) add->snapshot.summary[PositionsProperty(scope)] = text;
  }
  request.updates.push_back(table::SetProperties{{{PositionsProperty(scope), text}}});
}

/// Whether the ancestors of a snapshot without a parent were expired: pyiceberg takes the name of the parent away with
/// the parent. A first snapshot has the sequence number 1; a table that was replaced still has the snapshots of before.
bool LostItsParent(const table::TableMetadata& metadata, const table::Snapshot& snapshot,
                   const std::string& property_name) {
  return snapshot.sequence_number.value() > 1 &&
         std::ranges::none_of(metadata.snapshots,
                              [&](const table::Snapshot& other) { return other.summary.contains(property_name); });
}

}  // namespace

StoredPositions ReadPositions(const table::TableMetadata& metadata, const std::string& scope) {
  const std::string property_name = PositionsProperty(scope);
  const auto mirrored = metadata.properties.find(property_name);
  const bool has_property = mirrored != metadata.properties.end();
  const table::Snapshot* snapshot = metadata.current_snapshot();
  bool expired = false;
  // A chain longer than the snapshots there are would be a circle.
  for (size_t steps = 0; snapshot != nullptr && steps <= metadata.snapshots.size(); ++steps) {
    const auto stored = snapshot->summary.find(property_name);
    if (stored != snapshot->summary.end()) {
      if (has_property && mirrored->second != stored->second) ThrowRolledBack(scope);
      return {.positions = ParsePositions(stored->second, "snapshot " + std::to_string(snapshot->snapshot_id.value())),
              .snapshot_id = snapshot->snapshot_id};
    }
    if (!snapshot->parent_snapshot_id) {
      expired = LostItsParent(metadata, *snapshot, property_name);
      break;
    }
    snapshot = metadata.FindSnapshot(*snapshot->parent_snapshot_id);
    expired = snapshot == nullptr;
  }
  if (!has_property) return {};
  if (!expired) ThrowRolledBack(scope);
  return {.positions = ParsePositions(mirrored->second, "table property " + property_name),
          .snapshot_id = std::nullopt};
}

/// One change on its way into the table, over as many requests as it takes.
class Committer::Attempt {
 public:
  Attempt(Committer& committer, ChangeOn change_on, std::stop_token stop)
      : catalog_(committer.catalog_),
        table_(committer.table_),
        table_uuid_(committer.table_uuid_),
        clock_(committer.clock_),
        waits_(committer.waits_),
        change_on_(std::move(change_on)),
        stop_(std::move(stop)) {}
  /// Of a change that is the same on every base.
  Attempt(Committer& committer, table::SnapshotChange change, std::stop_token stop)
      : Attempt(committer, ChangeOn(), std::move(stop)) {
    TakeOver(std::make_shared<const table::SnapshotChange>(std::move(change)));
  }

  ~Attempt() {
    if (builder_ && !landed_ && !in_doubt_) builder_->Abandon();
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  /// `positions` is asked for what to store on each base; nullopt: somebody else moved them.
  /// `read`: what the first request is built on; none: what the catalogue says now.
  template <typename PositionsFor>
  LandResult Run(const std::string& scope, PositionsFor&& positions_for,
                 std::optional<catalog::LoadedTable> read = std::nullopt);
  std::optional<Landed> RunWhileItStands();

 private:
  catalog::LoadedTable LoadNow();
  bool HasLanded(const catalog::LoadedTable& table) const;
  bool FoundLanded(const catalog::LoadedTable& table);
  bool Request(const std::string& scope, const event::Positions* positions, catalog::LoadedTable& table);
  Landed Done(const catalog::LoadedTable& table);
  bool Renew(const table::TableMetadata& base);
  void TakeOver(std::shared_ptr<const table::SnapshotChange> change);
  void DeleteFiles(const std::set<std::string>& but);
  void Wait();
  bool WaitForPeer();
  bool WaitOutRace();
  void Tell(event::WaitKind kind, std::string detail) {
    if (waits_ != nullptr) waits_->Put(kind, std::move(detail));
  }

  catalog::Catalog& catalog_;
  const catalog::TableName& table_;
  const std::string& table_uuid_;
  const Clock& clock_;
  event::WaitBoard* const waits_;
  const ChangeOn change_on_;
  std::shared_ptr<const table::SnapshotChange> change_;  // on the newest base
  std::optional<table::SnapshotBuilder> builder_;
  std::set<std::string> added_;  // what any request may have named
  std::stop_token stop_;
  milliseconds wait_ = kWaitMin;
  milliseconds race_wait_{0};  // before the next request that follows a lost race
  bool lost_race_ = false;     // the last request was answered, and another writer was first
  int requests_ = 0;
  bool in_doubt_ = false;    // a request may have landed, or may land yet
  bool unresolved_ = false;  // the last request was of unknown outcome and the table was not read since
  bool landed_ = false;
};

catalog::LoadedTable Committer::Attempt::LoadNow() {
  for (;;) {
    try {
      auto table = catalog_.Load(table_);
      if (!table) {
        throw Error(
            ErrorCode::kStop,
            "table " + catalog::ToString(table_) +
                " is gone; restore it, or start the program again to make it anew from what the stream still holds");
      }
      if (table->metadata->table_uuid != table_uuid_) {
        throw Error(ErrorCode::kStop,
                    "table " + catalog::ToString(table_) +
                        " is another one than at the start (its uuid changed); start the program again");
      }
      return std::move(*table);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable) throw;
      TableUnreadable{.table = table_, .why = error.what()}.Emit();
      Tell(in_doubt_ ? event::WaitKind::kOutcomeUnknown : event::WaitKind::kCatalog,
           std::string(in_doubt_ ? "the outcome of a commit is unknown and " : "") + "the table cannot be read (" +
               error.what() + "); trying again, everything is kept");
    }
    Wait();
  }
}

/// By the snapshot id; or, when that snapshot was expired meanwhile, by the files it brought.
bool Committer::Attempt::HasLanded(const catalog::LoadedTable& table) const {
  if (requests_ == 0) return false;
  if (table::InAncestry(*table.metadata, builder_->snapshot_id())) return true;
  const table::Snapshot* head = table.metadata->current_snapshot();
  if (!in_doubt_ || added_.empty() || head == nullptr) return false;
  bool found = false;
  table::ForEachLiveFile(catalog_.store(), *table.metadata, *head, {}, [&](const table::ManifestEntry& entry) {
    found = found || added_.contains(entry.file.file_path);
  });
  return found;
}

/// The same, and says so: an outcome that was unknown is known now.
bool Committer::Attempt::FoundLanded(const catalog::LoadedTable& table) {
  const bool landed = HasLanded(table);
  if (std::exchange(unresolved_, false)) AmbiguousCommitResolved{.table = table_, .landed = landed}.Emit();
  if (!landed) Tell(event::WaitKind::kCommitting, "a commit is being made");
  return landed;
}

/// Asks for the change on this base. False when there is none any more.
bool Committer::Attempt::Renew(const table::TableMetadata& base) {
  if (!change_on_) return true;
  auto change = change_on_(base);
  if (!change) return false;
  if (change != change_) TakeOver(std::move(change));
  return true;
}

void Committer::Attempt::TakeOver(std::shared_ptr<const table::SnapshotChange> change) {
  std::set<std::string> named;
  for (const auto& file : change->added) named.insert(file.file_path);
  if (change_) DeleteFiles(named);
  added_.merge(named);
  // One id for all of them: whichever lands is known by it.
  const auto id = builder_ ? std::optional(builder_->snapshot_id()) : std::nullopt;
  builder_.emplace(catalog_.store(), *change, id);
  change_ = std::move(change);
}

/// One question to the catalogue. True when it says that the commit landed; `table` is what it became.
bool Committer::Attempt::Request(const std::string& scope, const event::Positions* positions,
                                 catalog::LoadedTable& table) {
  auto request = builder_->Build(*table.metadata, clock_.Now());
  if (positions != nullptr) AddPositions(scope, *positions, request);
  ++requests_;
  FaultPoint("land.before_commit");
  auto result = catalog_.Commit(table_, request.requirements, request.updates);
  FaultPoint("land.after_commit");
  CommitAnswered{.table = table_, .result = result}.Emit();
  if (auto* committed = std::get_if<catalog::Committed>(&result)) {
    table = std::move(committed->table);
    return true;
  }
  lost_race_ = std::holds_alternative<catalog::Conflict>(result);
  if (const auto* unknown = std::get_if<catalog::Unknown>(&result)) {
    in_doubt_ = true;
    unresolved_ = true;
    Tell(event::WaitKind::kOutcomeUnknown, "the outcome of a commit is unknown (" + unknown->why +
                                               "); the table is being read again, everything is kept");
  }
  return false;
}

Landed Committer::Attempt::Done(const catalog::LoadedTable& table) {
  landed_ = true;
  const table::Snapshot* snapshot = table.metadata->FindSnapshot(builder_->snapshot_id());
  if (requests_ > 1 && snapshot != nullptr) builder_->DropSuperseded(*snapshot);
  Landed landed{.table = table, .snapshot_id = builder_->snapshot_id()};
  NoteLanded(landed);
  return landed;
}

/// Only what this commit wrote, and only when every request was answered: after an unknown outcome a late request may
/// still land (a table rolled back to our base would take it), so the files stay for orphan removal (tests/explorer,
/// delete-after-unknown).
void Committer::Attempt::DeleteFiles(const std::set<std::string>& but) {
  if (in_doubt_ || !builder_) return;
  builder_->Abandon();
  if (change_->borrows_files) return;
  for (const auto& file : change_->added) {
    if (but.contains(file.file_path)) continue;
    FaultPoint("land.before_drop_file");
    DropFile(catalog_.store(), file.file_path);
  }
}

bool Committer::Attempt::WaitForPeer() {
  const bool slept = clock_.SleepFor(wait_, stop_);
  wait_ = std::min(wait_ * 2, kWaitMax);
  return slept;
}

/// The first time not at all: the table has just been changed, and who changed it works on the next change. Then longer
/// and longer, and by chance, so that many writers do not meet again and again.
bool Committer::Attempt::WaitOutRace() {
  lost_race_ = false;
  const auto wait = race_wait_;
  race_wait_ = std::min(std::max(2 * wait, kWaitMin), kRaceWaitMax);
  if (wait.count() == 0) return !stop_.stop_requested();
  const auto chance = Random::FromSystem().Below(static_cast<uint64_t>(wait.count()));
  return clock_.SleepFor(milliseconds(1 + static_cast<int64_t>(chance)), stop_);
}

void Committer::Attempt::Wait() {
  if (lost_race_ ? WaitOutRace() : WaitForPeer()) return;
  throw Error(ErrorCode::kUnavailable, in_doubt_
                                           ? "stopped before the outcome of a commit to " + catalog::ToString(table_) +
                                                 " was known; every file is kept, and the next start finds out"
                                           : "stopped before a commit to " + catalog::ToString(table_) +
                                                 " could be made; the next start lands it");
}

template <typename PositionsFor>
LandResult Committer::Attempt::Run(const std::string& scope, PositionsFor&& positions_for,
                                   std::optional<catalog::LoadedTable> read) {
  for (;; Wait()) {
    catalog::LoadedTable table = read ? *std::exchange(read, std::nullopt) : LoadNow();
    if (FoundLanded(table)) return Done(table);
    std::optional<event::Positions> positions;
    if (!scope.empty()) {
      positions = positions_for(*table.metadata);
      if (!positions) {
        DeleteFiles({});
        return Overtaken{ReadPositions(*table.metadata, scope)};
      }
    }
    Renew(*table.metadata);
    if (Request(scope, positions ? &*positions : nullptr, table)) return Done(table);
  }
}

std::optional<Landed> Committer::Attempt::RunWhileItStands() {
  for (;; Wait()) {
    catalog::LoadedTable table = LoadNow();
    if (FoundLanded(table)) return Done(table);
    if (!Renew(*table.metadata)) {
      DeleteFiles({});
      return std::nullopt;
    }
    if (Request({}, nullptr, table)) return Done(table);
  }
}

Committer::Committer(catalog::Catalog& catalog, catalog::TableName table, std::string table_uuid, const Clock& clock,
                     event::WaitBoard* waits)
    : catalog_(catalog), table_(std::move(table)), table_uuid_(std::move(table_uuid)), clock_(clock), waits_(waits) {}

LandResult Committer::Commit(table::SnapshotChange change, const std::optional<MovePositions>& move,
                             std::stop_token stop) {
  Attempt attempt(*this, std::move(change), std::move(stop));
  if (!move) return attempt.Run({}, [](const table::TableMetadata&) { return std::optional(event::Positions()); });
  return attempt.Run(
      move->scope, [&](const table::TableMetadata& base) { return Moved(base, *move); }, move->read);
}

LandResult Committer::Commit(const ChangeOn& change_on, const MovePositions& move, std::stop_token stop) {
  Attempt attempt(*this, change_on, std::move(stop));
  return attempt.Run(
      move.scope, [&](const table::TableMetadata& base) { return Moved(base, move); }, move.read);
}

std::optional<Landed> Committer::CommitIf(const ChangeOn& change_on, std::stop_token stop) {
  Attempt attempt(*this, change_on, std::move(stop));
  return attempt.RunWhileItStands();
}

std::optional<Landed> Committer::CommitIf(table::SnapshotChange change,
                                          const std::function<bool(const table::TableMetadata&)>& stands,
                                          std::stop_token stop) {
  const auto made = std::make_shared<const table::SnapshotChange>(std::move(change));
  return CommitIf([&](const table::TableMetadata& base) { return stands(base) ? made : nullptr; }, std::move(stop));
}

void Committer::Override(const std::string& scope, const event::Positions& positions, std::stop_token stop) {
  Attempt attempt(*this, table::SnapshotChange(), std::move(stop));
  attempt.Run(scope, [&](const table::TableMetadata&) { return std::optional(positions); });
}

}  // namespace millrace::land
