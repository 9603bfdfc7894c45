#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "base/error.h"

namespace millrace::config {
namespace {

constexpr size_t kNodesMax = 100'000;

/// Builds the tree from the parser's events: unlike YAML::Node it sees every key, also one given twice.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string file, Problems& problems) : file_(std::move(file)), problems_(problems) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.mark = At(mark);
    Take(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Error(ErrorCode::kConfig, fmt::format("{}: an alias refers to itself", ToString(At(mark))));
    }
    Count(Size(found->second), mark);
    Take(found->second, YAML::NullAnchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool plain = tag == "?";
    auto node = Node::Scalar(value, At(mark));
    if (plain && (value == "null" || value == "~" || value.empty())) node.kind = NodeKind::kNull;
    Count(1, mark);
    Take(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(NodeKind::kList, mark, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(NodeKind::kMap, mark, anchor);
  }
  void OnMapEnd() override { Close(); }

  Node TakeRoot() { return std::move(root_); }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool key_read = false;
    bool duplicate = false;
  };

  Mark At(const YAML::Mark& mark) const { return {file_, mark.line + 1}; }

  void Count(size_t nodes, const YAML::Mark& mark) {
    count_ += nodes;
    if (count_ > kNodesMax) {
      throw Error(ErrorCode::kConfig, fmt::format("{}: more than {} values in one file; is this a configuration?",
                                                  ToString(At(mark)), kNodesMax));
    }
  }

  static size_t Size(const Node& node) {
    size_t size = 1;
    for (const auto& item : node.items) size += Size(item);
    return size;
  }

  void Open(NodeKind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    Count(1, mark);
    Frame frame;
    frame.node.kind = kind;
    frame.node.mark = At(mark);
    frame.anchor = anchor;
    stack_.push_back(std::move(frame));
  }

  void Close() {
    auto frame = std::move(stack_.back());
    stack_.pop_back();
    Take(std::move(frame.node), frame.anchor);
  }

  /// Puts a finished node where it belongs: document, list item, map key or map value.
  void Take(Node node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    if (stack_.empty()) {
      root_ = std::move(node);
    } else if (stack_.back().node.kind == NodeKind::kList) {
      stack_.back().node.items.push_back(std::move(node));
    } else if (!stack_.back().key_read) {
      TakeKey(stack_.back(), node);
    } else {
      TakeValue(stack_.back(), std::move(node));
    }
  }

  void TakeKey(Frame& map, const Node& key) {
    map.key_read = true;
    map.duplicate = false;
    if (key.kind == NodeKind::kList || key.kind == NodeKind::kMap) {
      problems_.Add(key.mark, fmt::format("a key must be a word, found {}", key.Describe()));
    }
    for (size_t i = 0; i < map.node.keys.size(); ++i) {
      if (map.node.keys[i] != key.text) continue;
      map.duplicate = true;
      problems_.Add(key.mark,
                    fmt::format("'{}' is given twice; the first is on line {}", key.text, map.node.key_marks[i].line));
    }
    pending_.push_back({key.text, key.mark});
  }

  void TakeValue(Frame& map, Node value) {
    auto [key, mark] = std::move(pending_.back());
    pending_.pop_back();
    map.key_read = false;
    if (map.duplicate) return;
    if (value.kind == NodeKind::kNull) value.mark = mark;
    map.node.keys.push_back(std::move(key));
    map.node.key_marks.push_back(std::move(mark));
    map.node.items.push_back(std::move(value));
  }

  std::string file_;
  Problems& problems_;
  std::vector<Frame> stack_;
  std::vector<std::pair<std::string, Mark>> pending_;  // keys whose value is still to come, innermost last
  std::map<YAML::anchor_t, Node> anchors_;
  Node root_;
  size_t count_ = 0;
};

}  // namespace

Node ParseYaml(const std::string& text, const std::string& file, Problems& problems) {
  TreeBuilder builder(file, problems);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder)) {
      TreeBuilder second(file, problems);
      if (parser.HandleNextDocument(second)) {
        problems.Add({file, 1}, "holds more than one YAML document; keep one a file");
      }
    }
  } catch (const YAML::Exception& error) {
    problems.Add({file, error.mark.line + 1}, fmt::format("is not YAML: {}", error.msg));
    Node nothing;
    nothing.mark = {file, 1};
    return nothing;
  }
  auto root = builder.TakeRoot();
  if (root.mark.file.empty()) root.mark = {file, 1};
  return root;
}

}  // namespace millrace::config
