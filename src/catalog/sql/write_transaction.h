#pragma once

#include <fmt/format.h>

#include <functional>

#include "base/error.h"
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

inline constexpr const char* kLocked = "the catalogue was locked by another program";

/// False for kRefused: for changes of which the caller branches on nothing but done or not. Error kUnavailable for the
/// others; `tables.message()` is SQLite's word for what was unclear.
template <typename Tables>
bool DoneOrThrow(WriteOutcome outcome, const char* doing, Tables& tables) {
  switch (outcome) {
    case WriteOutcome::kDone:
      return true;
    case WriteOutcome::kRefused:
      return false;
    case WriteOutcome::kBusy:
      throw Error(ErrorCode::kUnavailable, fmt::format("{}: {}; try again", doing, kLocked));
    case WriteOutcome::kUnclear:
      break;
  }
  throw Error(
      ErrorCode::kUnavailable,
      fmt::format("{}: the catalogue may or may not have done it ({}); look, then try again", doing, tables.message()));
}

}  // namespace millrace::catalog
