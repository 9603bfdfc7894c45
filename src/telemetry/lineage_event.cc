#include "telemetry/lineage_event.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace millrace::telemetry {
namespace {

using nlohmann::ordered_json;

constexpr const char* kSpec = "https://openlineage.io/spec/";

std::string_view WordOf(LineageEvent::State state) {
  switch (state) {
    case LineageEvent::State::kStart:
      return "START";
    case LineageEvent::State::kComplete:
      return "COMPLETE";
    case LineageEvent::State::kFail:
      return "FAIL";
    case LineageEvent::State::kAbort:
      return "ABORT";
  }
  return "FAIL";
}

/// Facets, each with who says it and which schema it has.
class Facets {
 public:
  explicit Facets(const std::string& producer) : producer_(producer) {}

  /// `name` with its version: "1-2-0/SchemaDatasetFacet".
  void Add(const char* key, const std::string& schema, ordered_json facet) {
    const auto name = schema.substr(schema.find('/') + 1);
    ordered_json whole = {{"_producer", producer_},
                          {"_schemaURL", kSpec + ("facets/" + schema) + ".json#/$defs/" + name}};
    whole.update(facet);
    facets_[key] = std::move(whole);
  }
  ordered_json Take() { return std::exchange(facets_, ordered_json::object()); }

 private:
  const std::string& producer_;
  ordered_json facets_ = ordered_json::object();
};

ordered_json FieldsOf(const LineageDataset& dataset) {
  auto fields = ordered_json::array();
  for (size_t i = 0; i < dataset.fields.size(); ++i) {
    const auto& field = dataset.fields[i];
    ordered_json told = {{"name", field.name}, {"type", field.type}, {"ordinal_position", i + 1}};
    if (!field.doc.empty()) told["description"] = field.doc;
    fields.push_back(std::move(told));
  }
  return fields;
}

ordered_json DatasetOf(const LineageDataset& dataset, bool output, const std::string& job_namespace, Facets& facets) {
  if (!dataset.fields.empty()) facets.Add("schema", "1-2-0/SchemaDatasetFacet", {{"fields", FieldsOf(dataset)}});
  if (!dataset.version.empty())
    facets.Add("version", "1-0-1/DatasetVersionDatasetFacet", {{"datasetVersion", dataset.version}});
  if (!dataset.table.empty()) {
    const ordered_json alias = {{"namespace", job_namespace}, {"name", dataset.table}, {"type", "TABLE"}};
    facets.Add("symlinks", "1-0-1/SymlinksDatasetFacet", {{"identifiers", ordered_json::array({alias})}});
  }
  ordered_json told = {{"namespace", dataset.name_space}, {"name", dataset.name}, {"facets", facets.Take()}};
  if (output && dataset.rows) {
    ordered_json counts = {{"rowCount", *dataset.rows}};
    if (dataset.files) counts["fileCount"] = *dataset.files;
    if (dataset.bytes) counts["size"] = *dataset.bytes;
    facets.Add("outputStatistics", "1-0-2/OutputStatisticsOutputDatasetFacet", std::move(counts));
    told["outputFacets"] = facets.Take();
  }
  return told;
}

}  // namespace

LineageDataset DatasetAt(const std::string& location) {
  const auto scheme = location.find("://");
  if (scheme == std::string::npos) {
    const bool uri = location.starts_with("file:");
    return {.name_space = "file", .name = uri ? location.substr(5) : location};
  }
  const auto path = location.find('/', scheme + 3);
  if (location.starts_with("file://"))
    return {.name_space = "file", .name = path == std::string::npos ? "/" : location.substr(path)};
  if (path == std::string::npos) return {.name_space = location, .name = "/"};
  return {.name_space = location.substr(0, path), .name = location.substr(path + 1)};
}

std::string ToJson(const LineageEvent& event, const std::string& job_namespace, const std::string& version) {
  const auto producer = "urn:millrace:" + version;
  Facets facets(producer);
  facets.Add("processing_engine", "1-1-1/ProcessingEngineRunFacet", {{"version", version}, {"name", "millrace"}});
  if (!event.error.empty()) {
    facets.Add("errorMessage", "1-0-1/ErrorMessageRunFacet",
               {{"message", event.error}, {"programmingLanguage", event.sql.empty() ? "C++" : "SQL"}});
  }
  const auto run_facets = facets.Take();
  facets.Add("jobType", "2-0-4/JobTypeJobFacet",
             {{"processingType", event.streaming ? "STREAMING" : "BATCH"},
              {"integration", "MILLRACE"},
              {"jobType", event.job_type}});
  if (!event.sql.empty()) facets.Add("sql", "1-1-0/SQLJobFacet", {{"query", event.sql}});
  const auto job_facets = facets.Take();
  ordered_json told = {{"eventType", WordOf(event.state)},
                       {"eventTime", FormatTimestamp(event.at)},
                       {"run", {{"runId", event.run_id}, {"facets", run_facets}}},
                       {"job", {{"namespace", job_namespace}, {"name", event.job}, {"facets", job_facets}}},
                       {"inputs", ordered_json::array()},
                       {"outputs", ordered_json::array()},
                       {"producer", producer},
                       {"schemaURL", kSpec + std::string("2-0-2/OpenLineage.json#/$defs/RunEvent")}};
  for (const auto& input : event.inputs) told["inputs"].push_back(DatasetOf(input, false, job_namespace, facets));
  for (const auto& output : event.outputs) told["outputs"].push_back(DatasetOf(output, true, job_namespace, facets));
  return told.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace millrace::telemetry
