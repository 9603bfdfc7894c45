#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/mark.h"

namespace millrace::config {

enum class NodeKind { kNull, kScalar, kList, kMap };

/// One value of a configuration document, with its place. A plain tree: small, copied freely.
struct Node {
  NodeKind kind = NodeKind::kNull;
  Mark mark;
  std::string text;               // scalar
  std::vector<Node> items;        // list: its items; map: its values
  std::vector<std::string> keys;  // map, beside `items`
  std::vector<Mark> key_marks;

  static Node Scalar(std::string text, Mark mark);
  /// Null when it is no map or has no such key.
  const Node* Find(std::string_view key) const;
  /// "a list", "a map", "'text'": for messages.
  std::string Describe() const;
};

/// `over` on top of `base`: maps merge key by key, anything else replaces what was there.
void MergeInto(Node& base, Node over);

}  // namespace millrace::config
