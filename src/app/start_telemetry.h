#pragma once

#include <memory>

#include "app/config_model.h"
#include "telemetry/lineage.h"
#include "telemetry/trace_export.h"

namespace millrace::app {

/// What tells others of the work of a verb, while it lives. Null: nobody asked for it.
struct Telemetry {
  std::unique_ptr<telemetry::TraceExport> traces;
  std::unique_ptr<telemetry::Lineage> lineage;
};
/// As the variables of OpenTelemetry and OpenLineage say, and the configuration where they do not. Error kConfig for
/// variables that cannot be read.
Telemetry StartTelemetry(const PipelineConfig& pipeline);

}  // namespace millrace::app
