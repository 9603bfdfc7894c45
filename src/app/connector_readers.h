#pragma once

#include <string>
#include <vector>

#include "app/connector_plan.h"
#include "event/stream.h"

namespace millrace::app {

/// Readers by whose names connectors read topics. A stream that holds records back for its readers does so until it is
/// told that they are no more; a feed's place stands in its table, and does not go with its reader.

/// Those of a connector that was deleted.
void ForgetReadersOf(event::Stream& stream, const PipelineConfig& pipeline, const std::string& connector);
/// Those that a connector had before it was changed to this plan.
void ForgetReadersBut(event::Stream& stream, const PipelineConfig& pipeline, const std::string& connector,
                      const ConnectorPlan& plan);
/// Those of connectors that are none of these: the process ended before it had forgotten them.
void ForgetReadersOfOthers(event::Stream& stream, const PipelineConfig& pipeline,
                           const std::vector<std::string>& connectors);

/// The topic that a feed reads; empty: it reads a source.
std::string TopicOf(const ConnectorPlan& plan, const ConnectorPlan::Feed& feed);

}  // namespace millrace::app
