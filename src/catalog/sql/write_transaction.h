#pragma once

#include <functional>

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
WriteOutcome WriteInTransaction(SqliteFile& file, const std::function<bool()>& body);

}  // namespace millrace::catalog
