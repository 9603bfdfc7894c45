#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>

#include "api/api_server.h"
#include "app/config_model.h"
#include "app/connector_host.h"
#include "app/feed_maker.h"
#include "app/housekeeper.h"
#include "app/lake.h"
#include "app/pipeline_runner.h"
#include "app/pipeline_view.h"
#include "app/refinery.h"
#include "app/run_limits.h"
#include "base/byte_budget.h"
#include "event/stream.h"
#include "query/sandbox/sandbox.h"

namespace millrace::app {

/// A pipeline put together from its configuration: the data directory locked, stream, lake, one feed a source and one a
/// table. Made, run once, dropped.
class Pipeline {
 public:
  /// Error when the data directory is taken, or something a source or table needs is not there.
  Pipeline(const PipelineConfig& config, RunLimits limits);
  Pipeline(const PipelineConfig& config, bool until_idle) : Pipeline(config, RunLimits{.until_idle = until_idle}) {}
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Models failed during the run; said on stderr.
  bool models_failed() const { return models_failed_; }

  /// `show` is called about ten times a second.
  RunReport Run(std::stop_token stop, std::function<void(const PipelineRunner&)> show);

 private:
  void AddSources();
  void AddRestProxy();
  void AddTables();
  FeedMaker Feeds();
  void Serve(const ServerConfig& server);
  bool Refine(std::stop_token stop, bool tell_built);
  void Tick(const PipelineRunner& runner);
  RunReport RunWatched(const std::stop_token& stop);
  void WriteEnd(const std::string& error);

  const PipelineConfig& config_;
  const RunLimits limits_;
  DataDirectory directory_;
  ByteBudget budget_;
  Lake lake_;
  std::unique_ptr<event::Stream> stream_;
  std::unique_ptr<Refinery> refinery_;
  Housekeeper housekeeper_;
  bool models_failed_ = false;
  std::function<void(const PipelineRunner&)> show_;
  SteadyTime status_written_{};
  SteadyTime retention_enforced_{};
  std::unique_ptr<PipelineRunner> runner_;
  std::unique_ptr<ConnectorHost> connectors_;  // null: without a server, and in runs that end
  std::unique_ptr<PipelineView> view_;
  std::shared_ptr<schema::RegistryStore> registry_;  // that is served
  std::unique_ptr<query::Sandbox> sandbox_;          // of the server's clients
  std::map<catalog::TableName, std::string> views_;
  std::unique_ptr<api::ApiServer> server_;
};

}  // namespace millrace::app
