#pragma once

#include <map>
#include <string>
#include <vector>

#include "query/engine.h"
#include "refine/model.h"

namespace millrace::refine {

/// A model and what it is made of.
struct Node {
  Model model;
  std::vector<catalog::TableName> names;   // tables and views that its SQL names
  std::vector<catalog::TableName> inputs;  // tables alone, views opened: what a run reads
  std::string opened;                      // the SQL of those views
  bool reads_results = false;              // of expectations, itself or by what it is made of
};

/// The models of a lake, each after those it is made of.
class Graph {
 public:
  /// Reads the dependencies out of the SQL. Error kConfig for a circle, which it names, for SQL that does not parse,
  /// for an `over` that the model does not read or that is a view, and for expectations of what is made of their
  /// results.
  Graph(std::vector<Model> models, query::Engine& engine);

  const std::vector<Node>& nodes() const { return nodes_; }
  /// SQL of every view, for QueryOptions.
  const std::map<catalog::TableName, std::string>& views() const { return views_; }
  /// Null when there is none.
  const Node* Find(const catalog::TableName& name) const;

 private:
  std::vector<Node> nodes_;
  std::map<catalog::TableName, std::string> views_;
};

}  // namespace millrace::refine
