#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "query/engine.h"
#include "refine/runner.h"

namespace millrace::refine {

/// The table that keeps what runs found of expectations: `millrace.expectations`, one row per run and expectation.
///
///   run_id         string       "<number of the run>-<fingerprint of what it was made of>"
///   model          string       "gold.by_day"
///   expectation    string       the condition, or "unique id", "freshness of ts within 2h" ...
///   severity       string       warn, drop, quarantine, fail
///   checked_at     timestamptz
///   rows_checked   long         rows of the run that were looked at
///   rows_broken    long         of those that broke it; of `unique`, rows beyond the first of their kind
///   measure, value string, double   of an expectation of the whole table: what is compared from run to run, and what
///   it was observed       string       the same for people verdict        string       met, broken run_failed boolean
///   an expectation that says `fail` was broken: the run wrote nothing else
catalog::TableName ExpectationResultsName();

/// Writes them: one commit a run. The table keeps the last run_id of each model as a position of the model's scope, so
/// that a run which is repeated over the same inputs is there once.
class ExpectationResults {
 public:
  ExpectationResults(catalog::Catalog& catalog, ByteBudget& budget, const Clock& clock)
      : catalog_(catalog), budget_(budget), clock_(clock) {}

  struct Run {
    const Model& model;
    std::string run_id;
    bool failed = false;
  };
  /// What `report` has of expectations.
  void Write(const Run& run, const RunReport& report, const std::stop_token& stop) const;

 private:
  catalog::Catalog& catalog_;
  ByteBudget& budget_;
  const Clock& clock_;
};

/// One row of the table.
struct ExpectationResult {
  std::string run_id;
  std::string model;
  std::string expectation;
  std::string severity;
  Timestamp checked_at{};
  int64_t rows_checked = 0;
  int64_t rows_broken = 0;
  std::string observed;
  std::string verdict;
};

/// What the newest `runs` runs of a model (empty: of each) found, the newest run first, its broken expectations before
/// the others.
std::vector<ExpectationResult> NewestResults(catalog::Catalog& catalog, query::Engine& engine, const std::string& model,
                                             int64_t runs, const std::stop_token& stop);

/// What the newest runs of a model that did not fail measured, the newest first, at most `runs`.
std::vector<double> MeasuredBefore(catalog::Catalog& catalog, query::Engine& engine, const catalog::TableName& model,
                                   const std::string& measure, const std::string& but_run_id, size_t runs,
                                   const std::stop_token& stop);

}  // namespace millrace::refine
