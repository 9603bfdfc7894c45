#pragma once

#include <map>
#include <optional>
#include <string>

#include "config/value_parser.h"
#include "event/stream.h"

namespace millrace::app {

/// `start:` of a table: earliest, latest, a time, or {partition: offset}.
struct StartConfig {
  event::Start start;
};

/// The same text for the same start: "latest", "2026-01-02T03:04:05Z", "0=100,1=200".
std::string StartText(const event::Start& start);

}  // namespace millrace::app

namespace millrace::config {

template <>
struct ValueParser<app::StartConfig> {
  static std::string Name() { return "earliest, latest, a time, or {partition: offset}"; }
  static std::optional<app::StartConfig> Parse(ParseContext& context, const Node& node, std::string_view path);
  static std::string Print(const app::StartConfig& value) { return app::StartText(value.start); }
  static nlohmann::json Schema();
};

}  // namespace millrace::config
