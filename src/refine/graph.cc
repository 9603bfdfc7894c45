#include "refine/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "base/error.h"
#include "refine/expectation_results.h"
#include "refine/same_name.h"

namespace millrace::refine {
namespace {

using catalog::TableName;

template <typename List>
auto FindName(List& nodes, const TableName& name) {
  return std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return SameName(node.model.name, name); });
}

/// Puts each model behind those that it names, depth first.
class Sorter {
 public:
  explicit Sorter(std::vector<Node> nodes) : nodes_(std::move(nodes)) {}

  std::vector<Node> Sorted() && {
    for (const auto& node : nodes_) Visit(node);
    return std::move(sorted_);
  }

 private:
  void Visit(const Node& node) {
    const auto open = std::find_if(path_.begin(), path_.end(), [&](const Node* above) { return above == &node; });
    if (open != path_.end()) {
      std::string circle;
      for (auto step = open; step != path_.end(); ++step) circle += ToString((*step)->model.name) + " -> ";
      throw Error(ErrorCode::kConfig, fmt::format("{}:1: models are made of each other in a circle: {}{}",
                                                  node.model.file.string(), circle, ToString(node.model.name)));
    }
    if (FindName(sorted_, node.model.name) != sorted_.end()) return;
    path_.push_back(&node);
    for (const auto& name : node.names) {
      const auto below = FindName(nodes_, name);
      if (below != nodes_.end()) Visit(*below);
    }
    path_.pop_back();
    sorted_.push_back(node);
  }

  const std::vector<Node> nodes_;
  std::vector<const Node*> path_;
  std::vector<Node> sorted_;
};

/// Finds the tables behind the names of `node`, views opened. Models it names come before it.
void OpenViews(Node& node, const std::vector<Node>& before) {
  auto& inputs = node.inputs;
  const auto add = [&](const TableName& name) {
    if (std::none_of(inputs.begin(), inputs.end(), [&](const TableName& other) { return SameName(other, name); }))
      inputs.push_back(name);
  };
  for (const auto& name : node.names) {
    const auto model = FindName(before, name);
    if (model == before.end()) {
      add(name);
    } else if (model->model.materialized == Materialized::kView) {
      for (const auto& below : model->inputs) add(below);
      node.opened += model->model.sql + model->opened;
      if (model->model.spark_sql) node.opened += model->model.spark_sql->sql;
    } else {
      add(model->model.name);
    }
  }
}

void CheckOver(const Node& node) {
  const auto& over = node.model.over;
  if (!over) return;
  if (std::any_of(node.inputs.begin(), node.inputs.end(),
                  [&](const TableName& input) { return SameName(input, *over); }))
    return;
  throw Error(ErrorCode::kConfig, fmt::format("{}:1: `over: {}` is no table that this model reads; it reads {}",
                                              node.model.file.string(), ToString(*over), [&] {
                                                std::string inputs;
                                                for (const auto& input : node.inputs)
                                                  inputs += (inputs.empty() ? "" : ", ") + ToString(input);
                                                return inputs.empty() ? std::string("none") : inputs;
                                              }()));
}

/// Which partitions new rows are of is asked of the model itself, over those rows alone, unless its header says it.
void CheckTouched(const Node& node, const std::vector<Node>& before, query::Engine& engine) {
  const auto& model = node.model;
  if (model.strategy != Strategy::kReplacePartitions || !model.touched_by.empty()) return;
  int times = 0;
  auto why = engine.WhyNotApart(model.sql, *model.over, times);
  std::vector<TableName> names = node.names;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto below = FindName(before, names[i]);
    if (below == before.end() || below->model.materialized != Materialized::kView) continue;
    const auto of_view = engine.WhyNotApart(below->model.sql, *model.over, times);
    if (!why) why = of_view;
    names.insert(names.end(), below->names.begin(), below->names.end());
  }
  if (!why && times > 1) why = fmt::format("{} {} times", ToString(*model.over), times);
  if (!why) return;
  throw Error(ErrorCode::kConfig,
              fmt::format("{}:{}: its SQL has {}, so that new rows alone do not show which partitions they are of; say "
                          "it by `touched_by: {{day: date_trunc('day', ts)}}`, of each column that partitions are "
                          "replaced by, over a row of {}",
                          model.file.string(), model.strategy_line, *why, ToString(*model.over)));
}

/// What a run finds is written where the model would find it again: it would never come to rest.
void CheckResults(Node& node, const std::vector<Node>& before) {
  node.reads_results = std::any_of(node.inputs.begin(), node.inputs.end(), [&](const TableName& input) {
    const auto model = FindName(before, input);
    return SameName(input, ExpectationResultsName()) || (model != before.end() && model->reads_results);
  });
  if (!node.reads_results || (node.model.expectations.empty() && node.model.table_expectations.empty())) return;
  throw Error(
      ErrorCode::kConfig,
      fmt::format("{}:1: {} is made of {}, which each of its runs writes when it has expectations; take `expect:` "
                  "out, or read something else",
                  node.model.file.string(), ToString(node.model.name), ToString(ExpectationResultsName())));
}

}  // namespace

Graph::Graph(std::vector<Model> models, query::Engine& engine) {
  std::vector<Node> nodes;
  for (auto& model : models) {
    Node node;
    node.names = [&] {
      try {
        return engine.TablesIn(model.sql);
      } catch (const Error& error) {
        throw Error(ErrorCode::kConfig, fmt::format("{}: {}", model.file.string(), error.message()));
      }
    }();
    node.model = std::move(model);
    nodes.push_back(std::move(node));
  }
  for (auto& node : Sorter(std::move(nodes)).Sorted()) {
    OpenViews(node, nodes_);
    CheckOver(node);
    CheckTouched(node, nodes_, engine);
    CheckResults(node, nodes_);
    if (node.model.materialized == Materialized::kView) views_.emplace(node.model.name, node.model.sql);
    nodes_.push_back(std::move(node));
  }
}

const Node* Graph::Find(const TableName& name) const {
  const auto found = FindName(nodes_, name);
  return found == nodes_.end() ? nullptr : &*found;
}

}  // namespace millrace::refine
