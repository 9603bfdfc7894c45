#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <utility>

#include "app/plan.h"
#include "app/request_values.h"
#include "app/served_parts.h"
#include "base/recent_log.h"

namespace millrace::app {
namespace {

using nlohmann::ordered_json;

constexpr auto kEventEvery = std::chrono::seconds(1);
/// Each holds a thread.
constexpr int kSubscribersMax = 16;

std::string_view KindOf(const SourceConfig& source) {
  if (source.file) return "file";
  if (source.generator) return "generator";
  if (source.http_poll) return "http_poll";
  if (source.http_ingest) return "http_ingest";
  return "mongodb";
}

ordered_json TopicsOf(const SourceConfig& source) {
  auto topics = ordered_json::array();
  if (!source.topic.empty()) topics.push_back(source.topic);
  if (source.http_ingest) {
    for (const auto& [path, route] : source.http_ingest->routes) topics.push_back(route.topic);
  }
  return topics;
}

std::string_view StoreOf(const DocumentsConfig& documents) {
  if (documents.mongodb) return "mongodb";
  return documents.dynamodb ? "dynamodb" : "firestore";
}

ordered_json ModelsOf(const refine::Graph* graph) {
  auto models = ordered_json::array();
  if (graph == nullptr) return models;
  for (const auto& node : graph->nodes()) {
    auto made_of = ordered_json::array();
    for (const auto& input : node.names) made_of.push_back(catalog::ToString(input));
    const bool view = node.model.materialized == refine::Materialized::kView;
    models.push_back({{"name", catalog::ToString(node.model.name)}, {"view", view}, {"made_of", std::move(made_of)}});
  }
  return models;
}

/// What leads where, by the configuration.
ordered_json FlowOf(const ServedParts& parts) {
  const auto& config = parts.config;
  ordered_json flow = {
      {"pipeline", config.name},         {"sources", ordered_json::array()},   {"topics", ordered_json::array()},
      {"tables", ordered_json::array()}, {"documents", ordered_json::array()}, {"models", ModelsOf(parts.graph)}};
  for (const auto& [name, source] : config.sources)
    flow["sources"].push_back({{"name", name}, {"kind", KindOf(source)}, {"topics", TopicsOf(source)}});
  for (const auto& topic : app::TopicsOf(config)) flow["topics"].push_back(topic.name);
  for (const auto& [name, table] : config.tables)
    flow["tables"].push_back({{"name", name}, {"from", table.from}, {"form", table.files ? "files" : "iceberg"}});
  for (const auto& [name, documents] : config.documents) {
    flow["documents"].push_back(
        {{"name", FeedName(name)}, {"from", FeedOf(name, documents).from}, {"store", StoreOf(documents)}});
  }
  return flow;
}

/// Server-sent events (the HTML standard's text/event-stream), one a second until the reader goes or the server drains.
io::HttpReply Subscribe(PipelineView& view, std::stop_token stopping) {
  io::HttpReply reply;
  // The second is for proxies such as nginx, which would gather what is to come at once.
  reply.headers = {{"Content-Type", "text/event-stream"}, {"X-Accel-Buffering", "no"}};
  reply.stream = [&view, stopping = std::move(stopping)](io::HttpReplyStream& out) {
    std::mutex mutex;
    std::condition_variable_any never;
    while (!stopping.stop_requested() && out.Write(fmt::format("event: status\ndata: {}\n\n", view.EventJson()))) {
      std::unique_lock lock(mutex);
      never.wait_for(lock, stopping, kEventEvery, [] { return false; });
    }
  };
  return reply;
}

ordered_json LogAfter(int64_t number) {
  auto lines = ordered_json::array();
  for (const auto& line : RecentLog::Process().After(number)) {
    lines.push_back({{"number", line.number},
                     {"at", FormatTimestamp(line.at)},
                     {"level", ToString(line.level)},
                     {"text", line.text}});
  }
  return lines;
}

}  // namespace

void AddFlowRoutes(io::HttpRoutes& routes, const ServedParts& parts) {
  routes.Add({.method = "GET", .pattern = "/api/v1/flow", .handler = [parts](io::HttpCall&) {
                return JsonOf(FlowOf(parts));
              }});
  routes.Add({.method = "GET",
              .pattern = "/api/v1/events",
              .handler = [&view = parts.view](io::HttpCall& call) { return Subscribe(view, call.stopping); },
              .in_flight_max = kSubscribersMax});
  routes.Add({.method = "GET",
              .pattern = "/api/v1/logs",
              .handler =
                  [](io::HttpCall& call) {
                    return JsonOf(LogAfter(NumberOf(call, "after", {.min = 0, .max = INT64_MAX}).value_or(0)));
                  },
              .role = kOperates});
}

void AddPipelineRoutes(io::HttpRoutes& routes, const ServedParts& parts) {
  AddFlowRoutes(routes, parts);
  AddTopicRoutes(routes, parts);
  AddTableRoutes(routes, parts);
  AddQuarantineRoutes(routes, parts);
  AddModelRoutes(routes, parts);
}

}  // namespace millrace::app
