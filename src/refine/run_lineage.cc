#include "refine/run_lineage.h"

#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "telemetry/lineage.h"

namespace millrace::refine {

using telemetry::Lineage;
using telemetry::LineageDataset;
using telemetry::LineageEvent;

LineageDataset DatasetOf(const catalog::LoadedTable& table, std::optional<table::SnapshotId> snapshot) {
  auto dataset = telemetry::DatasetAt(table.metadata->location);
  dataset.table = catalog::ToString(table.name);
  if (snapshot) dataset.version = std::to_string(snapshot->value());
  const auto* found = snapshot ? table.metadata->FindSnapshot(*snapshot) : nullptr;
  const auto* schema = found && found->schema_id ? table.metadata->FindSchema(*found->schema_id) : nullptr;
  for (const auto& field : (schema != nullptr ? *schema : table.metadata->schema()).fields)
    dataset.fields.push_back({.name = field.name, .type = schema::ToString(field.type), .doc = field.doc});
  return dataset;
}

RunLineage::RunLineage(catalog::Catalog& catalog, const Node& node, const RunPlan& plan)
    : catalog_(catalog), node_(node) {
  if (Lineage::Process() == nullptr || plan.way == RunPlan::Way::kNothing) return;
  event_.run_id = Random::FromSystem().Uuid();
  event_.job = "model." + catalog::ToString(node.model.name);
  event_.job_type = "MODEL";
  event_.sql = node.model.sql.substr(node.model.header_bytes);
  for (const auto& input : node.inputs) {
    // What cannot be read fails the run, which says so.
    try {
      const auto table = catalog.Load(input);
      if (!table) continue;
      const auto range = plan.ranges.find(input);
      event_.inputs.push_back(
          DatasetOf(*table, range != plan.ranges.end() ? range->second.upto : table->metadata->current_snapshot_id));
    } catch (const Error& error) {
      LogDebug("lineage of {}: {}", event_.job, error.what());
    }
  }
  Tell(LineageEvent::State::kStart);
}

void RunLineage::Ended(const RunReport& report) {
  if (event_.run_id.empty()) return;
  if (report.outcome != RunReport::Outcome::kBuilt) return Tell(LineageEvent::State::kAbort);
  try {
    if (const auto table = catalog_.Load(node_.model.name)) {
      auto output = DatasetOf(*table, report.snapshot_id);
      output.rows = report.rows;
      output.files = report.files;
      output.bytes = report.bytes;
      event_.outputs.push_back(std::move(output));
    }
  } catch (const Error& error) {
    LogDebug("lineage of {}: {}", event_.job, error.what());
  }
  Tell(LineageEvent::State::kComplete);
}

void RunLineage::Failed(const std::string& error) {
  if (event_.run_id.empty()) return;
  event_.error = error;
  Tell(LineageEvent::State::kFail);
}

void RunLineage::Tell(LineageEvent::State state) {
  event_.state = state;
  event_.at = Clock::System().Now();
  if (auto* lineage = Lineage::Process()) lineage->Tell(event_);
}

}  // namespace millrace::refine
