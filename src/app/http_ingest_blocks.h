#pragma once

#include "app/config_model.h"
#include "config/block.h"
#include "source/http_ingest/ingest_options.h"

namespace millrace::app {

/// The declarations of the options of a source that takes events over HTTP.
const config::Block<HttpIngestConfig>& HttpIngestBlock();

source::IngestOptions IngestOptionsFor(const std::string& name, const HttpIngestConfig& config);

}  // namespace millrace::app

namespace millrace::config {

/// A topic alone, or {topic: ..., key: ...}.
template <>
struct ValueParser<app::IngestRouteConfig> {
  static std::string Name() { return "topic, or {topic, key}"; }
  static std::optional<app::IngestRouteConfig> Parse(ParseContext& context, const Node& node, std::string_view path);
  static std::string Print(const app::IngestRouteConfig& value) { return value.topic; }
  static nlohmann::json Schema();
};

}  // namespace millrace::config
