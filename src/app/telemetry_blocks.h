#pragma once

#include "app/config_model.h"
#include "config/block.h"
#include "telemetry/otel_environment.h"

namespace millrace::app {

/// `traces:` and `lineage:`.
const config::Block<TracesConfig>& TracesBlock();
const config::Block<LineageConfig>& LineageBlock();

/// The variables of OpenTelemetry and OpenLineage as the process has them; where it has none, what the configuration
/// says stands in their place.
telemetry::GetVariable TelemetryVariables(const PipelineConfig& pipeline, telemetry::GetVariable process);

}  // namespace millrace::app
