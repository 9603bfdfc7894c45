#include "config/value_parser.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "base/bytes.h"
#include "base/nearest.h"

namespace millrace::config {
namespace {

bool IsScalar(const Node& node) { return node.kind == NodeKind::kScalar; }

/// A value that may also be a variable, as an editor sees it.
nlohmann::json OrVariable(nlohmann::json schema) {
  return {{"anyOf", {std::move(schema), {{"type", "string"}, {"pattern", "\\$\\{"}}}}};
}

std::optional<Secret> SecretFromFile(ParseContext& context, const Node& node, std::string_view path,
                                     const std::string& file_name) {
  auto file_path = std::filesystem::path(file_name);
  if (file_path.is_relative()) file_path = std::filesystem::path(node.mark.file).parent_path() / file_path;
  std::ifstream file(file_path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) {
    context.problems.Add(node.mark, fmt::format("{}: cannot read the secret's file {}", path, file_path.string()));
    return std::nullopt;
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return Secret(std::move(text));
}

}  // namespace

void AddExpected(ParseContext& context, const Node& node, std::string_view path, std::string_view what) {
  // On the command line the mark names the option already.
  const auto where = node.mark.line > 0 ? fmt::format("{}: ", path) : std::string();
  context.problems.Add(node.mark, fmt::format("{}expected {}, found {}", where, what, node.Describe()));
}

std::optional<std::string> ValueParser<std::string>::Parse(ParseContext& context, const Node& node,
                                                           std::string_view path) {
  if (IsScalar(node)) return node.text;
  AddExpected(context, node, path, "text");
  return std::nullopt;
}
nlohmann::json ValueParser<std::string>::Schema() { return {{"type", {"string", "number", "boolean"}}}; }

std::optional<int64_t> ValueParser<int64_t>::Parse(ParseContext& context, const Node& node, std::string_view path) {
  int64_t value = 0;
  if (IsScalar(node)) {
    const auto* last = node.text.data() + node.text.size();
    const auto [end, error] = std::from_chars(node.text.data(), last, value);
    if (error == std::errc() && end == last) return value;
  }
  AddExpected(context, node, path, "a whole number");
  return std::nullopt;
}
nlohmann::json ValueParser<int64_t>::Schema() { return OrVariable({{"type", "integer"}}); }

std::optional<bool> ValueParser<bool>::Parse(ParseContext& context, const Node& node, std::string_view path) {
  if (IsScalar(node) && (node.text == "true" || node.text == "false")) return node.text == "true";
  AddExpected(context, node, path, "true or false");
  return std::nullopt;
}
nlohmann::json ValueParser<bool>::Schema() { return OrVariable({{"type", "boolean"}}); }

std::optional<ByteSize> ValueParser<ByteSize>::Parse(ParseContext& context, const Node& node, std::string_view path) {
  if (IsScalar(node)) {
    const auto bytes = ParseByteSize(node.text);
    if (bytes && *bytes <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return ByteSize{static_cast<int64_t>(*bytes)};
    }
  }
  AddExpected(context, node, path, "a size such as 256MiB");
  return std::nullopt;
}

std::string ValueParser<ByteSize>::Print(ByteSize value) {
  for (const auto& [unit, shift] : {std::pair{"GiB", 30}, {"MiB", 20}, {"KiB", 10}}) {
    if (value.bytes > 0 && value.bytes % (int64_t{1} << shift) == 0)
      return fmt::format("{}{}", value.bytes >> shift, unit);
  }
  return fmt::format("{}", value.bytes);
}
nlohmann::json ValueParser<ByteSize>::Schema() {
  return {{"anyOf", {{{"type", "integer"}, {"minimum", 0}}, {{"type", "string"}}}}, {"examples", {"256MiB"}}};
}

std::optional<Duration> ValueParser<Duration>::Parse(ParseContext& context, const Node& node, std::string_view path) {
  if (IsScalar(node)) {
    if (const auto duration = ParseDuration(node.text)) return duration;
  }
  AddExpected(context, node, path, "a duration such as 500ms, 10s, 5m, 1h or 7d");
  return std::nullopt;
}
nlohmann::json ValueParser<Duration>::Schema() {
  return {{"type", "string"}, {"pattern", "^([0-9]+(ms|s|m|h|d)|.*\\$\\{.*)$"}};
}

std::optional<Share> ValueParser<Share>::Parse(ParseContext& context, const Node& node, std::string_view path) {
  if (IsScalar(node)) {
    if (const auto share = ParseShare(node.text)) return share;
  }
  AddExpected(context, node, path, "a share such as 1% or 0.01");
  return std::nullopt;
}
std::string ValueParser<Share>::Print(Share value) { return fmt::format("{:g}%", value.value * 100); }
nlohmann::json ValueParser<Share>::Schema() {
  return {{"anyOf", {{{"type", "number"}, {"minimum", 0}, {"maximum", 1}}, {{"type", "string"}}}}};
}

std::optional<Path> ValueParser<Path>::Parse(ParseContext& context, const Node& node, std::string_view path) {
  if (!IsScalar(node) || node.text.empty()) {
    AddExpected(context, node, path, "a path");
    return std::nullopt;
  }
  const std::filesystem::path given(node.text);
  if (given.is_absolute() || node.mark.line == 0 || node.text.find("://") != std::string::npos) return Path{node.text};
  return Path{(std::filesystem::path(node.mark.file).parent_path() / given).lexically_normal().string()};
}
nlohmann::json ValueParser<Path>::Schema() { return {{"type", "string"}}; }

std::optional<Secret> ValueParser<Secret>::Parse(ParseContext& context, const Node& node, std::string_view path) {
  const auto* reference = node.Find("secret");
  if (node.kind != NodeKind::kMap || node.keys.size() != 1 || reference == nullptr || !IsScalar(*reference)) {
    // What was given is not shown: it may be the secret itself.
    context.problems.Add(
        node.mark,
        fmt::format("{}: is a secret; give it as {{secret: \"env:NAME\"}} or {{secret: \"file:PATH\"}}", path));
    return std::nullopt;
  }
  if (reference->text.starts_with("env:")) {
    const auto name = reference->text.substr(4);
    if (auto value = context.environment.Get(name)) return Secret(std::move(*value));
    context.problems.Add(reference->mark, fmt::format("{}: the variable {} of this secret is not set", path, name));
    return std::nullopt;
  }
  if (reference->text.starts_with("file:")) {
    return SecretFromFile(context, *reference, path, reference->text.substr(5));
  }
  context.problems.Add(reference->mark, fmt::format("{}: a secret is env:NAME or file:PATH", path));
  return std::nullopt;
}
nlohmann::json ValueParser<Secret>::Schema() {
  return {{"type", "object"},
          {"properties", {{"secret", {{"type", "string"}, {"pattern", "^(env|file):"}}}}},
          {"required", {"secret"}},
          {"additionalProperties", false}};
}

std::string ChoiceName(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " | ")); }

std::optional<size_t> ParseChoice(ParseContext& context, const Node& node, std::string_view path,
                                  const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (IsScalar(node) && node.text == words[i]) return i;
  }
  const auto nearest = IsScalar(node) ? NearestWord(node.text, words) : std::string();
  const auto where = node.mark.line > 0 ? fmt::format("{}: ", path) : std::string();
  context.problems.Add(node.mark,
                       fmt::format("{}expected one of {}, found {}{}", where, fmt::join(words, ", "), node.Describe(),
                                   nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
  return std::nullopt;
}

}  // namespace millrace::config
