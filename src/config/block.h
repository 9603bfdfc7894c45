#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/mark.h"
#include "config/node.h"
#include "config/problems.h"
#include "config/value_parser.h"

namespace millrace::config {

template <typename T>
struct ScalarOf {
  using Type = T;
};
template <typename T>
struct ScalarOf<std::optional<T>> {
  using Type = T;
};

/// One option, declared once: parsing, `--help`, the reference page and the JSON Schema all come from it.
template <typename T>
struct Option {
  using Scalar = typename ScalarOf<T>::Type;

  std::string name{};
  std::string doc{};
  std::optional<T> fallback = std::nullopt;  // the member's own initial value when absent
  bool required = false;
  std::optional<Scalar> min = std::nullopt;
  std::optional<Scalar> max = std::nullopt;
  std::string unit{};
};

struct BlockInfo;

/// An option without its C++ type: what descriptions are made from.
struct OptionInfo {
  enum class Shape { kValue, kBlock, kBlockMap };
  std::string name;
  std::string doc;
  std::string type;
  std::string unit;
  std::string fallback;  // printed; empty: none
  std::string min;
  std::string max;
  bool required = false;
  bool secret = false;
  Shape shape = Shape::kValue;
  std::string key_word;  // kBlockMap: what the keys are, "<topic>"
  std::shared_ptr<const BlockInfo> block;
  nlohmann::json schema;
};

struct BlockInfo {
  std::string doc;
  std::vector<OptionInfo> options;
  std::map<std::string, std::string> reserved;  // words of later versions, and what they are

  std::vector<std::string> Names() const;
};

/// Adds what is wrong with the keys themselves: unknown ones (with the nearest known) and reserved ones. False when the
/// node is no block at all.
bool CheckKeys(ParseContext& context, const Node& node, const std::string& path, const BlockInfo& info);
std::string JoinPath(const std::string& path, const std::string& key);

/// A block of options that fills an `S`. Built once, at first use, and immutable then.
template <typename S>
class Block {
 public:
  using Checker = std::function<void(const S& value, const std::string& path, ParseContext& context)>;

  explicit Block(std::string doc) : info_(std::make_shared<BlockInfo>()) { info_->doc = std::move(doc); }

  template <typename T>
  Block& Add(T S::*member, Option<T> option) {
    using Scalar = typename Option<T>::Scalar;
    OptionInfo info;
    info.name = option.name;
    info.doc = option.doc;
    info.unit = option.unit;
    info.type = ValueParser<T>::Name();
    info.schema = ValueParser<T>::Schema();
    info.required = option.required;
    info.secret = std::is_same_v<Scalar, Secret>;
    if (option.fallback) info.fallback = ValueParser<T>::Print(*option.fallback);
    if (option.min) info.min = ValueParser<Scalar>::Print(*option.min);
    if (option.max) info.max = ValueParser<Scalar>::Print(*option.max);
    info_->options.push_back(std::move(info));
    if (option.fallback) {
      defaults_.push_back([member, fallback = *option.fallback](S& value) { value.*member = fallback; });
    }
    readers_[option.name] = [member, option](S& value, const Node& node, const std::string& path,
                                             ParseContext& context) {
      auto parsed = ValueParser<T>::Parse(context, node, path);
      if (parsed && InBounds(*parsed, option, node, path, context)) value.*member = std::move(*parsed);
    };
    return *this;
  }

  /// A nested block that is always there: absent in the text means its defaults.
  template <typename Sub>
  Block& Nested(const std::string& name, Sub S::*member, const Block<Sub>& block) {
    AddBlock(name, block.info(), OptionInfo::Shape::kBlock, {});
    defaults_.push_back([member, &block](S& value) { value.*member = block.Defaults(); });
    readers_[name] = [member, &block](S& value, const Node& node, const std::string& path, ParseContext& context) {
      value.*member = block.Parse(node, path, context);
    };
    return *this;
  }

  /// A nested block that is there only when it is given.
  template <typename Sub>
  Block& Nested(const std::string& name, std::optional<Sub> S::*member, const Block<Sub>& block) {
    AddBlock(name, block.info(), OptionInfo::Shape::kBlock, {});
    readers_[name] = [member, &block](S& value, const Node& node, const std::string& path, ParseContext& context) {
      value.*member = block.Parse(node, path, context);
    };
    return *this;
  }

