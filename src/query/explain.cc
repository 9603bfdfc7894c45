#include "query/explain.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/bytes.h"
#include "query/value_text.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;

Json CountJson(const FileCount& count) { return {{"files", count.files}, {"bytes", count.bytes}}; }

FileCount ParseCount(const Json& json) {
  return {.files = json.at("files").get<int64_t>(), .bytes = json.at("bytes").get<int64_t>()};
}

/// The second column of every row: the first says which plan it is.
std::string Plans(ResultStream& result) {
  std::string plans;
  while (const auto rows = result.Next()) {
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      AppendText(plans, *rows->column(rows->num_columns() - 1), row);
      plans += '\n';
    }
  }
  while (plans.ends_with('\n')) plans.pop_back();
  return plans;
}

std::string CountText(const FileCount& count) {
  return fmt::format("{} file{}, {}", count.files, count.files == 1 ? "" : "s",
                     FormatByteSize(static_cast<uint64_t>(count.bytes)));
}

std::string TableText(const ScanReport& scan) {
  auto text = ToString(scan.table);
  if (!scan.snapshot_id) return text + ": has no snapshot yet\n";
  text += fmt::format(", snapshot {}\n", scan.snapshot_id->value());
  if (!scan.pruning) return text;
  const auto line = [&](std::string_view name, const std::string& what) {
    text += fmt::format("  {:<18}{}\n", name, what);
  };
  const auto& report = *scan.pruning;
  line("in all", CountText(report.all));
  line("after partitions", CountText(report.after_partitions));
  line("read", CountText(report.read));
  if (report.delete_files.files > 0) line("delete files", CountText(report.delete_files));
  line("columns", report.columns.empty() ? "none" : fmt::format("{}", fmt::join(report.columns, ", ")));
  for (const auto& demand : report.demands)
    line("predicate", fmt::format("{}  (leaves {})", demand.predicate, CountText(demand.left)));
  if (report.demands.empty()) line("predicate", "none that tells files apart");
  return text;
}

}  // namespace

Json PruningJson(const PruningReport& report) {
  Json predicates = Json::array();
  for (const auto& demand : report.demands)
    predicates.push_back({{"predicate", demand.predicate}, {"left", CountJson(demand.left)}});
  return {{"all", CountJson(report.all)},   {"after_partitions", CountJson(report.after_partitions)},
          {"read", CountJson(report.read)}, {"delete_files", CountJson(report.delete_files)},
          {"columns", report.columns},      {"predicates", std::move(predicates)}};
}

PruningReport ParsePruning(const Json& json) {
  PruningReport report;
  report.all = ParseCount(json.at("all"));
  report.after_partitions = ParseCount(json.at("after_partitions"));
  report.read = ParseCount(json.at("read"));
  report.delete_files = ParseCount(json.at("delete_files"));
  json.at("columns").get_to(report.columns);
  for (const auto& demand : json.at("predicates"))
    report.demands.push_back({demand.at("predicate").get<std::string>(), ParseCount(demand.at("left"))});
  return report;
}

std::string ExplainText(ResultStream& result) {
  std::string text;
  for (const auto& scan : result.scans()) text += TableText(scan);
  return text + Plans(result) + "\n";
}

Json ExplainJson(ResultStream& result) {
  Json tables = Json::array();
  for (const auto& scan : result.scans()) {
    auto table = scan.pruning ? PruningJson(*scan.pruning) : Json::object();
    table["table"] = ToString(scan.table);
    table["snapshot"] = scan.snapshot_id ? Json(scan.snapshot_id->value()) : Json();
    tables.push_back(std::move(table));
  }
  const auto text = Plans(result);
  auto plan = Json::parse(text, nullptr, false);
  return {{"tables", std::move(tables)}, {"plan", plan.is_discarded() ? Json(text) : std::move(plan)}};
}

}  // namespace millrace::query
