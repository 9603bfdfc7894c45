#include "refine/watermark.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "land/committer.h"
#include "query/sql_text.h"
#include "refine/fresh_rows.h"
#include "refine/run_plan.h"

namespace millrace::refine {
namespace {

using Late = Model::Watermark::Late;
using Emit = Model::Watermark::Emit;

int64_t Micros(Timestamp time) { return time.time_since_epoch().count(); }

/// Microseconds since 1970 of the watermark's column.
std::string TimeOf(const Model& model, const std::string& relation, ModelEngine engine) {
  const auto column = relation + "." + query::QuoteName(model.watermark->column);
  return engine == ModelEngine::kDuckDb ? fmt::format("epoch_us({})", column)
                                        : fmt::format("unix_micros(CAST({} AS TIMESTAMP))", column);
}

std::string IsLate(const Model& model, Timestamp closed_before, ModelEngine engine) {
  return fmt::format("{} < {}", TimeOf(model, "__millrace_r", engine), Micros(closed_before));
}

std::optional<int64_t> NumberAt(const arrow::RecordBatch& batch, int column) {
  const auto& texts = static_cast<const arrow::StringArray&>(*batch.column(column));
  if (batch.num_rows() == 0 || texts.IsNull(0)) return std::nullopt;
  const auto text = texts.GetView(0);
  int64_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc())
    throw Error(ErrorCode::kInternal, fmt::format("'{}' is no number", text));
  return number;
}

}  // namespace

ReplaceFields::TimeField RequireTimeField(const Model& model, const ReplaceFields& fields) {
  if (auto time = fields.time()) return std::move(*time);
  throw Error(ErrorCode::kConfig,
              fmt::format("{}:{}: watermark: partitions are to be replaced by one field of hour, day, month or year, "
                          "which says when one ends: replace_by: [day(ts)]",
                          model.file.string(), model.watermark->line));
}

std::string NewestSql(const Model& model, const std::string& relation, std::optional<Timestamp> closed_before,
                      ModelEngine engine) {
  const auto late = closed_before ? IsLate(model, *closed_before, engine) : std::string("false");
  return fmt::format(
      "SELECT CAST(max({}) AS STRING) AS newest, CAST(count_if({}) AS STRING) AS late FROM {} AS "
      "__millrace_r",
      TimeOf(model, "__millrace_r", engine), late, relation);
}

std::string LateRowsSql(const Model& model, const std::string& relation, Timestamp closed_before, ModelEngine engine) {
  const auto json = engine == ModelEngine::kDuckDb
                        ? std::string("CAST(to_json(__millrace_r) AS STRING)")
                        : std::string(
                              "to_json(struct(*), map('ignoreNullFields', 'false', 'timestampFormat', "
                              "'yyyy-MM-dd HH:mm:ss.SSSSSSXXX'))");
  return fmt::format("SELECT {} AS {} FROM {} AS __millrace_r WHERE {}", json, query::QuoteName(kRowColumn), relation,
                     IsLate(model, closed_before, engine));
}

std::vector<land::BrokenRow> LateIn(const arrow::RecordBatch& rows, const Model& model, Timestamp watermark) {
  std::vector<land::BrokenRow> late;
  const auto column = rows.GetColumnByName(std::string(kRowColumn));
  const auto& json = static_cast<const arrow::StringArray&>(*column);
  const auto detail = fmt::format("a row of {}: its partition was closed when it came, at the watermark {}",
                                  ToString(*model.over), FormatTimestamp(watermark));
  for (int64_t row = 0; row < json.length(); ++row)
    late.push_back({.row = json.GetString(row), .rule = kLateCause, .rules = detail});
  return late;
}

std::optional<Timestamp> ClosedBefore(std::optional<Timestamp> watermark, ReplaceFields::TimeField::Unit unit) {
  return watermark ? std::optional(FloorOf(*watermark, unit)) : std::nullopt;
}

void TakeNewest(const Model& model, ReplaceFields::TimeField::Unit unit, const arrow::RecordBatch& newest,
                WatermarkStep& step) {
  if (const auto micros = NumberAt(newest, 0)) {
    const Timestamp seen = Timestamp(std::chrono::microseconds(*micros)) - model.watermark->delay;
    step.after = step.after ? std::max(*step.after, seen) : seen;
  }
  step.late += NumberAt(newest, 1).value_or(0);
  step.closed_now = ClosedBefore(step.after, unit);
}

PartitionSlices OpenSlices(const Model& model, const ReplaceFields& fields, const PartitionSlices& touched,
                           const WatermarkStep& step) {
  const auto time = RequireTimeField(model, fields);
  const auto column = std::ranges::find(touched.columns, time.column, &PartitionSlices::Column::name);
  const auto at = static_cast<size_t>(column - touched.columns.begin());
  const auto text = [&](Timestamp moment) { return TimeText(moment, column->type); };
  const bool reopens = model.watermark->late == Late::kAccept;
  const bool holds = model.watermark->emit == Emit::kOnClose;
  // The texts of times of one type are in the order of the times.
  const auto from_least = step.closed_before && !reopens ? std::optional(text(*step.closed_before)) : std::nullopt;
  const auto to_most = !holds ? std::nullopt : std::optional(step.closed_now ? text(*step.closed_now) : std::string());
  PartitionSlices open{.columns = touched.columns, .slices = {}};
  if (holds) open.columns = {*column};
  for (const auto& slice : touched.slices) {
    auto kept = holds ? std::vector{slice[at]} : slice;
    auto& bound = kept[holds ? 0 : at];
    if (!bound.from) {
      // A row without a time is in no window that could close.
      if (!holds) open.slices.push_back(std::move(kept));
      continue;
    }
    if (from_least) bound.from = std::max(*bound.from, *from_least);
    if (to_most) bound.to = std::min(*bound.to, *to_most);
    if (*bound.from < *bound.to) open.slices.push_back(std::move(kept));
  }
  if (!holds || !step.closed_now || (step.closed_before && *step.closed_before >= *step.closed_now)) return open;
  // What closes now: rows of it came with this run and with those before.
  const auto from = step.closed_before ? *step.closed_before : *ParseTimestamp("0001-01-01T00:00:00Z");
  open.slices.push_back({{.from = text(from), .to = text(*step.closed_now)}});
  return open;
}

std::string IsClosed(const ReplaceFields& fields, const std::string& relation, std::optional<Timestamp> closed_before,
                     ModelEngine engine) {
  if (!closed_before) return "false";
  const auto& column = fields.time_column();
  return fmt::format("{}.{} < {}", relation, query::QuoteName(column.name),
                     SliceLiteral(TimeText(*closed_before, column.type), column.type, engine));
}

std::optional<WatermarkOf> ReadWatermark(const Model& model, const table::TableMetadata& table) {
  if (!model.watermark) return std::nullopt;
  const auto stored = land::ReadPositions(table, PositionScope(model)).positions;
  const auto watermark = ParseTimestamp(CursorOf(stored, kWatermarkSplit).value());
  if (!watermark) return std::nullopt;
  WatermarkOf of{.watermark = *watermark};
  const auto late = CursorOf(stored, kLateSplit).value();
  std::from_chars(late.data(), late.data() + late.size(), of.late);
  return of;
}

}  // namespace millrace::refine
