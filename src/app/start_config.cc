#include "app/start_config.h"

#include <fmt/format.h>

#include <charconv>

namespace millrace::app {

std::string StartText(const event::Start& start) {
  switch (start.at) {
    case event::Start::At::kEarliest:
      return "earliest";
    case event::Start::At::kLatest:
      return "latest";
    case event::Start::At::kTime:
      return FormatTimestamp(start.time);
    case event::Start::At::kOffsets:
      break;
  }
  std::string text;
  for (const auto& [partition, offset] : start.offsets)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", partition, offset);
  return text;
}

}  // namespace millrace::app

namespace millrace::config {
namespace {

template <typename Number>
std::optional<Number> NumberOf(const std::string& text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::optional<event::Start> OffsetsOf(const Node& node) {
  event::Start start;
  start.at = event::Start::At::kOffsets;
  for (size_t i = 0; i < node.keys.size(); ++i) {
    const auto partition = NumberOf<int32_t>(node.keys[i]);
    const auto offset = node.items[i].kind == NodeKind::kScalar ? NumberOf<int64_t>(node.items[i].text) : std::nullopt;
    if (!partition || !offset) return std::nullopt;
    start.offsets[*partition] = *offset;
  }
  return start.offsets.empty() ? std::nullopt : std::optional(start);
}

std::optional<event::Start> StartOf(const Node& node) {
  if (node.kind == NodeKind::kMap) return OffsetsOf(node);
  if (node.kind != NodeKind::kScalar) return std::nullopt;
  event::Start start;
  if (node.text == "earliest") return start;
  start.at = event::Start::At::kLatest;
  if (node.text == "latest") return start;
  const auto time = ParseTimestamp(node.text);
  if (!time) return std::nullopt;
  start.at = event::Start::At::kTime;
  start.time = *time;
  return start;
}

}  // namespace

std::optional<app::StartConfig> ValueParser<app::StartConfig>::Parse(ParseContext& context, const Node& node,
                                                                     std::string_view path) {
  if (auto start = StartOf(node)) return app::StartConfig{*std::move(start)};
  AddExpected(context, node, path,
              "earliest, latest, a time such as 2026-01-31T00:00:00Z, or offsets such as {0: 1500, 1: 1498}");
  return std::nullopt;
}

nlohmann::json ValueParser<app::StartConfig>::Schema() {
  return {{"anyOf",
           {{{"enum", {"earliest", "latest"}}},
            {{"type", "string"}, {"format", "date-time"}},
            {{"type", "object"}, {"additionalProperties", {{"type", "integer"}, {"minimum", 0}}}}}}};
}

}  // namespace millrace::config
