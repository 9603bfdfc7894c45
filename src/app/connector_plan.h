#pragma once

#include <set>
#include <string>
#include <vector>

#include "app/config_model.h"
#include "connect/plugin.h"
#include "event/stream.h"

namespace millrace::app {

/// What a connector is made of: the pipeline's configuration with the connector's sources, tables and documents in the
/// place of the pipeline's own, and under a name of its own, so that its positions are apart from all others.
struct ConnectorPlan {
  PipelineConfig config;
  bool own_lake = false;  // its tables lie elsewhere than the pipeline's
  std::vector<std::string> topics;

  struct Feed {
    enum class Kind { kSource, kTable, kDocuments };
    Kind kind = Kind::kTable;
    std::string name;
  };
  std::vector<Feed> feeds;
  /// Feeds by task: at most `tasks.max`, and no task without a feed.
  std::vector<std::vector<Feed>> tasks;
  /// Names that nobody else may have while the connector exists: "table silver.users".
  std::set<std::string> claims;
};

/// Error kConfig with everything that is wrong: what the plugin finds, what the pipeline's own checks find, and names
/// that the pipeline has itself.
ConnectorPlan PlanConnector(const PipelineConfig& pipeline, const std::string& name,
                            const connect::Properties& properties);

/// What the pipeline of a connector is called beside the process's own: its readers and producers begin so.
std::string ConnectorPipelineName(const PipelineConfig& pipeline, const std::string& connector);

/// The class of a connector. Error kConfig when there is none of this name.
const connect::Plugin& PluginOf(const connect::Properties& properties);

/// Makes the topics that are missing and that a connector appends to, or, of the embedded stream, reads.
void EnsureTopicsOf(const ConnectorPlan& plan, event::Stream& stream);

/// The config without its passwords, for showing.
connect::Properties WithoutPasswords(const connect::Properties& properties);
/// `given` with the passwords of `stored` where it has the word that stands for them. Error kConfig where there is
/// none.
connect::Properties WithPasswords(connect::Properties given, const connect::Properties& stored);

}  // namespace millrace::app
