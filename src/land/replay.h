#pragma once

#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/branch_catalog.h"
#include "event/position.h"
#include "land/replay_plan.h"
#include "table/live_files.h"
#include "table/table_change.h"

namespace millrace::land {

/// Landing a stretch of a stream once more, on purpose: onto a branch of the table, which becomes part of main in one
/// commit when it is whole, so that readers see all of it or nothing. The table's own positions do not move; the replay
/// has a scope of its own, so it is exactly once by itself: it may die anywhere and go on, and once it is done it stays
/// done.
///
///   Begin -> (a sink over branch() lands the plan's ranges under ReplayScope) -> Publish, or from Begin again
///
/// Where main stands as it did at the start, it is fast-forwarded. Where it moved on, the branch's files are committed
/// onto what main is now; that cannot be done when a key landed twice meanwhile, or when a file that the branch
/// replaced is not there any more, and then the replay starts over. Several processes may work on one replay. One
/// thread; borrows catalogue and clock.
class Replay {
 public:
  struct Options {
    catalog::TableName table;
    std::string name;  // letters, digits, '-', '_'
    /// Columns of which the table holds each value once; empty: none.
    std::vector<std::string> key = {};
    /// What lands on the branch also takes rows away that the table has.
    bool replaces = false;
    /// Completes the plan by what the table says that the branch begins at; asked whenever the branch is begun.
    std::function<void(ReplayPlan& plan, const table::TableMetadata& fork)> complete = nullptr;
  };
  Replay(catalog::Catalog& catalog, Options options, const Clock& clock = Clock::System());

  struct Standing {
    enum class Stage { kNew, kUnderWay, kDone };
    Stage stage = Stage::kNew;
    std::optional<ReplayPlan> plan;  // under way: the one that holds
    event::Positions landed;         // on the branch, or for good
  };
  Standing Look();

  /// Makes the branch and stores the plan. Of a replay that is under way, or done, it gives what is there. A table that
  /// is not there yet gets `properties()` when it is made.
  Standing Begin(ReplayPlan wanted, const std::stop_token& stop);
  /// What a table that this replay makes is made with.
  static std::map<std::string, std::string> Properties(const std::string& name, const ReplayPlan& plan);

  /// The catalogue to land through.
  catalog::Catalog& branch() { return branch_; }

  enum class Published { kDone, kStartOver };
  /// Error kInternal unless every range has landed on the branch. kStartOver: the branch is empty again, on what main
  /// is now.
  Published Publish(const std::stop_token& stop);

  /// Forgets what has landed on the branch. Error kUsage when nothing is under way.
  void Abandon(const std::stop_token& stop);

 private:
  Standing StandingOf(const catalog::LoadedTable& table) const;
  bool IsWhole(const catalog::LoadedTable& table, const ReplayPlan& plan) const;
  table::TableChange Retire(const table::TableMetadata& now) const;
  bool FastForward(const catalog::LoadedTable& table);
  bool Replant(const catalog::LoadedTable& table, const ReplayPlan& plan, const std::stop_token& stop);
  bool MayBeReplanted(const table::TableMetadata& main, const ReplayPlan& plan,
                      const std::vector<table::DataFile>& added, const std::set<std::string>& removed);
  bool AreApart(const table::TableMetadata& main, const table::AddedFiles& theirs,
                const std::vector<table::DataFile>& added);
  void StartOver(const std::stop_token& stop);

  catalog::Catalog& catalog_;
  const Options options_;
  const Clock& clock_;
  const std::string branch_name_;
  catalog::BranchCatalog branch_;
};

}  // namespace millrace::land
