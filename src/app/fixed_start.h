#pragma once

#include <string>

#include "app/config_model.h"
#include "app/lake.h"
#include "event/position.h"
#include "event/stream.h"

namespace millrace::app {

/// Where a table begins in partitions that nothing was landed from yet. What `start:` means is found out once and kept
/// beside the tables, before the first record is read, so that neither a crash nor another worker begins elsewhere:
///
///   .millrace-starts/<pipeline>/<table>/<hash of the start's text>.json     frozen, version 1
///   {"version":1,"from":"<topic>","start":"latest","positions":{"<split>":"<cursor>",..}}
///
/// Partitions and topics that are not in it (they came later) begin with the oldest record there is; so does everything
/// without a `start`.
event::Positions FixedStart(const PipelineConfig& pipeline, const std::string& name, const TableConfig& table,
                            Lake& lake, event::Stream& stream);

/// The same for looking: nothing is found out.
event::Positions ReadFixedStart(const PipelineConfig& pipeline, const std::string& name, const TableConfig& table,
                                Lake& lake);

}  // namespace millrace::app
