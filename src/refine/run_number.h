#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "event/position.h"
#include "table/metadata.h"

namespace millrace::refine {

/// Where a model's table keeps the number of its last run, among the positions of the model's scope.
inline const event::SplitId kRunSplit{"run"};
/// The attempt of the last run that made all rows anew: what is in quarantine of earlier ones is of rows that are gone.
inline const event::SplitId kRebuiltSplit{"rebuilt"};
/// The attempt of the last run that replaced partitions: what is in quarantine of these by earlier ones is gone too.
inline const event::SplitId kReplacedSplit{"replaced"};

/// How many runs a table has seen, and how often an attempt of the next one was found to have died (`dead`): one more
/// is stored before another attempt begins, so that the one before, should it live after all, is overtaken. As a
/// cursor "17", or "17.2"; frozen.
struct RunNumber {
  int64_t number = 0;
  int64_t dead = 0;

  /// Error kStop for what is none. kStart is run 0.
  static RunNumber Parse(const event::Cursor& cursor);
  event::Cursor Print() const;
  RunNumber Next() const { return {number + 1, 0}; }
  RunNumber AfterDead() const { return {number, dead + 1}; }
};

/// An attempt of the run after `base`, as rows in quarantine name it: "18.2/6f1c2a3b", of the table with that uuid.
std::string AttemptOf(const RunNumber& base, const std::string& table_uuid);
/// The same of a backfill that began when `run` was the last: "17.<name>-<snapshot>/6f1c2a3b".
std::string AttemptOfBackfill(int64_t run, const std::string& name, const std::optional<table::SnapshotId>& fork,
                              const std::string& table_uuid);

}  // namespace millrace::refine
