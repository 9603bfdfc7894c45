#include "app/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/duration.h"
#include "io/percent_encoding.h"

namespace millrace::app {
namespace {

constexpr std::string_view kHead =
    R"(<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
:root{color-scheme:light dark;--page:#fcfcfa;--ink:#1d1d1b;--soft:#62625c;--rule:#dcdcd4;--band:#f2f2ec;--mark:#2a6fc4;--bad:#b3261e;--good:#2e7031}
@media(prefers-color-scheme:dark){:root{--page:#171716;--ink:#ecece6;--soft:#a3a39b;--rule:#3a3a37;--band:#222220;--mark:#6aa5ee;--bad:#f2867e;--good:#86c98a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:24px 16px 64px;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:26px;line-height:1.2;margin:0 0 4px}
h2{font-size:20px;margin:40px 0 4px;padding-top:16px;border-top:1px solid var(--rule);overflow-wrap:anywhere}
h3{font-size:15px;margin:20px 0 6px}
p{margin:4px 0 8px;max-width:72ch;white-space:pre-line}
a{color:var(--mark)}
.soft{color:var(--soft)}.bad{color:var(--bad);font-weight:600}.good{color:var(--good)}
.wide{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:4px 12px 4px 0;border-bottom:1px solid var(--rule);unicode-bidi:isolate}
td{max-width:48ch;overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600;white-space:nowrap}
.number{text-align:right}
svg{display:block;width:100%;max-width:760px;height:auto}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}.end{text-anchor:end}
.bar,.dot{fill:var(--mark)}.line{fill:none;stroke:var(--mark);stroke-width:2;stroke-linejoin:round}
.grid{stroke:var(--rule)}.axis{stroke:var(--soft)}.hidden{opacity:0}.hidden:hover{opacity:1}
figure{margin:0}img{max-width:100%}
@media print{:root{color-scheme:light;--page:#fff;--ink:#000;--soft:#444;--rule:#bbb;--band:#fff;--mark:#2a6fc4;--bad:#b3261e;--good:#2e7031}
body{max-width:none;padding:0;font-size:11pt}.wide{overflow:visible}table{font-size:8.5pt}thead{display:table-header-group}tr,figure,h2,h3{break-inside:avoid}h2,h3{break-after:avoid}
*{print-color-adjust:exact}}
</style>
)";

std::string Seconds(double seconds) { return FormatDuration(Duration(static_cast<int64_t>(seconds * 1000))); }

/// "2026-01-31T06:00:00Z, 3h before this report": how fresh it was.
std::string Freshness(const ReportModel& model, Timestamp made) {
  if (!model.committed) return model.rows ? "made when it is asked" : "not built yet";
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(made - *model.committed);
  return fmt::format("{}, {} before this report", FormatTimestamp(*model.committed),
                     FormatDuration(Duration(std::max<int64_t>(age.count(), 0) * 1000)));
}

std::string Rows(const std::optional<int64_t>& rows) { return rows ? fmt::format("{}", *rows) : "–"; }

/// A table of texts; cells are escaped here, and here alone.
class HtmlTable {
 public:
  struct Cell {
    std::string text;
    std::string_view style = {};  // a class of the page
    std::string link = {};        // to a place of this page
  };

  explicit HtmlTable(const std::vector<Cell>& names) {
    html_ = "<div class=\"wide\"><table><thead>";
    Row(names, "th");
    html_ += "</thead><tbody>\n";
  }
  void Add(const std::vector<Cell>& cells) { Row(cells, "td"); }
  std::string Finish() && { return std::move(html_) + "</tbody></table></div>\n"; }

 private:
  void Row(const std::vector<Cell>& cells, std::string_view tag) {
    html_ += "<tr>";
    for (const auto& cell : cells) {
      const auto style = cell.style.empty() ? std::string() : fmt::format(" class=\"{}\"", cell.style);
      const auto text = HtmlText(cell.text);
      html_ += fmt::format("<{0}{1}>{2}</{0}>", tag, style,
                           cell.link.empty() ? text : fmt::format("<a href=\"#{}\">{}</a>", cell.link, text));
    }
    html_ += "</tr>\n";
  }

  std::string html_;
};

int64_t Broken(const ReportModel& model) {
  return std::count_if(model.results.begin(), model.results.end(),
                       [](const auto& result) { return result.verdict != "met"; });
}

HtmlTable::Cell ExpectationsCell(const ReportModel& model) {
  if (model.results.empty()) return {"–"};
  if (const auto broken = Broken(model); broken > 0)
    return {fmt::format("{} of {} broken", broken, model.results.size()), "bad"};
  return {fmt::format("{} met", model.results.size()), "good"};
}

HtmlTable::Cell OutcomeCell(const refine::LoggedRun& run) {
  return {run.outcome, run.outcome == "failed" ? "bad" : ""};
}

std::string Overview(const Report& report) {
  HtmlTable table({{"Model"}, {"Rows", "number"}, {"Last commit"}, {"Last run"}, {"Expectations"}});
  for (size_t i = 0; i < report.models.size(); ++i) {
    const auto& model = report.models[i];
    table.Add({{model.name, "", fmt::format("m{}", i + 1)},
               {Rows(model.rows), "number"},
               {Freshness(model, report.made)},
               model.runs.empty() ? HtmlTable::Cell{"–"} : OutcomeCell(model.runs.front()),
               ExpectationsCell(model)});
  }
  return std::move(table).Finish();
}

std::string Runs(const ReportModel& model) {
  if (model.runs.empty()) return {};
  HtmlTable table(
      {{"Began"}, {"Outcome"}, {"Took", "number"}, {"Rows written", "number"}, {"Rows dropped", "number"}, {"Why"}});
  for (const auto& run : model.runs) {
    table.Add({{FormatTimestamp(run.began)},
               OutcomeCell(run),
               {Seconds(run.seconds), "number"},
               {std::to_string(run.rows), "number"},
               {std::to_string(run.rows_dropped), "number"},
               {run.why}});
  }
  return "<h3>Last runs</h3>\n" + std::move(table).Finish();
}

std::string Expectations(const ReportModel& model) {
  if (model.results.empty()) return {};
  HtmlTable table({{"Expectation"},
                   {"Severity"},
                   {"Verdict"},
                   {"Rows checked", "number"},
                   {"Rows broken", "number"},
                   {"Observed"},
                   {"Checked"}});
  for (const auto& result : model.results) {
    table.Add({{result.expectation},
               {result.severity},
               {result.verdict, result.verdict == "met" ? "good" : "bad"},
               {std::to_string(result.rows_checked), "number"},
               {std::to_string(result.rows_broken), "number"},
               {result.observed},
               {FormatTimestamp(result.checked_at)}});
  }
  return "<h3>Expectations</h3>\n" + std::move(table).Finish();
}

std::string FirstRows(const ReportModel& model) {
  if (model.table.columns.empty()) return {};
  std::vector<HtmlTable::Cell> cells;
  const auto style = [](const ReportTable::Column& column) { return column.is_number ? "number" : ""; };
  for (const auto& column : model.table.columns) cells.push_back({column.name, style(column)});
  HtmlTable table(cells);
  for (const auto& row : model.table.rows) {
    cells.clear();
    for (size_t i = 0; i < row.size(); ++i)
      cells.push_back(row[i] ? HtmlTable::Cell{*row[i], style(model.table.columns[i])}
                             : HtmlTable::Cell{"null", "soft"});
    table.Add(cells);
  }
  const auto shown = static_cast<int64_t>(model.table.rows.size());
  const auto title = model.rows && *model.rows > shown ? fmt::format("{} of {} rows", shown, *model.rows) : "Rows";
  return fmt::format("<h3>{}</h3>\n", title) + std::move(table).Finish();
}

std::string Chart(const ReportModel& model) {
  if (!model.chart || model.chart->points.empty()) return {};
  return fmt::format("<figure><h3>{}</h3>\n{}</figure>\n", HtmlText(model.chart->title), ChartSvg(*model.chart));
}

std::string Section(const ReportModel& model, size_t number, Timestamp made) {
  auto html = fmt::format("<section id=\"m{}\">\n<h2>{}</h2>\n", number, HtmlText(model.name));
  if (!model.description.empty()) html += fmt::format("<p>{}</p>\n", HtmlText(model.description));
  html += fmt::format("<p class=\"soft\">{} · {} rows · {}</p>\n", HtmlText(model.kind), Rows(model.rows),
                      HtmlText(Freshness(model, made)));
  if (!model.unreadable.empty()) html += fmt::format("<p class=\"bad\">{}</p>\n", HtmlText(model.unreadable));
  return html + Chart(model) + Expectations(model) + Runs(model) + FirstRows(model) + "</section>\n";
}

}  // namespace

std::string ReportPage(const Report& report) {
  const auto title = HtmlText(report.pipeline);
  auto html =
      fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>{}</title>\n{}</head>\n<body>\n<h1>{}</h1>\n",
                  title, kHead, title);
  html += fmt::format("<p class=\"soft\">As of {}. Times are UTC.</p>\n", FormatTimestamp(report.made));
  html += Overview(report);
  if (!report.graph_svg.empty()) {
    // As a picture of its own: its styles are for itself.
    html += fmt::format(
        "<figure><h3>What is made of what</h3>\n<img alt=\"What is made of what\" "
        "src=\"data:image/svg+xml,{}\"></figure>\n",
        io::PercentEncoded(report.graph_svg));
  }
  for (size_t i = 0; i < report.models.size(); ++i) html += Section(report.models[i], i + 1, report.made);
  return html + "</body>\n</html>\n";
}

}  // namespace millrace::app
