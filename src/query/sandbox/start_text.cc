#include "query/sandbox/start_text.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "query/explain.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;

}  // namespace

std::string PrintStart(const StartText& start) {
  Json text = {{"sql", start.sql},           {"store_root", start.store_root}, {"folder", start.folder},
               {"uri_root", start.uri_root}, {"memory", start.memory_bytes},   {"cpu_seconds", start.cpu_seconds},
               {"threads", start.threads},   {"views", Json::array()},         {"parameters", Json::array()}};
  for (const auto& [name, sql] : start.query.views) {
    text["views"].push_back({{"namespace", name.name_space}, {"name", name.name}, {"sql", sql}});
  }
  for (const auto& parameter : start.query.parameters) {
    text["parameters"].push_back({{"name", parameter.name},
                                  {"type", parameter.type},
                                  {"text", parameter.text ? Json(*parameter.text) : Json()}});
  }
  if (start.query.explain != QueryOptions::Explain::kNo)
    text["explain"] = start.query.explain == QueryOptions::Explain::kJson ? "json" : "text";
  if (start.records) text["records"] = *start.records;
  if (start.query.as_of) text["as_of_us"] = start.query.as_of->time_since_epoch().count();
  if (start.query.as_of_snapshot) text["as_of_snapshot"] = start.query.as_of_snapshot->value();
  return text.dump(-1, ' ', false, Json::error_handler_t::replace);
}

StartText ParseStart(const std::string& text) {
  const auto parsed = Json::parse(text);
  StartText start;
  parsed.at("sql").get_to(start.sql);
  parsed.at("store_root").get_to(start.store_root);
  parsed.at("folder").get_to(start.folder);
  parsed.at("uri_root").get_to(start.uri_root);
  parsed.at("memory").get_to(start.memory_bytes);
  parsed.at("cpu_seconds").get_to(start.cpu_seconds);
  parsed.at("threads").get_to(start.threads);
  for (const auto& view : parsed.at("views")) {
    start.query.views.emplace(
        catalog::TableName{view.at("namespace").get<std::string>(), view.at("name").get<std::string>()},
        view.at("sql").get<std::string>());
  }
  for (const auto& parameter : parsed.at("parameters")) {
    const auto& value = parameter.at("text");
    start.query.parameters.push_back(
        {.name = parameter.at("name").get<std::string>(),
         .type = parameter.at("type").get<std::string>(),
         .text = value.is_null() ? std::optional<std::string>() : value.get<std::string>()});
  }
  if (parsed.contains("explain")) {
    start.query.explain = parsed["explain"] == "json" ? QueryOptions::Explain::kJson : QueryOptions::Explain::kText;
  }
  if (parsed.contains("records")) start.records = parsed["records"].get<std::vector<std::string>>();
  if (parsed.contains("as_of_us")) {
    start.query.as_of = Timestamp(std::chrono::microseconds(parsed["as_of_us"].get<int64_t>()));
  }
  if (parsed.contains("as_of_snapshot")) {
    start.query.as_of_snapshot = table::SnapshotId(parsed["as_of_snapshot"].get<int64_t>());
  }
  return start;
}

std::string PrintScans(const std::vector<ScanReport>& scans) {
  Json text = Json::array();
  for (const auto& scan : scans) {
    text.push_back({{"namespace", scan.table.name_space},
                    {"name", scan.table.name},
                    {"snapshot", scan.snapshot_id ? Json(scan.snapshot_id->value()) : Json()},
                    {"files_total", scan.files_total},
                    {"files_read", scan.files_read},
                    {"bytes_read_max", scan.bytes_read_max},
                    {"rows_read_max", scan.rows_read_max}});
    if (scan.pruning) text.back()["pruning"] = PruningJson(*scan.pruning);
  }
  return text.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<ScanReport> ParseScans(const std::string& text) {
  try {
    std::vector<ScanReport> scans;
    for (const auto& entry : Json::parse(text)) {
      ScanReport scan;
      scan.table = {entry.at("namespace").get<std::string>(), entry.at("name").get<std::string>()};
      if (!entry.at("snapshot").is_null()) scan.snapshot_id = table::SnapshotId(entry["snapshot"].get<int64_t>());
      entry.at("files_total").get_to(scan.files_total);
      entry.at("files_read").get_to(scan.files_read);
      entry.at("bytes_read_max").get_to(scan.bytes_read_max);
      entry.at("rows_read_max").get_to(scan.rows_read_max);
      if (entry.contains("pruning")) scan.pruning = ParsePruning(entry["pruning"]);
      scans.push_back(std::move(scan));
    }
    return scans;
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kData, "what the statement reads cannot be told");
  }
}

}  // namespace millrace::query
