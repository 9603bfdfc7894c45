#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/object_store.h"
#include "table/metadata.h"
#include "table/table_change.h"

namespace millrace::table {

/// Unset: the table's own history.expire.* properties, else Iceberg's defaults (5 days, 1 snapshot).
struct ExpiryRules {
  std::optional<std::chrono::milliseconds> snapshot_age_max = std::nullopt;
  std::optional<int64_t> snapshots_min = std::nullopt;
  /// Of main, the newest are kept and no more, however young: what a commit costs grows with the snapshots there are.
  std::optional<int64_t> snapshots_max = std::nullopt;
  /// Snapshots that a reader goes on from: they stay, and so does everything after them.
  std::set<SnapshotId> needed = {};
};

struct Expiry {
  std::vector<SnapshotId> expired = {};
  std::vector<std::string> dropped_refs = {};  // branches and tags past their own age
  TableChange change = {};
};

/// Which snapshots may go (Iceberg spec, "Snapshot Retention Policy"). Kept are: the head of every branch with as many
/// ancestors as the rules or the branch itself ask for; every tagged snapshot; and of each `millrace.positions.*` that
/// the table's properties mirror, the newest snapshot on main that carries it (but for replays, whose property is
/// enough), and so of each `millrace.quarantine.from.*`. Requires that no ref moved meanwhile.
Expiry PlanExpiry(const TableMetadata& base, const ExpiryRules& rules, Timestamp now);

/// The objects that only snapshots of `before` reach which `after` has no more: manifest lists, manifests, data and
/// delete files, in the order in which they may be deleted. `after` is the table as read back once the expiry has
/// landed; whatever any snapshot of it reaches is not among them. Memory grows with the manifests that went, not with
/// the table.
std::vector<std::string> UnreachableObjects(io::ObjectStore& store, const TableMetadata& before,
                                            const TableMetadata& after);

}  // namespace millrace::table
