#include "config/node.h"

#include <utility>

namespace millrace::config {

Node Node::Scalar(std::string text, Mark mark) {
  Node node;
  node.kind = NodeKind::kScalar;
  node.text = std::move(text);
  node.mark = std::move(mark);
  return node;
}

const Node* Node::Find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

std::string Node::Describe() const {
  switch (kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kScalar:
      return "'" + text.substr(0, 80) + "'";
    case NodeKind::kList:
      return "a list";
    case NodeKind::kMap:
      return "a block";
  }
  return "nothing";
}

void MergeInto(Node& base, Node over) {
  if (base.kind == NodeKind::kNull) {
    base = std::move(over);
    return;
  }
  if (over.kind == NodeKind::kNull) return;
  if (base.kind != NodeKind::kMap || over.kind != NodeKind::kMap) {
    base = std::move(over);
    return;
  }
  for (size_t i = 0; i < over.keys.size(); ++i) {
    size_t at = 0;
    while (at < base.keys.size() && base.keys[at] != over.keys[i]) ++at;
    if (at < base.keys.size()) {
      MergeInto(base.items[at], std::move(over.items[i]));
      base.key_marks[at] = over.key_marks[i];
      continue;
    }
    base.keys.push_back(over.keys[i]);
    base.key_marks.push_back(over.key_marks[i]);
    base.items.push_back(std::move(over.items[i]));
  }
}

}  // namespace millrace::config
