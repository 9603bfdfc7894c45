#include "app/http_ingest_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "app/config_checks.h"
#include "app/intake_limits.h"
#include "base/error.h"
#include "io/http_routes.h"
#include "source/json_path.h"

namespace millrace::app {
namespace {

using config::Block;

/// What the server answers itself, now or in a later version.
constexpr std::array<std::string_view, 17> kOwnPaths = {
    "api",       "metrics", "health", "connectors", "connector-plugins", "topics",   "v3",
    "subjects",  "schemas", "config", "mode",       "compatibility",     "contexts", "iceberg",
    "consumers", "brokers", "admin"};

bool IsOwn(const std::string& pattern) {
  const auto first = std::string_view(pattern).substr(1, pattern.find('/', 1) - 1);
  return first.empty() || std::find(kOwnPaths.begin(), kOwnPaths.end(), first) != kOwnPaths.end();
}

}  // namespace

const Block<HttpIngestConfig>& HttpIngestBlock() {
  static const auto block = [] {
    Block<HttpIngestConfig> ingest(
        "Events that clients send to the `server`, acknowledged when they are durable. It needs no `topic`: each route "
        "has one.");
    ingest.Add(
        &HttpIngestConfig::routes,
        {.name = "routes",
         .doc = "Path to topic. `/orders` takes GET and POST, `/somedata/{value}` takes GET. {topic: orders, key: "
                "$.customer.id} gives records the key that stands at a JSON path in them.",
         .required = true});
    AddIntakeLimits(ingest).Check(CheckHttpIngest);
    return ingest;
  }();
  return block;
}

void CheckHttpIngest(const HttpIngestConfig& ingest, const std::string& path, config::ParseContext& context) {
  for (const auto& [pattern, route] : ingest.routes) {
    const auto add = [&](std::string_view what) {
      context.problems.Add(ingest.MarkOf("routes"), fmt::format("{}.routes: '{}' {}", path, pattern, what));
    };
    if (!pattern.starts_with('/') || pattern.find_first_of("?# ") != std::string::npos) {
      add("is no path; write /name or /name/{parameter}");
    } else if (IsOwn(pattern)) {
      add("is a path of the server's own; choose another first part");
    } else {
      try {
        io::HttpRoutes().FindSame("GET", pattern);
        if (!route.key.empty()) source::JsonPath::Parse(route.key);
      } catch (const Error& error) {
        add(": " + error.message());
      }
    }
    if (!route.key.empty() && pattern.find('{') != std::string::npos) add("takes no JSON, so there is no `key` in it");
  }
}

void CheckIngestPaths(const PipelineConfig& pipeline, config::ParseContext& context) {
  io::HttpRoutes taken;
  std::map<std::string, std::string, std::less<>> sources;  // by pattern
  const auto take = [&](const std::string& name, const HttpIngestConfig& ingest, const std::string& pattern) {
    if (const auto* same = taken.FindSame("GET", pattern)) {
      context.problems.Add(ingest.MarkOf("routes"),
                           fmt::format("sources.{}.http_ingest.routes: '{}' takes what '{}' of sources.{} takes", name,
                                       pattern, same->pattern, sources[same->pattern]));
      return;
    }
    io::HttpRoute route;
    route.method = "GET";
    route.pattern = pattern;
    taken.Add(std::move(route));
    sources[pattern] = name;
  };
  for (const auto& [name, source] : pipeline.sources) {
    if (!source.http_ingest) continue;
    for (const auto& [pattern, route] : source.http_ingest->routes) {
      try {
        take(name, *source.http_ingest, pattern);
      } catch (const Error&) {  // malformed: was told where it stands
      }
    }
  }
}

source::IngestOptions IngestOptionsFor(const std::string& name, const HttpIngestConfig& config) {
  source::IngestOptions options;
  options.name = name;
  for (const auto& [pattern, route] : config.routes) {
    options.routes.push_back({pattern, route.topic, std::nullopt});
    if (!route.key.empty()) options.routes.back().key = source::JsonPath::Parse(route.key);
  }
  options.limits = LimitsFor(config);
  return options;
}

}  // namespace millrace::app

namespace millrace::config {

std::optional<app::IngestRouteConfig> ValueParser<app::IngestRouteConfig>::Parse(ParseContext& context,
                                                                                 const Node& node,
                                                                                 std::string_view path) {
  app::IngestRouteConfig route;
  bool good = node.kind == NodeKind::kScalar && !node.text.empty();
  if (good) route.topic = node.text;
  if (node.kind == NodeKind::kMap) {
    good = true;
    for (size_t i = 0; i < node.keys.size(); ++i) {
      const bool known = node.keys[i] == "topic" || node.keys[i] == "key";
      good = good && known && node.items[i].kind == NodeKind::kScalar;
      (node.keys[i] == "topic" ? route.topic : route.key) = node.items[i].text;
    }
    good = good && !route.topic.empty();
  }
  if (good) return route;
  AddExpected(context, node, path, "a topic, or {topic: name, key: a JSON path}");
  return std::nullopt;
}

nlohmann::json ValueParser<app::IngestRouteConfig>::Schema() {
  return {{"anyOf",
           {{{"type", "string"}},
            {{"type", "object"},
             {"properties", {{"topic", {{"type", "string"}}}, {"key", {{"type", "string"}}}}},
             {"required", {"topic"}},
             {"additionalProperties", false}}}}};
}

}  // namespace millrace::config
