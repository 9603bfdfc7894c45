#include "app/quarantine_replays.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "app/table_sinks.h"
#include "base/error.h"
#include "land/metadata_columns.h"
#include "land/quarantine.h"
#include "land/quarantined.h"
#include "refine/maintenance/table_lock.h"
#include "schema/schema.h"

namespace millrace::app {
namespace {

/// Where the model of a table lies: "gold/by_day.sql".
std::string FileOfModel(std::string name) {
  std::ranges::replace(name, '.', '/');
  return name + ".sql";
}

const TableConfig& TableOf(const PipelineConfig& pipeline, const std::string& name) {
  const auto found = pipeline.tables.find(name);
  if (found == pipeline.tables.end() && pipeline.models) {
    const auto file = std::filesystem::path(pipeline.models->value) / FileOfModel(name);
    if (std::filesystem::exists(file)) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("{} is made by a model; once it, or its expectation, is mended, `millrace refine {}` makes "
                      "its rows anew and empties its quarantine",
                      name, name));
    }
  }
  if (found == pipeline.tables.end() || found->second.files) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' is no Iceberg table of this pipeline; only those are replayed into", name));
  }
  return found->second;
}

/// A change that was kept out is older than what has landed since, and only an order says so.
void CheckOrder(const std::string& table, const TableConfig& config) {
  if (!config.upsert || !config.upsert->order_by.empty()) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{} holds the last change of each key, and what comes again would stand over what came after "
                          "it; name the column that orders changes (upsert.order_by)",
                          table));
}

/// A record of the words of CLI11: "a,b" and twice --cause are the same.
std::set<std::string> CausesOf(const std::vector<std::string>& words) { return {words.begin(), words.end()}; }

const TableConfig& TargetOf(const PipelineConfig& pipeline, const std::string& table) {
  const auto& config = TableOf(pipeline, table);
  CheckOrder(table, config);
  return config;
}

}  // namespace

ReplayCountsByCause TryReplay(const ReplayPlace& place, const ReplayRequest& request) {
  const auto& config = TargetOf(place.pipeline, request.table);
  const auto target = catalog::ParseTableName(request.table);
  const auto quarantine = place.lake.catalog->Load(land::QuarantineTableOf(target));
  if (!quarantine) return {};
  const auto decoder = MakeDecoder(config, SchemasOf(place.pipeline, config, place.directory));
  const auto table = place.lake.catalog->Load(target);
  if (table) {
    decoder->Adopt(MetadataOf(config).Without(*schema::ToArrow(table->metadata->schema())));
  }
  land::QuarantinedRecords records(*place.lake.store, quarantine->metadata,
                                   {.target = request.table, .causes = CausesOf(request.causes)});
  ReplayCountsByCause counts;
  for (auto batches = records.Next(); !batches.empty(); batches = records.Next()) {
    for (const auto& batch : batches) {
      std::map<uint32_t, std::string> failed;
      const auto decoded = decoder->Decode(*batch.events);
      for (const auto& reject : decoded.rejects) failed[reject.record] = event::ToString(reject.cause);
      for (uint32_t i = 0; i < batch.causes.size(); ++i) {
        auto& count = counts[batch.causes[i]];
        ++count.records;
        const auto found = failed.find(i);
        ++(found == failed.end() ? count.landed : count.failed[found->second]);
      }
    }
  }
  return counts;
}

ReplayCountsByCause Replay(const ReplayPlace& place, const ReplayRequest& request, ByteBudget& budget,
                           const std::stop_token& stop) {
  const auto& config = TargetOf(place.pipeline, request.table);
  const auto folder = place.directory.path() / "replays" / ("quarantine." + request.table);
  std::filesystem::create_directories(folder);
  const auto lock = refine::TableLock::TryTake(folder / "lock");
  if (!lock) throw Error(ErrorCode::kUnavailable, "another process replays the quarantine of " + request.table);
  land::QuarantineReplay replay(*place.lake.catalog,
                                {.target = catalog::ParseTableName(request.table),
                                 .scope = place.pipeline.name,
                                 .causes = CausesOf(request.causes)},
                                budget);
  auto options = TableSinkOptionsFor(place.pipeline, request.table, config, place.directory);
  options.scope = replay.sink_scope();
  options.rejects = replay.rejects();
  options.key_index_folder = folder / "keys";
  land::TableSink sink(*place.lake.catalog, std::move(options), budget);
  auto counts = replay.Run(sink, stop);
  std::error_code ignored;
  std::filesystem::remove_all(folder / "keys", ignored);
  return counts;
}

Listing ReplayListing(const ReplayCountsByCause& counts) {
  Listing listing({{"cause"}, {"records"}, {"landed"}, {"failed"}, {"failed_for"}});
  for (const auto& [cause, count] : counts) {
    uint64_t failed = 0;
    std::string reasons;
    for (const auto& [reason, records] : count.failed) {
      failed += records;
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : ", ", reason, records);
    }
    listing.Add(
        {cause, count.records, count.landed, failed, reasons.empty() ? nlohmann::json() : nlohmann::json(reasons)});
  }
  return listing;
}

}  // namespace millrace::app