  template <typename Sub>
  Block& MapOf(const std::string& name, std::map<std::string, Sub> S::*member, const Block<Sub>& block,
               const std::string& key_word) {
    AddBlock(name, block.info(), OptionInfo::Shape::kBlockMap, key_word);
    readers_[name] = [member, &block](S& value, const Node& node, const std::string& path, ParseContext& context) {
      if (node.kind == NodeKind::kNull) return;
      if (node.kind != NodeKind::kMap) return AddExpected(context, node, path, "a block with one name a line");
      for (size_t i = 0; i < node.keys.size(); ++i) {
        auto sub = block.Parse(node.items[i], JoinPath(path, node.keys[i]), context);
        if constexpr (std::is_base_of_v<Located, Sub>) sub.mark = node.key_marks[i];
        (value.*member).emplace(node.keys[i], std::move(sub));
      }
    };
    return *this;
  }

  /// A word that a later version will know: said to be unsupported, not unknown.
  Block& Reserve(const std::string& name, const std::string& what) {
    info_->reserved.emplace(name, what);
    return *this;
  }

  /// Runs when the options were read without a mistake in them.
  Block& Check(Checker checker) {
    checkers_.push_back(std::move(checker));
    return *this;
  }

  /// Runs in any case, on what could be read.
  Block& CheckAlways(Checker checker) {
    always_.push_back(std::move(checker));
    return *this;
  }

  S Defaults() const {
    S value{};
    for (const auto& set : defaults_) set(value);
    return value;
  }

  S Parse(const Node& node, const std::string& path, ParseContext& context) const {
    S value = Defaults();
    const auto before = context.problems.lines().size();
    if constexpr (std::is_base_of_v<Located, S>) value.mark = node.mark;
    if (!CheckKeys(context, node, path, *info_)) return value;
    for (size_t i = 0; i < node.keys.size(); ++i) {
      const auto reader = readers_.find(node.keys[i]);
      if (reader == readers_.end()) continue;
      if constexpr (std::is_base_of_v<Located, S>) value.key_marks[node.keys[i]] = node.key_marks[i];
      reader->second(value, node.items[i], JoinPath(path, node.keys[i]), context);
    }
    if (context.problems.lines().size() == before) {
      for (const auto& check : checkers_) check(value, path, context);
    }
    for (const auto& check : always_) check(value, path, context);
    return value;
  }

  std::shared_ptr<const BlockInfo> info() const { return info_; }

 private:
  using Reader = std::function<void(S&, const Node&, const std::string&, ParseContext&)>;

  void AddBlock(const std::string& name, std::shared_ptr<const BlockInfo> block, OptionInfo::Shape shape,
                const std::string& key_word) {
    OptionInfo info;
    info.name = name;
    info.doc = block->doc;
    info.type = shape == OptionInfo::Shape::kBlock ? "block" : "block per name";
    info.shape = shape;
    info.key_word = key_word;
    info.block = std::move(block);
    info_->options.push_back(std::move(info));
  }

  template <typename T>
  static bool InBounds(const T& value, const Option<T>& option, const Node& node, const std::string& path,
                       ParseContext& context) {
    using Scalar = typename Option<T>::Scalar;
    if constexpr (requires(const Scalar& a, const Scalar& b) { a < b; }) {
      const Scalar* scalar = nullptr;
      if constexpr (std::is_same_v<T, Scalar>) {
        scalar = &value;
      } else {
        scalar = value ? &*value : nullptr;
      }
      if (scalar == nullptr) return true;
      if (option.min && *scalar < *option.min) {
        AddExpected(context, node, path, "at least " + ValueParser<Scalar>::Print(*option.min));
        return false;
      }
      if (option.max && *option.max < *scalar) {
        AddExpected(context, node, path, "at most " + ValueParser<Scalar>::Print(*option.max));
        return false;
      }
    }
    return true;
  }

  std::shared_ptr<BlockInfo> info_;
  std::map<std::string, Reader> readers_;
  std::vector<std::function<void(S&)>> defaults_;
  std::vector<Checker> checkers_;
  std::vector<Checker> always_;
};

}  // namespace millrace::config
