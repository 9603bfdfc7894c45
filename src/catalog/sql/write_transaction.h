#pragma once

#include "base/fault.h"
#include "catalog/sql/sqlite.h"

namespace millrace::catalog {

enum class WriteOutcome {
  kDone,
  kRefused,  // the key was taken, or the row was not as expected; nothing changed
  kBusy,     // the lock could not be had in time; nothing changed
  kUnclear,  // an error came when the change may have been made
};

/// Runs `body` in a transaction that holds the write lock from the start. `body` says whether to keep what it did:
/// false is kRefused.
template <typename Body>
WriteOutcome WriteInTransaction(SqliteFile& file, Body&& body) {
  FaultPoint("catalog.write.before");
  if (!file.TryBeginWrite()) return WriteOutcome::kBusy;
  bool keep = false;
  try {
    keep = body();
  } catch (...) {
    file.Rollback();
    throw;
  }
  if (!keep) {
    file.Rollback();
    return WriteOutcome::kRefused;
  }
  FaultPoint("catalog.commit.before");
  const auto committed = file.Commit();
  FaultPoint("catalog.commit.after");
  switch (committed) {
    case SqliteFile::CommitOutcome::kDone:
      return WriteOutcome::kDone;
    case SqliteFile::CommitOutcome::kBusy:
      return WriteOutcome::kBusy;
    case SqliteFile::CommitOutcome::kUnclear:
      break;
  }
  return WriteOutcome::kUnclear;
}

}  // namespace millrace::catalog
