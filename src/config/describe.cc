#include "config/describe.h"

#include <fmt/format.h>

#include <cctype>
#include <string_view>
#include <utility>

namespace millrace::config {
namespace {

constexpr std::string_view kValues = R"(
<!-- Written by `./dev docs` from the declarations in the code. -->

| type | what is written |
|---|---|
| text, integer, true or false | as in YAML |
| a \| b \| c | one of these words |
| size | bytes, or with a unit: `64KiB`, `256MiB`, `1GiB` |
| duration | a whole number with a unit: `500ms`, `10s`, `5m`, `1h`, `7d` |
| share | `1%` or `0.01` |
| path | absolute, or relative to the file it is written in |
| secret | `{secret: "env:NAME"}` or `{secret: "file:PATH"}`, never the text itself |
| list of ... | `[a, b]`; one value alone needs no brackets |
| block | options of its own, further down this page |
| block per name | a name of yours for each, and a block below it |

Every value may hold `${NAME}` or `${NAME:-default}`, from the environment or from a `.env` file beside this one; `$${` stands for the
characters themselves. An unknown option is an error with its file and line.
)";

/// Text for a cell of a table. Between backticks only a bar means something there; elsewhere `<` would begin HTML and
/// `*` emphasis.
std::string Escape(std::string_view text) {
  std::string out;
  bool code = false;
  for (const char c : text) {
    if (c == '`') code = !code;
    if (c == '|' || (!code && (c == '<' || c == '*'))) out += '\\';
    out += c;
  }
  return out;
}

std::string PathOfBlock(const std::string& path, const OptionInfo& option) {
  auto below = JoinPath(path, option.name);
  if (option.shape == OptionInfo::Shape::kBlockMap) below += ".<" + option.key_word + ">";
  return below;
}

/// The link target that GitHub makes of a heading: letters, digits, dashes and underscores, in lower case.
std::string Anchor(std::string_view heading) {
  std::string out;
  for (const char c : heading) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

std::string Bounds(const OptionInfo& option) {
  if (!option.min.empty() && !option.max.empty()) return fmt::format(" From {} to {}.", option.min, option.max);
  if (!option.min.empty()) return fmt::format(" At least {}.", option.min);
  if (!option.max.empty()) return fmt::format(" At most {}.", option.max);
  return {};
}

std::string Row(const OptionInfo& option, const std::string& path) {
  auto name = "`" + option.name + "`";
  if (option.block) name = fmt::format("[{}](#{})", name, Anchor(PathOfBlock(path, option)));
  auto type = option.type;
  if (!option.unit.empty()) type += ", " + option.unit;
  auto fallback = option.fallback.empty() ? std::string() : "`" + option.fallback + "`";
  if (option.required) fallback = "required";
  return fmt::format("| {} | {} | {} | {}{} |\n", name, Escape(type), Escape(fallback), Escape(option.doc),
                     Bounds(option));
}

void AppendBlock(std::string& out, const BlockInfo& block, const std::string& path) {
  out += fmt::format("\n## {}\n\n{}\n", path.empty() ? "The file" : "`" + path + "`", Escape(block.doc));
  out += "\n| option | type | default | meaning |\n|---|---|---|---|\n";
  for (const auto& option : block.options) out += Row(option, path);
  for (const auto& option : block.options) {
    if (option.block) AppendBlock(out, *option.block, PathOfBlock(path, option));
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
  auto out = fmt::format("# {}\n{}", title, kValues);
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
