#include "app/model_facts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "refine/expect_header.h"
#include "refine/schedule/scheduler.h"
#include "refine/watermark.h"

namespace millrace::app {
namespace {

using nlohmann::json;
using refine::Materialized;

std::string_view WordOf(Materialized materialized) {
  switch (materialized) {
    case Materialized::kTable:
      return "table";
    case Materialized::kIncremental:
      return "incremental";
    case Materialized::kView:
      return "view";
  }
  throw Error(ErrorCode::kInternal, "a kind of model that there is not");
}

std::string ScheduleOf(const refine::Model& model) {
  if (model.materialized == Materialized::kView) return "";
  if (!model.times) return model.schedule == refine::Schedule::kManual ? "manual" : "on_commit";
  const auto zone = model.times->zone() == "UTC" ? std::string() : " " + model.times->zone();
  return model.times->expression() + zone;
}

json TimeOf(std::optional<Timestamp> time) { return time ? json(FormatTimestamp(*time)) : json(); }

std::string Joined(const std::vector<std::string>& texts) { return fmt::format("{}", fmt::join(texts, ", ")); }

std::string_view StrategyOf(const refine::Model& model) {
  if (model.materialized != Materialized::kIncremental) return "";
  switch (model.strategy) {
    case refine::Strategy::kAppend:
      return "append";
    case refine::Strategy::kMerge:
      return "merge";
    case refine::Strategy::kReplacePartitions:
      return "replace_partitions";
  }
  throw Error(ErrorCode::kInternal, "a strategy that there is not");
}

const std::vector<std::string>& ReplacedBy(const refine::Model& model) {
  static const std::vector<std::string> kNone;
  if (model.strategy != refine::Strategy::kReplacePartitions) return kNone;
  return model.replace_by.empty() ? model.partition_by : model.replace_by;
}

std::vector<refine::LoggedRun> Runs(refine::RunLog* log, const std::string& model, int64_t count) {
  return log == nullptr ? std::vector<refine::LoggedRun>() : log->Newest(model, count);
}

}  // namespace

Listing ModelListing(const refine::Graph& graph, catalog::Catalog& catalog, refine::RunLog* log) {
  refine::Scheduler scheduler(graph, catalog);
  scheduler.Due();  // finds out when each is due
  Listing listing({{"model"}, {"materialized"}, {"schedule"}, {"next_run"}, {"last_run"}, {"outcome"}, {"made_of"}});
  for (const auto& node : graph.nodes()) {
    const auto name = catalog::ToString(node.model.name);
    const auto runs = Runs(log, name, 1);
    std::string made_of;
    for (const auto& input : node.names) made_of += (made_of.empty() ? "" : ", ") + catalog::ToString(input);
    listing.Add({name, WordOf(node.model.materialized), ScheduleOf(node.model),
                 TimeOf(scheduler.NextOf(node.model.name)), runs.empty() ? json() : TimeOf(runs[0].began),
                 runs.empty() ? json() : json(runs[0].outcome), made_of});
  }
  return listing;
}

Listing RunListing(refine::RunLog* log, const std::string& model, int64_t rows) {
  Listing listing({{"began"},
                   {"model"},
                   {"outcome"},
                   {"seconds"},
                   {"rows"},
                   {"rows_dropped"},
                   {"files"},
                   {"bytes", Listing::Form::kBytes},
                   {"snapshot_id"},
                   {"why"}});
  for (const auto& run : Runs(log, model, rows)) {
    listing.Add({FormatTimestamp(run.began), run.model, run.outcome, fmt::format("{:.3f}", run.seconds), run.rows,
                 run.rows_dropped, run.files, run.bytes, run.snapshot_id ? json(*run.snapshot_id) : json(), run.why});
  }
  return listing;
}

Listing ModelColumns(const refine::Model& model, catalog::Catalog& catalog) {
  const auto table = catalog.Load(model.name);
  Listing columns({{"column"}, {"type"}, {"doc"}, {"tests"}});
  const auto described = [&](const std::string& name) {
    return std::ranges::find_if(model.columns, [&](const auto& column) { return column.name == name; });
  };
  if (table) {
    for (const auto& field : table->metadata->schema().fields) {
      const auto found = described(field.name);
      columns.Add({field.name, schema::ToString(field.type), found == model.columns.end() ? field.doc : found->doc,
                   found == model.columns.end() ? "" : Joined(found->tests)});
    }
  }
  for (const auto& column : model.columns) {
    if (!table || table->metadata->schema().Find(column.name) == nullptr)
      columns.Add({column.name, json(), column.doc, Joined(column.tests)});
  }
  return columns;
}

nlohmann::ordered_json DescribeModel(const refine::Node& node, catalog::Catalog& catalog) {
  const auto& model = node.model;
  std::vector<std::string> made_of, expectations;
  for (const auto& input : node.names) made_of.push_back(catalog::ToString(input));
  for (const auto& found : model.expectations)
    expectations.push_back(fmt::format("{}: {}", found.condition, ToString(found.action)));
  for (const auto& found : model.table_expectations)
    expectations.push_back(fmt::format("{}: {}", found.text, found.fail ? "fail" : "warn"));
  nlohmann::ordered_json out = {{"model", catalog::ToString(model.name)},
                                {"description", model.description},
                                {"file", model.file.string()},
                                {"materialized", WordOf(model.materialized)},
                                {"over", model.over ? catalog::ToString(*model.over) : ""},
                                {"incremental_strategy", StrategyOf(model)},
                                {"replace_by", Joined(ReplacedBy(model))},
                                {"key", Joined(model.key)},
                                {"partition_by", Joined(model.partition_by)},
                                {"sort_by", Joined(model.sort_by)},
                                {"schedule", ScheduleOf(model)},
                                {"tags", Joined(model.tags)},
                                {"made_of", Joined(made_of)},
                                {"expect", expectations}};
  if (const auto& mark = model.watermark) {
    using Watermark = refine::Model::Watermark;
    const auto* late = mark->late == Watermark::Late::kDrop         ? "drop"
                       : mark->late == Watermark::Late::kQuarantine ? "quarantine"
                                                                    : "accept";
    const auto table = catalog.Load(model.name);
    const auto stands = table ? refine::ReadWatermark(model, *table->metadata) : std::nullopt;
    out["watermark"] = fmt::format("{} less {}, late rows: {}, emit {}", mark->column, FormatDuration(mark->delay),
                                   late, mark->emit == Watermark::Emit::kOnClose ? "on_close" : "on_update");
    out["watermark_at"] = stands ? json(FormatTimestamp(stands->watermark)) : json();
    out["late_rows"] = stands ? stands->late : 0;
  }
  return out;
}

Listing ExpectationListing(const std::vector<refine::ExpectationResult>& results) {
  Listing listing({{"checked_at"},
                   {"model"},
                   {"expectation"},
                   {"severity"},
                   {"verdict"},
                   {"rows_checked"},
                   {"rows_broken"},
                   {"observed"},
                   {"run_id"}});
  for (const auto& found : results) {
    listing.Add({FormatTimestamp(found.checked_at), found.model, found.expectation, found.severity, found.verdict,
                 found.rows_checked, found.rows_broken, found.observed.empty() ? json() : json(found.observed),
                 found.run_id});
  }
  return listing;
}

}  // namespace millrace::app
