#include <nlohmann/json.hpp>
#include <utility>

#include "app/engine_options.h"
#include "app/model_facts.h"
#include "app/opened_lake.h"
#include "app/request_values.h"
#include "app/served_parts.h"
#include "refine/selection.h"

namespace millrace::app {
namespace {

constexpr int64_t kRunsMax = 1000;
/// For one small statement over a small table.
constexpr int64_t kEngineBytes = int64_t{128} << 20;

/// Without models there is nothing to tell, which is no error.
io::HttpReply List(const ServedParts& parts) {
  if (parts.graph == nullptr) return io::JsonReply(200, "[]\n");
  const auto log = OpenRunLogToRead(parts.directory);
  return io::JsonReply(200, ModelListing(*parts.graph, *parts.lake.catalog, log.get()).AsJson());
}

const refine::Node& NodeOf(const ServedParts& parts, const std::string& name) {
  if (parts.graph == nullptr) throw io::HttpRefusal(404, "this pipeline has no models");
  return *parts.graph->Find(refine::Select(*parts.graph, {name}).at(0));
}

io::HttpReply Describe(const ServedParts& parts, const std::string& name) {
  const auto& node = NodeOf(parts, name);
  auto answer = DescribeModel(node, *parts.lake.catalog);
  answer["sql"] = node.model.sql;
  answer["columns"] = nlohmann::ordered_json::parse(ModelColumns(node.model, *parts.lake.catalog).AsJson());
  return JsonOf(answer);
}

io::HttpReply Runs(const ServedParts& parts, const io::HttpCall& call) {
  const auto log = OpenRunLogToRead(parts.directory);
  const auto rows = NumberOf(call, "limit", {.min = 1, .max = kRunsMax}).value_or(100);
  return io::JsonReply(200, RunListing(log.get(), TextOf(call, "model"), rows).AsJson());
}

io::HttpReply Expectations(const ServedParts& parts, const io::HttpCall& call) {
  const auto runs = NumberOf(call, "runs", {.min = 1, .max = 100}).value_or(1);
  query::Engine engine(*parts.lake.catalog, EngineOptionsFor(parts.config, kEngineBytes, parts.directory));
  const auto results = refine::NewestResults(*parts.lake.catalog, engine, TextOf(call, "model"), runs, call.stopping);
  return io::JsonReply(200, ExpectationListing(results).AsJson());
}

}  // namespace

void AddModelRoutes(io::HttpRoutes& routes, const ServedParts& parts) {
  routes.Add({.method = "GET", .pattern = "/api/v1/models", .handler = [parts](io::HttpCall&) { return List(parts); }});
  routes.Add({.method = "GET", .pattern = "/api/v1/models/{model}", .handler = [parts](io::HttpCall& call) {
                return Describe(parts, call.parameters.at("model"));
              }});
  routes.Add({.method = "GET", .pattern = "/api/v1/runs", .handler = [parts](io::HttpCall& call) {
                return Runs(parts, call);
              }});
  routes.Add({.method = "GET",
              .pattern = "/api/v1/expectations",
              .handler = [parts](io::HttpCall& call) { return Expectations(parts, call); },
              .in_flight_max = 1});
}

}  // namespace millrace::app
