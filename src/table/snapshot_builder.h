#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/object_store.h"
#include "table/data_file.h"
#include "table/metadata.h"
#include "table/update.h"

namespace millrace::table {

/// What a new snapshot changes.
struct SnapshotChange {
  std::string operation = "append";          // append | overwrite | replace | delete
  std::vector<DataFile> added = {};          // any spec the table has; content may be deletes
  std::set<std::string> removed_paths = {};  // files that go, by NameOf; each must be in the base snapshot
  bool removes_only_deletes = false;         // all of those are delete files: manifests of data need no look
  bool remove_all = false;                   // every file of the base goes first (a full refresh)
  /// The data sequence number of what is added, when it is not the commit's own: rows that were rewritten keep the age
  /// that equality deletes see (Iceberg spec, "Sequence Number Inheritance").
  std::optional<SequenceNumber> added_sequence = {};
  /// Manifests below the target size are merged whatever their number, their entries in the order of partitions.
  bool merge_small_manifests = false;
  Summary summary = {};  // what the caller adds to the computed counts and totals
  /// Set with the snapshot in one commit; the mirror of the positions.
  std::map<std::string, std::string> properties = {};
  /// Sent with it in the same commit, before and behind what the snapshot itself asks for.
  std::vector<Requirement> more_requirements = {};
  std::vector<Update> more_updates = {};
  /// The added files are those of another snapshot too: whatever becomes of this change, they stay.
  bool borrows_files = false;
};

/// Turns a change into the objects and the request of one commit. Manifests of added files are written once; each Build
/// writes a new manifest list on the base it is given, so that an optimistic retry is cheap (Iceberg spec, "Commit
/// Conflict Resolution and Retry"). Single-threaded. The snapshot id is chosen once and stays over retries: it is how a
/// commit of unknown outcome is recognised.
class SnapshotBuilder {
 public:
  /// `id`: of an earlier builder whose change this one replaces, so that whichever lands is recognised.
  SnapshotBuilder(io::ObjectStore& store, SnapshotChange change, std::optional<SnapshotId> id = std::nullopt);
  ~SnapshotBuilder();
  SnapshotBuilder(const SnapshotBuilder&) = delete;
  SnapshotBuilder& operator=(const SnapshotBuilder&) = delete;

  struct CommitRequest {
    std::vector<Requirement> requirements = {};
    std::vector<Update> updates = {};
  };
  /// Error kStop when a removed file is not in the base any more. Extra requirements or updates may be appended by the
  /// caller.
  CommitRequest Build(const TableMetadata& base, Timestamp now);

  SnapshotId snapshot_id() const;

  /// Deletes the manifests and lists this builder wrote. Only when the commit is known not to have landed, ever.
  void Abandon() noexcept;

  /// After the commit is known to have landed: deletes what earlier attempts wrote and `landed`, as it was read back
  /// from the catalogue, does not refer to. Deletes nothing when that cannot be read.
  void DropSuperseded(const Snapshot& landed) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// True when `id` is the current snapshot of main or one of its ancestors that are still known.
bool InAncestry(const TableMetadata& metadata, SnapshotId id);

}  // namespace millrace::table
