#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/config_model.h"
#include "app/data_directory.h"
#include "app/lake.h"
#include "app/progress.h"
#include "base/byte_budget.h"
#include "refine/runner.h"
#include "refine/schedule/model_lease.h"
#include "refine/schedule/run_log.h"
#include "refine/schedule/scheduler.h"
#include "refine/spark_run.h"

namespace millrace::app {

/// The models of a pipeline and the engine that runs them. One thread at a time.
class Refinery {
 public:
  /// Null when the pipeline has no models. Error kConfig for a model that cannot be read.
  /// `engine`: of all of them, whatever their headers say.
  static std::unique_ptr<Refinery> Open(const PipelineConfig& pipeline, const DataDirectory& directory, Lake& lake,
                                        ByteBudget& budget, std::optional<refine::ModelEngine> engine = std::nullopt);

  /// Error kUnavailable when one of these models (empty: all) runs on Spark and that does not answer.
  void RequireEngines(const std::vector<catalog::TableName>& models, const std::stop_token& stop) const;

  /// Runs models (empty: all) and says on stderr what became of each; what was built is only told when `tell_built`.
  /// What another process runs is left to it, or, with options.wait, waited for.
  std::vector<refine::RunReport> Run(const std::vector<catalog::TableName>& models, refine::RunOptions options,
                                     std::stop_token stop, bool tell_built);

  /// Runs the models of times that are due; of none, no report. Who tells what was built is at its end, and waits.
  std::vector<refine::RunReport> RunDue(refine::Scheduler::First first, std::stop_token stop, bool tell_built);
  bool has_times() const { return !scheduler_.empty(); }

  const refine::Graph& graph() const { return runner_.graph(); }

 private:
  Refinery(const PipelineConfig& pipeline, const DataDirectory& directory, Lake& lake, ByteBudget& budget,
           std::optional<refine::ModelEngine> engine);

  void Remember(const refine::RunReport& report);
  void Tell(const refine::RunReport& report, bool tell_built);

  void ShowProgress(const catalog::TableName& model, const query::SparkProgress& progress);

  query::Engine engine_;
  refine::Runner runner_;
  std::optional<refine::SparkSupport> spark_;
  catalog::TableName shown_;                   // whose progress is drawn
  std::unique_ptr<Progress> progress_;         // null: nobody's
  std::optional<refine::ModelLeases> leases_;  // where other processes may share the lake
  refine::Scheduler scheduler_;
  refine::RunLog log_;
  std::map<catalog::TableName, std::string> failures_;  // told already: a model that fails again and again says it once
};

/// One model failed, or was left out because one before it failed.
bool AnyFailed(const std::vector<refine::RunReport>& reports);

}  // namespace millrace::app
