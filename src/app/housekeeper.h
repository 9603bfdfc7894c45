#pragma once

#include <stop_token>
#include <string>

#include "app/config_model.h"
#include "app/data_directory.h"
#include "app/lake.h"
#include "app/maintenance_notes.h"
#include "base/byte_budget.h"
#include "refine/maintenance/maintainer.h"

namespace millrace::app {

/// What the pipeline says about the maintenance of a table: the table's own options before the pipeline's. Tables that
/// are not in it (models, quarantine) have the pipeline's.
refine::MaintenanceRules MaintenanceRulesFor(const PipelineConfig& pipeline, const std::string& table);

/// Maintains the tables of a lake beside a pipeline that lands into them. A table that cannot be maintained is said
/// once in the log and tried again; landing goes on.
class Housekeeper {
 public:
  Housekeeper(const PipelineConfig& pipeline, const DataDirectory& directory, Lake& lake, ByteBudget& budget);

  /// Looks at every table in turn, every maintenance.interval, until stopped; gives way to other threads.
  void Run(const std::stop_token& stop);
  /// Looks at every table once.
  void RunOnce(const std::stop_token& stop);

  /// What the last looks saw; may be read by other threads.
  const MaintenanceNotes& notes() const { return notes_; }

 private:
  void Note(const refine::MaintenanceReport& report, const refine::MaintenanceRules& rules);

  const PipelineConfig& pipeline_;
  Lake& lake_;
  refine::Maintainer maintainer_;
  MaintenanceNotes notes_;
};

/// "silver.events: 120 files became 3 (40 MB), 12 snapshots expired"; empty when nothing was done.
std::string Describe(const refine::MaintenanceReport& report);

}  // namespace millrace::app
