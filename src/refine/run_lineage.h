#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "refine/graph.h"
#include "refine/run_plan.h"
#include "refine/runner.h"
#include "telemetry/lineage_event.h"

namespace millrace::refine {

/// A table at a snapshot, as lineage tells of it: where it lies, its columns and its version.
telemetry::LineageDataset DatasetOf(const catalog::LoadedTable& table, std::optional<table::SnapshotId> snapshot);

/// Tells whoever wants lineage of one run of a model: that it began, with the snapshots that it reads, and how it
/// ended. While nobody wants it, it does nothing.
class RunLineage {
 public:
  RunLineage(catalog::Catalog& catalog, const Node& node, const RunPlan& plan);

  void Ended(const RunReport& report);
  void Failed(const std::string& error);

 private:
  void Tell(telemetry::LineageEvent::State state);

  catalog::Catalog& catalog_;
  const Node& node_;
  telemetry::LineageEvent event_;  // without run id: nobody wants it
};

}  // namespace millrace::refine
