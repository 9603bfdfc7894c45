#include "refine/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/nearest.h"

namespace millrace::refine {
namespace {

using Names = std::set<catalog::TableName>;

constexpr std::string_view kTag = "tag:";

/// What one word means without its plus signs.
Names Meant(const Graph& graph, const std::string& word) {
  Names names;
  std::vector<std::string> known;
  const bool tag = word.starts_with(kTag);
  for (const auto& node : graph.nodes()) {
    if (!tag) {
      known.push_back(ToString(node.model.name));
      continue;
    }
    for (const auto& name : node.model.tags) {
      known.emplace_back(fmt::format("{}{}", kTag, name));
      if (known.back() == word) names.insert(node.model.name);
    }
  }
  if (!tag) {
    if (const auto* node = graph.Find(catalog::ParseTableName(word))) names.insert(node->model.name);
  }
  if (names.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("no model is meant by '{}'{}", word, Suggest(word, known)));
  }
  return names;
}

/// The models that a node's SQL names.
Names Below(const Graph& graph, const Node& node) {
  Names below;
  for (const auto& name : node.names) {
    if (const auto* model = graph.Find(name)) below.insert(model->model.name);
  }
  return below;
}

/// Nodes stand behind what they are made of: one pass each way is enough.
void AddBefore(const Graph& graph, Names& names) {
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (names.contains(node->model.name)) names.merge(Below(graph, *node));
  }
}

void AddAfter(const Graph& graph, Names& names) {
  for (const auto& node : graph.nodes()) {
    const auto below = Below(graph, node);
    if (std::ranges::any_of(below, [&](const auto& name) { return names.contains(name); })) {
      names.insert(node.model.name);
    }
  }
}

}  // namespace

std::vector<catalog::TableName> Select(const Graph& graph, const std::vector<std::string>& words) {
  Names chosen;
  for (const auto& word : words) {
    const bool before = word.starts_with('+');
    const bool after = word.size() > 1 && word.ends_with('+');
    const auto meant = Meant(graph, word.substr(before ? 1 : 0, word.size() - (before ? 1 : 0) - (after ? 1 : 0)));
    auto upstream = meant;
    auto downstream = meant;
    if (before) AddBefore(graph, upstream);
    if (after) AddAfter(graph, downstream);
    chosen.merge(upstream);
    chosen.merge(downstream);
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace millrace::refine
