#include "refine/backfill.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/random.h"
#include "event/stream.h"
#include "land/committer.h"
#include "land/data_file_writer.h"
#include "land/drop_file.h"
#include "query/sql_text.h"
#include "refine/expect_header.h"
#include "refine/output_table.h"
#include "refine/run_plan.h"
#include "refine/table_checks.h"
#include "refine/touched_files.h"

namespace millrace::refine {
namespace {

using Stage = land::Replay::Standing::Stage;

constexpr int64_t kWindowsMax = 10'000;
/// How often others may change the table in the backfill's way before it gives up.
constexpr int kStartsMax = 5;

[[noreturn]] void Refuse(const Model& model, const std::string& why) {
  throw Error(ErrorCode::kUsage, fmt::format("{}: {}", ToString(model.name), why));
}

/// How a time is written for a column of this type. Error kUsage for a type that has no times, and for a time within a
/// day where there are days alone.
std::string Literal(Timestamp time, const schema::Field& column) {
  const auto* primitive = std::get_if<schema::PrimitiveType>(&column.type);
  const auto kind = primitive ? primitive->kind : schema::Primitive::kBinary;
  const auto text = FormatTimestamp(time);
  if (kind == schema::Primitive::kTimestamptz) return "TIMESTAMPTZ " + query::QuoteText(text);
  if (kind == schema::Primitive::kTimestamp) return "TIMESTAMP " + query::QuoteText(text.substr(0, text.size() - 1));
  if (kind != schema::Primitive::kDate) {
    throw Error(ErrorCode::kUsage, fmt::format("event_time: column {} is {}; a timestamp or a date says when",
                                               column.name, ToString(column.type)));
  }
  if (time != std::chrono::floor<std::chrono::days>(time))
    throw Error(ErrorCode::kUsage,
                fmt::format("column {} has days: --from, --to and --window are whole ones", column.name));
  return "DATE " + query::QuoteText(text.substr(0, text.find('T')));
}

}  // namespace

Backfill::Backfill(const Parts& parts, const Node& node, const Stretch& stretch, std::string name)
    : parts_(parts),
      model_(node.model),
      node_(node),
      stretch_(stretch),
      name_(std::move(name)),
      replay_(parts.catalog,
              {.table = model_.name,
               .name = name_,
               .key = model_.key,
               .replaces = true,
               .complete = [this](auto& plan, const auto& fork) { Complete(plan, fork); }},
              parts.clock) {
  if (model_.materialized != Materialized::kIncremental)
    Refuse(model_,
           "only an incremental model is made again by stretches of time; others are made as a whole by each run");
  if (model_.event_time.empty())
    Refuse(model_, "its header names no `event_time`, the column that says which rows are of which time");
  if (model_.engine != ModelEngine::kDuckDb)
    Refuse(model_,
           "it runs on Spark, and a stretch of time is made by duckdb alone; say --engine duckdb, or use "
           "--full-refresh");
  if (HasQuarantine(model_))
    Refuse(model_,
           "an expectation says `quarantine`, and a stretch of such a model cannot be made again; use --full-refresh");
  if (stretch.from >= stretch.to) Refuse(model_, "--from is before --to");
  if ((stretch.to - stretch.from) / stretch.window >= kWindowsMax)
    Refuse(model_, fmt::format("a backfill has at most {} windows; give a wider --window", kWindowsMax));
}

land::ReplayPlan Backfill::Wanted() const {
  const auto length = stretch_.to - stretch_.from;
  const int64_t windows = (length + stretch_.window - std::chrono::microseconds(1)) / stretch_.window;
  return {.topic = "",
          .ranges = {{land::kWindowSplit, {.begin = 0, .end = windows}}},
          .event_times = land::ReplayPlan::EventTimes{stretch_.from, stretch_.to},
          .windows = land::ReplayPlan::Windows{.width = stretch_.window, .definition = {}, .inputs = {}}};
}

void Backfill::Complete(land::ReplayPlan& plan, const table::TableMetadata& fork) const {
  plan.windows->inputs.clear();
  for (const auto& [table, range] : InputsOfLastRun(parts_.catalog, node_, fork))
    plan.windows->inputs[ToString(table)] = range.upto;
  plan.windows->definition = DefinitionOf(node_).value();
}

query::QueryOptions Backfill::QueryOf(const land::ReplayPlan& plan) const {
  query::QueryOptions query;
  for (const auto& [table, snapshot] : plan.windows->inputs)
    query.ranges[catalog::ParseTableName(table)] = {.after = std::nullopt, .upto = snapshot};
  query.views = parts_.graph.views();
  query.views[FreshRowsName(model_)] = model_.sql;
  return query;
}

TimeWindow Backfill::WindowOf(const land::ReplayPlan& plan, int64_t number) const {
  const auto table = parts_.catalog.Load(model_.name);
  const auto* column = table ? table->metadata->schema().Find(model_.event_time) : nullptr;
  if (column == nullptr) Refuse(model_, fmt::format("its table has no column {}, its event_time", model_.event_time));
  const auto from = plan.event_times->from + number * plan.windows->width;
  return {.from = Literal(from, *column),
          .to = Literal(std::min<Timestamp>(from + plan.windows->width, plan.event_times->to), *column)};
}

std::vector<Backfill::WindowForecast> Backfill::Forecast() {
  const auto table = parts_.catalog.Load(model_.name);
  if (!table) Refuse(model_, "the model has not run yet");
  auto standing = Look();
  auto plan = standing.plan ? *standing.plan : Wanted();
  if (!standing.plan) Complete(plan, *table->metadata);
  auto query = QueryOf(plan);
  query.ranges[model_.name] = {.after = std::nullopt, .upto = table->metadata->current_snapshot_id};
  std::vector<WindowForecast> windows;
  const auto count = plan.ranges.at(land::kWindowSplit).end;
  for (int64_t number = 0; number < count; ++number) {
    const auto replacement = ReplacementOf(model_, WindowOf(plan, number), {.table = query::SqlName(model_.name)});
    auto& forecast = windows.emplace_back();
    forecast.from = plan.event_times->from + number * plan.windows->width;
    forecast.to = std::min<Timestamp>(forecast.from + plan.windows->width, plan.event_times->to);
    for (const auto& scan : parts_.engine.Plan(ReplacingFreshSql(model_, replacement), query)) {
      if (scan.table == model_.name) continue;
      forecast.rows += scan.rows_read_max;
      forecast.files += scan.files_read;
      forecast.bytes += scan.bytes_read_max;
    }
    for (const auto& scan : parts_.engine.Plan(ReplacedFilesSql(model_, replacement), query)) {
      if (scan.table == model_.name) forecast.bytes_replaced_max += scan.bytes_read_max;
    }
  }
  return windows;
}

void Backfill::Count(const ResultRows& rows, Report& report) const {
  report.rows += rows.checked();
  report.rows_dropped += rows.dropped();
  report.expectations.resize(model_.expectations.size());
  for (size_t i = 0; i < model_.expectations.size(); ++i) {
    auto& found = report.expectations[i];
    found.condition = model_.expectations[i].condition;
    found.severity = std::string(ToString(model_.expectations[i].action));
    found.violations += rows.violations(i);
    found.met = found.violations == 0;
  }
}

std::vector<table::DataFile> Backfill::Write(const std::string& sql, const query::QueryOptions& query, Report& report,
                                             const std::stop_token& stop) {
  const auto result = parts_.engine.Run(sql, query, stop);
  ResultRows rows(model_, result->schema());
  auto batch = result->Next();
  const auto output = EnsureOutput(parts_.catalog, model_, rows.columns(), false, parts_.clock, stop);
  land::DataFileWriter writer(parts_.catalog.store(), output.metadata, {.file_prefix = Random::FromSystem().Uuid()},
                              parts_.budget);
  try {
    for (; batch; batch = result->Next()) {
      const auto taken = rows.Take(*batch);
      if (!rows.failed() && taken->num_rows() > 0) writer.Write(taken);
    }
    Count(rows, report);
    if (rows.failed()) {
      const auto broken = std::ranges::find_if(
          report.expectations, [](const auto& found) { return !found.met && found.severity == "fail"; });
      throw Error(ErrorCode::kData, fmt::format("{}: {} rows break the expectation `{}`, which says fail; the table is "
                                                "as it was",
                                                model_.file.string(), broken->violations, broken->condition));
    }
    return std::move(writer).Finish();
  } catch (...) {
    for (const auto& key : writer.closed_keys()) parts_.catalog.store().Delete(key);
    throw;
  }
}

/// False when another process was faster.
bool Backfill::LandWindow(const land::ReplayPlan& plan, int64_t number, Report& report, const std::stop_token& stop) {
  const auto replacement = ReplacementOf(model_, WindowOf(plan, number), {.table = query::SqlName(model_.name)});
  const auto branch = replay_.branch().Load(model_.name);
  const auto& metadata = *branch->metadata;
  auto query = QueryOf(plan);
  query.ranges[model_.name] = {.after = std::nullopt, .upto = metadata.current_snapshot_id};
  table::SnapshotChange change;
  change.removed_paths = TouchedFiles(parts_.catalog, parts_.engine, model_.name, metadata,
                                      ReplacedFilesSql(model_, replacement), query, stop);
  if (!change.removed_paths.empty()) change.operation = "overwrite";
  query.only_files[model_.name] = change.removed_paths;
  change.added = Write(ReplacingRowsSql(model_, replacement), query, report, stop);
  FaultPoint("backfill.before_window");
  land::Committer committer(replay_.branch(), model_.name, metadata.table_uuid, parts_.clock);
  const auto from = number == 0 ? event::kStart : event::OffsetCursor(number);
  const auto result = committer.Commit(std::move(change),
                                       land::MovePositions{land::ReplayScope(name_),
                                                           {{land::kWindowSplit, from}},
                                                           {{land::kWindowSplit, event::OffsetCursor(number + 1)}}},
                                       stop);
  FaultPoint("backfill.after_window");
  return std::holds_alternative<land::Landed>(result);
}

/// The whole table, as the branch has it.
void Backfill::CheckTable(Report& report, const std::stop_token& stop) {
  const auto branch = replay_.branch().Load(model_.name);
  TableChecks checks({parts_.catalog, parts_.engine, parts_.clock, stop}, model_, "backfill-" + name_);
  for (auto& found : checks.Look(*branch, {})) report.expectations.push_back(std::move(found));
  const auto broken = std::ranges::find_if(report.expectations, [](const auto& found) {
    return !found.met && found.severity == "fail" && !found.measure.empty();
  });
  if (broken == report.expectations.end()) return;
  throw Error(ErrorCode::kData,
              fmt::format("{}: the table would break the expectation `{}`: {}, which says fail; it is as it was, and "
                          "what was made is on its branch {}",
                          model_.file.string(), broken->condition, broken->observed, land::ReplayBranch(name_)));
}

Backfill::Report Backfill::Run(bool stage, const std::function<void(int64_t, int64_t)>& done,
                               const std::stop_token& stop) {
  Report report;
  if (!parts_.catalog.Load(model_.name)) Refuse(model_, "the model has not run yet; `millrace refine` runs it");
  for (int starts = 1; starts <= kStartsMax; ++starts) {
    auto standing = replay_.Begin(Wanted(), stop);
    while (standing.stage == Stage::kUnderWay) {
      const auto& plan = *standing.plan;
      if (plan.windows->definition != DefinitionOf(node_).value())
        Refuse(model_,
               fmt::format("the backfill {} was begun before the model was edited; give it up with --abandon", name_));
      const auto at = standing.landed.find(land::kWindowSplit);
      const int64_t number = at == standing.landed.end() ? 0 : event::OffsetOf(at->second);
      const int64_t all = plan.ranges.at(land::kWindowSplit).end;
      done(number, all);
      if (number == all) break;
      report.windows += LandWindow(plan, number, report, stop) ? 1 : 0;
      standing = replay_.Look();
    }
    if (standing.stage == Stage::kUnderWay) CheckTable(report, stop);
    if (standing.stage == Stage::kUnderWay && stage) return report;
    report.published = standing.stage == Stage::kDone ||
                       (standing.stage == Stage::kUnderWay && replay_.Publish(stop) == land::Replay::Published::kDone);
    if (report.published) return report;
  }
  throw Error(
      ErrorCode::kUnavailable,
      fmt::format("{}: others changed rows of the table each time before the backfill {} could become part of it; "
                  "the table is as they left it. Run it again while no other run or maintenance writes there",
                  ToString(model_.name), name_));
}

}  // namespace millrace::refine
