#include "config/describe.h"

#include <fmt/format.h>

#include <utility>

namespace millrace::config {
namespace {

std::string Escape(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string Bounds(const OptionInfo& option) {
  if (!option.min.empty() && !option.max.empty()) return fmt::format(" From {} to {}.", option.min, option.max);
  if (!option.min.empty()) return fmt::format(" At least {}.", option.min);
  if (!option.max.empty()) return fmt::format(" At most {}.", option.max);
  return {};
}

std::string Row(const OptionInfo& option) {
  auto type = option.type;
  if (!option.unit.empty()) type += ", " + option.unit;
  auto fallback = option.fallback.empty() ? std::string() : "`" + option.fallback + "`";
  if (option.required) fallback = "required";
  return fmt::format("| `{}` | {} | {} | {}{} |\n", option.name, Escape(type), Escape(fallback), Escape(option.doc),
                     Bounds(option));
}

void AppendBlock(std::string& out, const BlockInfo& block, const std::string& path) {
  if (!path.empty()) out += fmt::format("\n## {}\n\n{}\n", path, block.doc);
  out += "\n| option | type | default | meaning |\n|---|---|---|---|\n";
  for (const auto& option : block.options) out += Row(option);
  for (const auto& option : block.options) {
    if (option.shape == OptionInfo::Shape::kValue) continue;
    auto below = JoinPath(path, option.name);
    if (option.shape == OptionInfo::Shape::kBlockMap) below += ".<" + option.key_word + ">";
    AppendBlock(out, *option.block, below);
  }
}

nlohmann::json BlockSchema(const BlockInfo& block) {
  nlohmann::json properties = nlohmann::json::object();
  nlohmann::json required = nlohmann::json::array();
  for (const auto& option : block.options) {
    nlohmann::json schema;
    switch (option.shape) {
      case OptionInfo::Shape::kValue:
        schema = option.schema;
        break;
      case OptionInfo::Shape::kBlock:
        schema = BlockSchema(*option.block);
        break;
      case OptionInfo::Shape::kBlockMap:
        schema = {{"type", "object"}, {"additionalProperties", BlockSchema(*option.block)}};
        break;
    }
    schema["description"] = option.doc + Bounds(option);
    if (!option.fallback.empty()) schema["default"] = option.fallback;
    if (option.required) required.push_back(option.name);
    properties[option.name] = std::move(schema);
  }
  nlohmann::json schema = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

}  // namespace

std::string ReferenceMarkdown(const BlockInfo& root, const std::string& title) {
  auto out = fmt::format("# {}\n\n{}\n", title, root.doc);
  AppendBlock(out, root, "");
  return out;
}

nlohmann::json JsonSchema(const BlockInfo& root, const std::string& title) {
  auto schema = BlockSchema(root);
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = title;
  schema["description"] = root.doc;
  return schema;
}

}  // namespace millrace::config
