#pragma once

#include <cstdint>
#include <set>
#include <stop_token>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "refine/maintenance/deletion_journal.h"
#include "table/expire.h"

namespace millrace::refine {

struct ExpiryReport {
  int64_t snapshots = 0;
  int64_t refs = 0;
  int64_t objects_deleted = 0;  // of a dry run: those that would be
};

/// Expires snapshots and deletes what only they reached. What is to be deleted is in the journal before the commit, and
/// goes only once a fresh read no longer reaches it; what an earlier process left in the journal goes first. A table
/// with gc.enabled=false keeps its files, as in other engines.
ExpiryReport ExpireSnapshots(catalog::Catalog& catalog, const catalog::TableName& name, const table::ExpiryRules& rules,
                             bool dry_run, const DeletionJournal& journal, const Clock& clock,
                             const std::stop_token& stop);

/// Snapshots of a table that models go on from, by the positions that their tables keep: a model whose snapshot is gone
/// takes all rows again.
std::set<table::SnapshotId> SnapshotsThatModelsNeed(catalog::Catalog& catalog, const std::string& table_uuid);

/// Deletes those of `uris` that a fresh read of the table does not reach and that lie below its location. Returns how
/// many.
int64_t DeleteUnreachable(catalog::Catalog& catalog, const catalog::TableName& name,
                          const std::vector<std::string>& uris);

}  // namespace millrace::refine
