#include "refine/backfill.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "event/stream.h"
#include "land/committer.h"
#include "query/sql_text.h"
#include "refine/run_number.h"
#include "refine/spark_run.h"
#include "refine/table_checks.h"
#include "refine/watermark.h"

namespace millrace::refine {
namespace {

using Stage = land::Replay::Standing::Stage;

constexpr int64_t kWindowsMax = 10'000;
/// How often others may change the table in the backfill's way before it gives up.
constexpr int kStartsMax = 5;

[[noreturn]] void Refuse(const Model& model, const std::string& why) {
  throw Error(ErrorCode::kUsage, fmt::format("{}: {}", ToString(model.name), why));
}

/// Error kUsage for a column that has no times, and for a time within a day where there are days alone.
const schema::PrimitiveType& RequireTimes(const schema::Field& column, std::initializer_list<Timestamp> times) {
  const auto* type = std::get_if<schema::PrimitiveType>(&column.type);
  const auto kind = type ? type->kind : schema::Primitive::kBinary;
  if (kind == schema::Primitive::kTimestamptz || kind == schema::Primitive::kTimestamp) return *type;
  if (kind != schema::Primitive::kDate) {
    throw Error(ErrorCode::kUsage, fmt::format("event_time: column {} is {}; a timestamp or a date says when",
                                               column.name, ToString(column.type)));
  }
  for (const auto time : times) {
    if (time != std::chrono::floor<std::chrono::days>(time))
      throw Error(ErrorCode::kUsage,
                  fmt::format("column {} has days: --from, --to and --window are whole ones", column.name));
  }
  return *type;
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
  if (model_.engine == ModelEngine::kSpark && parts.spark == nullptr)
    throw Error(ErrorCode::kConfig, fmt::format("{}: it runs on Spark, and there is no `spark:` here that says where "
                                                "that is",
                                                ToString(model_.name)));
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
          .windows = land::ReplayPlan::Windows{.width = stretch_.window, .definition = {}, .run = 0, .inputs = {}}};
}

void Backfill::Complete(land::ReplayPlan& plan, const table::TableMetadata& fork) const {
  plan.windows->inputs.clear();
  for (const auto& [table, range] : InputsOfLastRun(parts_.catalog, node_, fork))
    plan.windows->inputs[ToString(table)] = range.upto;
  plan.windows->definition = DefinitionOf(node_).value();
  const auto stored = land::ReadPositions(fork, PositionScope(model_)).positions;
  plan.windows->run = RunNumber::Parse(CursorOf(stored, kRunSplit)).number;
}

query::QueryOptions Backfill::QueryOf(const land::ReplayPlan& plan) const {
  query::QueryOptions query;
  for (const auto& [table, snapshot] : plan.windows->inputs)
    query.ranges[catalog::ParseTableName(table)] = {.after = std::nullopt, .upto = snapshot};
  query.views = parts_.graph.views();
  query.views[FreshRowsName(model_)] = model_.sql;
  return query;
}

/// Where what a model that emits on close has ends; nullopt: it holds nothing back.
std::optional<Timestamp> Backfill::HeldBackFrom(const table::TableMetadata& table) const {
  const auto& mark = model_.watermark;
  if (!mark || mark->emit != Model::Watermark::Emit::kOnClose) return std::nullopt;
  const auto time = RequireTimeField(model_, ReplaceFields(model_, table.schema()));
  if (time.column != model_.event_time)
    Refuse(model_, fmt::format("it holds partitions of {} back until they are closed, so its event_time is to be that "
                               "column",
                               time.column));
  const auto stands = ReadWatermark(model_, table);
  return stands ? *ClosedBefore(stands->watermark, time.unit) : stretch_.from;
}

PartitionSlices Backfill::StretchOf(const land::ReplayPlan& plan, std::optional<int64_t> number) const {
  const auto table = parts_.catalog.Load(model_.name);
  const auto* column = table ? table->metadata->schema().Find(model_.event_time) : nullptr;
  if (column == nullptr) Refuse(model_, fmt::format("its table has no column {}, its event_time", model_.event_time));
  auto [from, to] = *plan.event_times;
  const auto& type = RequireTimes(*column, {from, to, from + plan.windows->width});
  if (number) {
    from += *number * plan.windows->width;
    to = std::min<Timestamp>(from + plan.windows->width, to);
  }
  if (const auto held = HeldBackFrom(*table->metadata)) to = std::max(from, std::min(to, *held));
  return {.columns = {{column->name, type}}, .slices = {{{.from = TimeText(from, type), .to = TimeText(to, type)}}}};
}

TimeWindow Backfill::WindowOf(const land::ReplayPlan& plan, std::optional<int64_t> number, ModelEngine engine) const {
  const auto stretch = StretchOf(plan, number);
  const auto& type = stretch.columns[0].type;
  const auto& [from, to] = stretch.slices[0][0];
  return {.from = SliceLiteral(*from, type, engine), .to = SliceLiteral(*to, type, engine)};
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
    const auto replacement =
        ReplacementOf(model_, WindowOf(plan, number, ModelEngine::kDuckDb), {.table = query::SqlName(model_.name)});
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

/// False when another process was faster.
bool Backfill::LandWindow(const land::ReplayPlan& plan, int64_t number, Report& report, const std::stop_token& stop) {
  auto change =
      model_.engine == ModelEngine::kSpark ? MakeOnSpark(plan, number, report, stop) : Make(plan, number, report, stop);
  if (!change.removed_paths.empty()) change.operation = "overwrite";
  FaultPoint("backfill.before_window");
  land::Committer committer(replay_.branch(), model_.name, replay_.branch().Load(model_.name)->metadata->table_uuid,
                            parts_.clock);
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

void Backfill::Finish(const std::stop_token& stop) {
  const auto table = parts_.catalog.Load(model_.name);
  if (KeepsQuarantine(model_) && table) QuarantineOf(stop).FinishStretches(*table->metadata);
}

void Backfill::Abandon(const Parts& parts, const Node& node, const std::string& name, const std::stop_token& stop) {
  const auto& table = node.model.name;
  land::Replay replay(parts.catalog, {.table = table, .name = name}, parts.clock);
  if (KeepsQuarantine(node.model) && replay.Look().stage != Stage::kDone) {
    RowQuarantine quarantine({parts.catalog, parts.engine, parts.budget, parts.clock, stop}, node.model);
    quarantine.AbandonStretch(name);
  }
  SparkRun::RemoveBranches(parts.catalog, table, SparkRun::OfBackfill(name), parts.clock, stop);
  replay.Abandon(stop);
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
    if (standing.stage == Stage::kUnderWay && KeepsQuarantine(model_)) Quarantine(*standing.plan, report, stop);
    report.published = standing.stage == Stage::kDone ||
                       (standing.stage == Stage::kUnderWay && replay_.Publish(stop) == land::Replay::Published::kDone);
    if (!report.published) continue;
    Finish(stop);
    return report;
  }
  throw Error(
      ErrorCode::kUnavailable,
      fmt::format("{}: others changed rows of the table each time before the backfill {} could become part of it; "
                  "the table is as they left it. Run it again while no other run or maintenance writes there",
                  ToString(model_.name), name_));
}

}  // namespace millrace::refine
