#include "app/report_models.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "app/graph_picture.h"
#include "query/sql_text.h"
#include "query/value_text.h"
#include "refine/selection.h"

namespace millrace::app {
namespace {

constexpr size_t kCellBytesMax = 300;
constexpr int64_t kPointsMax = 400;  // of a line
constexpr int64_t kBarsMax = 20;

/// Cut between characters.
std::string Cut(std::string text) {
  if (text.size() <= kCellBytesMax) return text;
  auto end = kCellBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string_view KindOf(const refine::Model& model) {
  switch (model.materialized) {
    case refine::Materialized::kTable:
      return "table";
    case refine::Materialized::kIncremental:
      return "incremental table";
    case refine::Materialized::kView:
      return "view";
  }
  return "";
}

bool IsNumber(const arrow::DataType& type) { return arrow::is_numeric(type.id()) || arrow::is_decimal(type.id()); }

bool IsTime(const arrow::DataType& type) {
  return type.id() == arrow::Type::DATE32 || type.id() == arrow::Type::TIMESTAMP;
}

/// Reads one model's rows with the pipeline's engine.
class Reader {
 public:
  Reader(query::Engine& engine, const query::QueryOptions& options, const refine::Model& model, std::stop_token stop)
      : engine_(engine), options_(options), model_(model), stop_(std::move(stop)), from_(query::SqlName(model.name)) {}

  void Read(ReportModel& report, int64_t rows_max) {
    report.table = Ask(fmt::format("SELECT * FROM {} LIMIT {}", from_, rows_max));
    report.rows = std::stoll(Ask(fmt::format("SELECT count(*) FROM {}", from_)).rows.at(0).at(0).value());
    if (*report.rows > 0) report.chart = Chart();
  }

 private:
  ReportTable Ask(const std::string& sql) {
    const auto result = engine_.Run(sql, options_, stop_);
    ReportTable table;
    schema_ = result->schema();
    for (const auto& field : schema_->fields()) table.columns.push_back({field->name(), IsNumber(*field->type())});
    while (const auto batch = result->Next()) {
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        auto& cells = table.rows.emplace_back();
        for (const auto& column : batch->columns()) cells.push_back(TextIn(*column, row));
      }
    }
    return table;
  }

  static std::optional<std::string> TextIn(const arrow::Array& column, int64_t row) {
    if (column.IsNull(row) || column.type_id() == arrow::Type::NA) return std::nullopt;
    std::string text;
    query::AppendText(text, column, row);
    return Cut(std::move(text));
  }

  /// The first column of a kind that says something: not a key, an id or one of ours.
  template <typename Matches>
  std::string Find(const arrow::Schema& schema, const Matches& matches) const {
    for (const auto& field : schema.fields()) {
      const auto& name = field->name();
      const bool is_key = std::find(model_.key.begin(), model_.key.end(), name) != model_.key.end();
      if (name.starts_with('_') || name == "id" || name.ends_with("_id")) continue;
      if (matches(*field->type()) && !(is_key && IsNumber(*field->type()))) return name;
    }
    return {};
  }

  /// A line over time, else bars of categories; of the first number, else of rows. None where there is nothing to go
  /// by.
  std::optional<ReportChart> Chart() {
    const auto schema = (Ask(fmt::format("SELECT * FROM {} LIMIT 0", from_)), schema_);
    const auto time = Find(*schema, IsTime);
    const auto category = Find(*schema, [](const arrow::DataType& type) {
      return type.id() == arrow::Type::STRING || type.id() == arrow::Type::BOOL;
    });
    const auto number = Find(*schema, IsNumber);
    if (time.empty() && category.empty()) return std::nullopt;
    const auto sum = number.empty() ? std::string("count(*)") : fmt::format("sum({})", query::QuoteName(number));
    ReportChart chart = time.empty() ? BarsOf(category, sum) : LineOf(time, sum);
    if (chart.points.size() < 2 && time.empty()) return std::nullopt;
    chart.title = fmt::format("{} by {}", number.empty() ? "rows" : number, time.empty() ? category : unit_ + time);
    if (chart.points.empty()) return std::nullopt;
    return chart;
  }

  ReportChart BarsOf(const std::string& category, const std::string& sum) {
    const auto sql = fmt::format(
        "SELECT * FROM (SELECT coalesce(CAST({} AS VARCHAR), 'null') AS label, 0 AS x, CAST({} AS DOUBLE) AS y FROM {} "
        "GROUP BY ALL) "
        "WHERE isfinite(y) ORDER BY y DESC, label LIMIT {}",
        query::QuoteName(category), sum, from_, kBarsMax);
    return {.kind = ReportChart::Kind::kBars, .title = {}, .points = Points(sql)};
  }

  ReportChart LineOf(const std::string& time, const std::string& sum) {
    const auto column = query::QuoteName(time);
    auto at = column;
    const auto unit = Unit(column);
    if (!unit.empty()) {
      at = fmt::format("date_trunc('{}', {})", unit, column);
      unit_ = unit + " of ";
    }
    const auto sql = fmt::format(
        "SELECT * FROM (SELECT CAST(__moment AS VARCHAR) AS label, epoch(__moment) AS x, CAST({} AS DOUBLE) AS y FROM "
        "(SELECT *, "
        "{} "
        "AS __moment FROM {} WHERE isfinite({})) AS rows GROUP BY __moment ORDER BY __moment DESC LIMIT {}) WHERE "
        "isfinite(y) ORDER BY x",
        sum, at, from_, column, kPointsMax);
    return {.kind = ReportChart::Kind::kLine, .title = {}, .points = Points(sql)};
  }

  /// What times are gathered by, so that a line has no more points than can be seen; empty: nothing.
  std::string Unit(const std::string& column) {
    const auto facts =
        Ask(fmt::format("SELECT count(DISTINCT {0}), CAST(coalesce(epoch(max({0})) - epoch(min({0})), 0) AS BIGINT) "
                        "FROM {1} WHERE isfinite({0})",
                        column, from_));
    const auto number = [&](size_t i) { return std::stoll(facts.rows.at(0).at(i).value_or("0")); };
    if (number(0) <= kPointsMax) return {};
    constexpr int64_t kDay = 86'400;
    const auto span = number(1);
    if (span <= kDay / 4) return "minute";
    if (span <= 16 * kDay) return "hour";
    return span <= kPointsMax * kDay ? "day" : "month";
  }

  std::vector<ReportChart::Point> Points(const std::string& sql) {
    std::vector<ReportChart::Point> points;
    for (auto& row : Ask(sql).rows) {
      const auto number = [&](size_t i) { return std::strtod(row.at(i).value_or("0").c_str(), nullptr); };
      points.push_back({.label = row.at(0).value_or("null"), .x = number(1), .y = number(2)});
    }
    return points;
  }

  query::Engine& engine_;
  const query::QueryOptions& options_;
  const refine::Model& model_;
  const std::stop_token stop_;
  const std::string from_;
  std::shared_ptr<arrow::Schema> schema_;
  std::string unit_;
};

ReportModel ReadModelReport(const OpenedLake& opened, const OpenedEngine& over, const refine::Model& model,
                            const ReportOptions& options, const std::stop_token& stop) {
  ReportModel report;
  report.name = catalog::ToString(model.name);
  report.kind = KindOf(model);
  report.description = model.description;
  if (model.materialized != refine::Materialized::kView) {
    const auto loaded = opened.lake.catalog->Load(model.name);
    if (!loaded) {
      report.unreadable = "it has not been built yet";
      return report;
    }
    if (const auto* snapshot = loaded->metadata->current_snapshot())
      report.committed = Timestamp(std::chrono::milliseconds(snapshot->timestamp_ms));
  }
  try {
    Reader(*over.engine, over.options, model, stop).Read(report, options.rows_max);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kData) throw;
    report.unreadable = fmt::format("it cannot be read: {}", error.what());
  }
  return report;
}

}  // namespace

Report ReadReport(const OpenedLake& opened, const ReportOptions& options, const std::stop_token& stop) {
  const auto over = OpenEngineOver(opened);
  if (!over.graph)
    throw Error(ErrorCode::kConfig, "this pipeline has no models to report on; name their folder with `models:`");
  std::vector<catalog::TableName> names;
  if (!options.models.empty()) names = refine::Select(*over.graph, options.models);
  const auto log = OpenRunLogToRead(opened.directory);
  Report report;
  report.pipeline = opened.pipeline.name;
  report.made = Clock::System().Now();
  report.graph_svg = PictureOf(*over.graph);
  for (const auto& node : over.graph->nodes()) {
    const auto& name = node.model.name;
    if (!options.models.empty() && std::find(names.begin(), names.end(), name) == names.end()) continue;
    auto model = ReadModelReport(opened, over, node.model, options, stop);
    if (log) model.runs = log->Newest(model.name, options.runs_max);
    model.results = refine::NewestResults(*opened.lake.catalog, *over.engine, model.name, 1, stop);
    report.models.push_back(std::move(model));
  }
  return report;
}

}  // namespace millrace::app
