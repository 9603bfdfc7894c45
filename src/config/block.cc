#include "config/block.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"

namespace millrace::config {

std::vector<std::string> BlockInfo::Names() const {
  std::vector<std::string> names;
  for (const auto& option : options) names.push_back(option.name);
  return names;
}

std::string JoinPath(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

bool CheckKeys(ParseContext& context, const Node& node, const std::string& path, const BlockInfo& info) {
  const auto where = path.empty() ? std::string() : path + ": ";
  if (node.kind != NodeKind::kMap && node.kind != NodeKind::kNull) {
    context.problems.Add(node.mark,
                         fmt::format("{}expected a block of 'key: value' lines, found {}", where, node.Describe()));
    return false;
  }
  const auto names = info.Names();
  for (size_t i = 0; i < node.keys.size(); ++i) {
    const auto& key = node.keys[i];
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    const auto reserved = info.reserved.find(key);
    if (reserved != info.reserved.end()) {
      context.problems.Add(node.key_marks[i], fmt::format("{}'{}' ({}) is not supported by this version of millrace",
                                                          where, key, reserved->second));
    } else {
      context.problems.Add(node.key_marks[i], fmt::format("{}unknown key '{}'{}", where, key, Suggest(key, names)));
    }
  }
  for (const auto& option : info.options) {
    if (option.required && node.Find(option.name) == nullptr) {
      context.problems.Add(node.mark, fmt::format("{}'{}' is missing: {}", where, option.name, option.doc));
    }
  }
  return true;
}

}  // namespace millrace::config
