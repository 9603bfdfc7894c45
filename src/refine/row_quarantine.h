#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "land/quarantine_rows.h"
#include "query/engine.h"
#include "refine/model.h"
#include "refine/partition_slices.h"
#include "refine/run_number.h"

namespace millrace::refine {

/// Among the positions of a backfill's replay: its attempt whose rows are in quarantine. Frozen.
inline const event::SplitId kQuarantinedSplit{"quarantined"};

/// The rows of a model that break an expectation which says `quarantine`: the table "quarantine.<namespace>_<name>",
/// as landing has it, with the attempt of the run as `split`. At any time it holds, with the model's table, each row of
/// the runs that count once:
///
/// - An attempt commits its rows before the model's table. Of one that died in between its rows are here, and its
///   number is still the next one's (`Holds`). The next attempt first moves the model's table to another number
///   (RunNumber::AfterDead), so that the dead one cannot come back, and then removes its rows (`RemoveDead`).
/// - When all rows of the model are made anew, rows of earlier runs go after the model's commit; what is to go is
///   stored with that commit (kRebuiltSplit), so that whoever runs the model next goes on with it (`KeepSince`).
/// - When the rows of some partitions are made anew, which ones stands in this table with the attempt's own rows
///   (kReplacingSplit), and which attempt counts in the model's (kReplacedSplit): earlier rows of these partitions go
///   once both name the same attempt, by whoever comes first.
/// - A backfill does the same with a split of its own, "replacing:<name>", and kQuarantinedSplit among the positions of
///   its replay.
///
/// One attempt of one run; one thread. The parts outlive it.
class RowQuarantine {
 public:
  struct Parts {
    catalog::Catalog& catalog;
    query::Engine& engine;
    ByteBudget& budget;
    const Clock& clock;
    std::stop_token stop;
  };
  RowQuarantine(Parts parts, const Model& model);
  ~RowQuarantine();
  RowQuarantine(const RowQuarantine&) = delete;
  RowQuarantine& operator=(const RowQuarantine&) = delete;

  /// There are rows of this attempt.
  bool Holds(const std::string& attempt);
  /// Rows of other attempts of the same run go.
  void RemoveDead(const std::string& attempt);
  void Add(const std::vector<land::BrokenRow>& rows, const std::string& attempt);
  /// The attempt makes all rows of these partitions anew: rows of them that earlier runs left go after it
  /// (`FinishReplaced`).
  void Replace(const PartitionSlices& slices, const std::string& attempt);
  void Commit();
  /// What was added and not committed is dropped.
  void Abandon();
  /// Rows of runs before this attempt go, unless they have gone.
  void KeepSince(const std::string& attempt);

  /// The same of a backfill of that name, which replaces the rows of a stretch: `fill` adds the attempt's rows, which
  /// are committed at once; nothing is done when they are there already. An earlier attempt's of the same name go.
  void ReplaceStretch(const std::string& name, const std::string& attempt, const PartitionSlices& stretch,
                      const std::function<void()>& fill);
  /// The model's table says which attempts of backfills count (`CountedAttempt`): what they replaced goes.
  void FinishStretches(const table::TableMetadata& model_table);
  /// What an attempt of the backfill left goes; it never counts.
  void AbandonStretch(const std::string& name);
  /// The attempt of a backfill whose rows are part of the model's table; empty: none.
  static std::string CountedAttempt(const table::TableMetadata& model_table, const std::string& name);

  /// This attempt counts: rows of earlier runs that it replaced go, unless they have gone.
  void FinishReplaced(const std::string& attempt);

 private:
  void Finish(const event::SplitId& split, const std::string& attempt);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::refine
