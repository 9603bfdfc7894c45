#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "query/engine.h"
#include "refine/runner.h"
#include "table/snapshot_builder.h"

namespace millrace::refine {

/// Expectations of a model's table as a whole, looked at before a run commits: one query over the table as it will be.
class TableChecks {
 public:
  struct Parts {
    catalog::Catalog& catalog;
    query::Engine& engine;
    const Clock& clock;
    std::stop_token stop;
  };
  /// `run_id`: results of this run are not among those of runs before.
  TableChecks(Parts parts, const Model& model, std::string run_id);

  /// One report an expectation. Error kData for a column that the table does not have, or of a type that cannot be
  /// measured.
  std::vector<ExpectationReport> Look(const catalog::LoadedTable& output, const table::SnapshotChange& change);

 private:
  Parts parts_;
  const Model& model_;
  const std::string run_id_;
};

}  // namespace millrace::refine
