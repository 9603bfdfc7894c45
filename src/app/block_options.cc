#include "app/block_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/error.h"

namespace millrace::app {
namespace {

std::string FlagOf(const std::string& prefix, const std::string& name) {
  std::string flag = "--" + prefix + name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

config::Node& MapNode(config::Node& node) {
  node.kind = config::NodeKind::kMap;
  if (node.mark.file.empty()) node.mark.file = "command line";
  return node;
}

config::Node& Child(config::Node& node, const std::string& name, const std::string& shown_as) {
  MapNode(node);
  const auto found = std::find(node.keys.begin(), node.keys.end(), name);
  if (found != node.keys.end()) return node.items[static_cast<size_t>(found - node.keys.begin())];
  node.keys.push_back(name);
  node.key_marks.push_back({shown_as, 0});
  node.items.emplace_back().mark = {shown_as, 0};
  return node.items.back();
}

/// "key=value" given once or more becomes a map; several values become a list.
void Fill(config::Node& node, const config::OptionInfo& option, const std::vector<std::string>& values) {
  if (option.type.starts_with("map of")) {
    for (const auto& value : values) {
      const auto equals = value.find('=');
      if (equals == std::string::npos) {
        throw Error(ErrorCode::kUsage, fmt::format("{} takes name=value, not '{}'", node.mark.file, value));
      }
      SetOption(node, value.substr(0, equals), value.substr(equals + 1), node.mark.file);
    }
    return;
  }
  if (values.size() == 1) {
    node = config::Node::Scalar(values.front(), node.mark);
    return;
  }
  node.kind = config::NodeKind::kList;
  for (const auto& value : values) node.items.push_back(config::Node::Scalar(value, node.mark));
}

std::string HelpOf(const config::OptionInfo& option) {
  auto help = option.doc;
  if (!option.fallback.empty()) help += fmt::format(" [{}]", option.fallback);
  return help;
}

void AddOne(CLI::App& verb, const config::OptionInfo& option, const std::string& prefix,
            const std::function<config::Node&()>& parent) {
  const auto flag = FlagOf(prefix, option.name);
  if (option.type == "true or false") {
    verb.add_flag_function(
        flag, [=](int64_t) { SetOption(parent(), option.name, "true", flag); }, HelpOf(option));
    return;
  }
  auto* added = verb.add_option_function<std::vector<std::string>>(
      flag, [=](const std::vector<std::string>& values) { Fill(Child(parent(), option.name, flag), option, values); },
      HelpOf(option));
  added->type_name(option.type)->allow_extra_args(false);
  const bool several = option.type.starts_with("map of") || option.type.starts_with("list of");
  if (!several) added->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

}  // namespace

void AddBlockOptions(CLI::App& verb, const config::BlockInfo& block, config::Node& node,
                     const std::set<std::string>& skip) {
  for (const auto& option : block.options) {
    if (skip.contains(option.name)) continue;
    if (option.shape == config::OptionInfo::Shape::kValue) {
      AddOne(verb, option, "", [&node]() -> config::Node& { return node; });
      continue;
    }
    if (option.shape != config::OptionInfo::Shape::kBlock) continue;
    for (const auto& inner : option.block->options) {
      AddOne(verb, inner, option.name + "_",
             [&node, name = option.name]() -> config::Node& { return MapNode(Child(node, name, "--" + name)); });
    }
  }
}

void SetOption(config::Node& node, const std::string& name, const std::string& value, const std::string& shown_as) {
  auto& child = Child(node, name, shown_as);
  child = config::Node::Scalar(value, {shown_as, 0});
}

void ThrowUsage(const config::Problems& problems) {
  throw Error(ErrorCode::kUsage, fmt::format("{}", fmt::join(problems.lines(), "; ")));
}

}  // namespace millrace::app
