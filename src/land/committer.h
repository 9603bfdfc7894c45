#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "event/position.h"
#include "event/waiting.h"
#include "table/snapshot_builder.h"

namespace millrace::land {

/// A set of positions that one writer keeps in a table, apart from those of other writers: "<pipeline>" or
/// "model:<name>". Stored in each snapshot's summary as "millrace.positions.<scope>" and mirrored in a table property.
struct StoredPositions {
  event::Positions positions;
  std::optional<table::SnapshotId> snapshot_id;  // the snapshot they were found in; none: the property, or nothing yet
};

/// Walks the ancestry of main from its head; falls back to the property when the snapshot has been expired. Error kStop
/// when the property is ahead of the newest summary (somebody rolled the table back), saying which command mends it.
StoredPositions ReadPositions(const table::TableMetadata& metadata, const std::string& scope);

struct MovePositions {
  std::string scope;
  event::Positions from;  // for each split of `to`, what must be stored now (kStart when absent)
  event::Positions to;
  /// Given: asked on each base; false turns the commit away as if the positions had moved.
  std::function<bool(const table::TableMetadata& base)> stands = nullptr;
  /// Given: the table as the caller read it a moment ago. The first request is built on it instead of on one more read.
  std::optional<catalog::LoadedTable> read = std::nullopt;
};

struct Landed {
  catalog::LoadedTable table;
  table::SnapshotId snapshot_id;
};
/// Another writer moved a position this commit starts from, or the change does not stand any more. Nothing of it
/// landed, and its files are deleted.
struct Overtaken {
  StoredPositions stored;
};
using LandResult = std::variant<Landed, Overtaken>;

/// The commit protocol of one change to one table: build on a fresh base, check that the stored positions are the ones
/// the change starts from, ask the catalogue once, and when the answer is anything but "committed" read again until it
/// is known. Waits between attempts by `clock`. Error kStop when the table is gone or another uuid; kUnavailable when
/// stopped before the outcome is known, with everything kept.
class Committer {
 public:
  /// `waits`, where given, is told what a commit waits for and whose outcome is unknown; it outlives the committer.
  Committer(catalog::Catalog& catalog, catalog::TableName table, std::string table_uuid,
            const Clock& clock = Clock::System(), event::WaitBoard* waits = nullptr);

  LandResult Commit(table::SnapshotChange change, const std::optional<MovePositions>& move, std::stop_token stop);

  /// What a commit does to this base, for changes that depend on it: deletes by position, files that are replaced.
  /// Asked on each base; the same pointer again says that nothing changes. Files that only an older change named are
  /// deleted, unless a request with them may still land. Null gives up.
  using ChangeOn = std::function<std::shared_ptr<const table::SnapshotChange>(const table::TableMetadata& base)>;
  /// `change_on` never gives up; overtaken before it was ever asked, its files are the caller's to delete.
  LandResult Commit(const ChangeOn& change_on, const MovePositions& move, std::stop_token stop);

  /// Commits a change that moves no position; nullopt when `change_on` gave up: the files it named are deleted and
  /// nothing has landed. For work that may be dropped at any time, such as compaction, which appends of other writers
  /// must never wait for.
  std::optional<Landed> CommitIf(const ChangeOn& change_on, std::stop_token stop);
  /// The same for one change, while `stands` is true of the base.
  std::optional<Landed> CommitIf(table::SnapshotChange change,
                                 const std::function<bool(const table::TableMetadata& base)>& stands,
                                 std::stop_token stop);

  /// Stores exactly these positions, whatever was there, with a snapshot that changes no row: how a person mends what
  /// ReadPositions stops at.
  void Override(const std::string& scope, const event::Positions& positions, std::stop_token stop);

 private:
  class Attempt;

  catalog::Catalog& catalog_;
  catalog::TableName table_;
  std::string table_uuid_;
  const Clock& clock_;
  event::WaitBoard* const waits_;
};

}  // namespace millrace::land
