#include "app/start_telemetry.h"

#include <string>

#include "app/telemetry_blocks.h"
#include "app/version.h"
#include "base/split.h"
#include "land/last_landed.h"

namespace millrace::app {
namespace {

/// As OpenLineage names topics: by one of the brokers.
std::string TopicNamespaceOf(const PipelineConfig& pipeline) {
  if (pipeline.stream.kafka) return "kafka://" + SplitByCommas(pipeline.stream.kafka->brokers).at(0);
  return (pipeline.stream.kinesis ? "kinesis://" : "millrace://") + pipeline.name;
}

}  // namespace

Telemetry StartTelemetry(const PipelineConfig& pipeline) {
  const auto get = TelemetryVariables(pipeline, telemetry::ProcessVariables());
  Telemetry telemetry{.traces = telemetry::TraceExport::Make(get, pipeline.name, kVersion),
                      .lineage = telemetry::Lineage::Make(get, pipeline.name, TopicNamespaceOf(pipeline), kVersion)};
  land::WantLastLanded(telemetry.lineage != nullptr);
  return telemetry;
}

}  // namespace millrace::app
