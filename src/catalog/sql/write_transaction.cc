#include "catalog/sql/write_transaction.h"

#include "base/fault.h"

namespace millrace::catalog {

WriteOutcome WriteInTransaction(SqliteFile& file, const std::function<bool()>& body) {
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
