#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "base/duration.h"
#include "catalog/catalog.h"
#include "land/replay.h"
#include "query/engine.h"
#include "refine/fresh_rows.h"
#include "refine/graph.h"
#include "refine/row_quarantine.h"
#include "refine/run_plan.h"
#include "refine/runner.h"
#include "table/snapshot_builder.h"

namespace millrace::refine {

/// Makes the rows of an incremental model for a stretch of time once more, by its `event_time`, in place of those that
/// its table has; other rows stay. Window by window, each one commit, onto a branch of the table that becomes part of
/// main when all are there (land::Replay): readers see all of it or nothing, and whoever dies is gone on with.
///
/// Every window reads the same snapshots: of `over` the one that the model's last run took, so that later runs bring
/// what came since, and of the tables that it looks things up in their newest. The model's own position does not move.
/// When main has only got rows meanwhile they stay; when it changed otherwise, the backfill starts over, a few times.
///
/// Rows that break an expectation which says `quarantine` go there once all windows are on the branch, before it
/// becomes part of main, in place of those of the stretch that are there (RowQuarantine::ReplaceStretch). A model that
/// runs on Spark is computed there, a window a session.
///
/// One thread; the parts outlive it.
class Backfill {
 public:
  struct Parts {
    catalog::Catalog& catalog;
    query::Engine& engine;
    ByteBudget& budget;
    const Graph& graph;
    const Clock& clock = Clock::System();
    const SparkSupport* spark = nullptr;  // for models that run there
  };
  struct Stretch {
    Timestamp from{};
    Timestamp to{};  // excluded
    Duration window{};
  };
  /// Error kUsage for a model that no stretch of can be made again, saying why.
  Backfill(const Parts& parts, const Node& node, const Stretch& stretch, std::string name);

  using Standing = land::Replay::Standing;
  Standing Look() { return replay_.Look(); }
  /// Of one that is done: what is left to do in quarantine.
  void Finish(const std::stop_token& stop);
  /// Gives up the backfill of that name which is under way. Error kUsage when none is.
  static void Abandon(const Parts& parts, const Node& node, const std::string& name, const std::stop_token& stop);
  const std::string& name() const { return name_; }

  /// What each window would read, and write again at most, as things stand. Writes nothing.
  struct WindowForecast {
    Timestamp from{};
    Timestamp to{};
    int64_t rows = 0;  // of all inputs, after pruning
    int64_t files = 0;
    int64_t bytes = 0;
    int64_t bytes_replaced_max = 0;
  };
  std::vector<WindowForecast> Forecast();

  struct Report {
    int64_t windows = 0;  // that this call made
    int64_t rows = 0;     // fresh ones
    int64_t rows_dropped = 0;
    int64_t rows_quarantined = 0;  // of the whole stretch
    std::vector<ExpectationReport> expectations;
    bool published = false;
  };
  /// `done` is told of each window. Error kData when an expectation that says `fail` is broken: the branch stays to be
  /// looked at, and main is as it was.
  Report Run(bool stage, const std::function<void(int64_t done, int64_t all)>& done, const std::stop_token& stop);

 private:
  void Complete(land::ReplayPlan& plan, const table::TableMetadata& fork) const;
  land::ReplayPlan Wanted() const;
  query::QueryOptions QueryOf(const land::ReplayPlan& plan) const;
  /// Of the whole stretch where there is no number, in the dialect of the engine.
  TimeWindow WindowOf(const land::ReplayPlan& plan, std::optional<int64_t> number, ModelEngine engine) const;
  PartitionSlices StretchOf(const land::ReplayPlan& plan, std::optional<int64_t> number) const;
  std::optional<Timestamp> HeldBackFrom(const table::TableMetadata& table) const;
  bool LandWindow(const land::ReplayPlan& plan, int64_t number, Report& report, const std::stop_token& stop);
  table::SnapshotChange Make(const land::ReplayPlan& plan, int64_t number, Report& report, const std::stop_token& stop);
  table::SnapshotChange MakeOnSpark(const land::ReplayPlan& plan, int64_t number, Report& report,
                                    const std::stop_token& stop);
  std::vector<table::DataFile> Write(const std::string& sql, const query::QueryOptions& query, Report& report,
                                     const std::stop_token& stop);
  void Count(const std::vector<int64_t>& violations, int64_t checked, int64_t dropped, Report& report) const;
  RowQuarantine QuarantineOf(const std::stop_token& stop) const;
  RunPlan SparkPlan(const land::ReplayPlan& plan) const;
  void Quarantine(const land::ReplayPlan& plan, Report& report, const std::stop_token& stop);
  void FillQuarantine(const land::ReplayPlan& plan, const std::function<void(const std::vector<land::BrokenRow>&)>& add,
                      const std::stop_token& stop);
  void CheckTable(Report& report, const std::stop_token& stop);

  const Parts parts_;
  const Model& model_;
  const Node& node_;
  const Stretch stretch_;
  const std::string name_;
  land::Replay replay_;
};

}  // namespace millrace::refine
