#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.h"
#include "config/node.h"
#include "config/problems.h"
#include "config/value_types.h"

namespace millrace::config {

/// What reading a value needs besides its node.
struct ParseContext {
  Problems& problems;
  const Environment& environment;
};

/// Adds "path: expected <what>, found <node>".
void AddExpected(ParseContext& context, const Node& node, std::string_view path, std::string_view what);

/// How one C++ type is read from a node, named for people, printed as a default, and described to editors.
/// Parse returns nullopt after adding a problem.
template <typename T>
struct ValueParser;

template <>
struct ValueParser<std::string> {
  static std::string Name() { return "text"; }
  static std::optional<std::string> Parse(ParseContext& context, const Node& node, std::string_view path);
  static std::string Print(const std::string& value) { return value; }
  static nlohmann::json Schema();
};

template <>
struct ValueParser<int64_t> {
  static std::string Name() { return "integer"; }
  static std::optional<int64_t> Parse(ParseContext& context, const Node& node, std::string_view path);
  static std::string Print(int64_t value) { return std::to_string(value); }
  static nlohmann::json Schema();
};

template <>
struct ValueParser<bool> {
  static std::string Name() { return "true or false"; }
  static std::optional<bool> Parse(ParseContext& context, const Node& node, std::string_view path);
  static std::string Print(bool value) { return value ? "true" : "false"; }
  static nlohmann::json Schema();
};

template <>
struct ValueParser<ByteSize> {
  static std::string Name() { return "size"; }
  static std::optional<ByteSize> Parse(ParseContext& context, const Node& node, std::string_view path);
  static std::string Print(ByteSize value);
  static nlohmann::json Schema();
};

template <>
struct ValueParser<Duration> {
  static std::string Name() { return "duration"; }
  static std::optional<Duration> Parse(ParseContext& context, const Node& node, std::string_view path);
  static std::string Print(Duration value) { return FormatDuration(value); }
  static nlohmann::json Schema();
};

template <>
struct ValueParser<Share> {
  static std::string Name() { return "share"; }
  static std::optional<Share> Parse(ParseContext& context, const Node& node, std::string_view path);
  static std::string Print(Share value);
  static nlohmann::json Schema();
};

template <>
struct ValueParser<Path> {
  static std::string Name() { return "path"; }
  static std::optional<Path> Parse(ParseContext& context, const Node& node, std::string_view path);
  static std::string Print(const Path& value) { return value.value; }
  static nlohmann::json Schema();
};

template <>
struct ValueParser<Secret> {
  static std::string Name() { return "secret"; }
  static std::optional<Secret> Parse(ParseContext& context, const Node& node, std::string_view path);
  static std::string Print(const Secret&) { return {}; }
  static nlohmann::json Schema();
};

/// The words of an enum: specialise with `static constexpr std::array<std::pair<std::string_view, E>, N> kWords`.
template <typename E>
struct Choices;

std::string ChoiceName(const std::vector<std::string>& words);
/// The index of the node's word; nullopt after adding a problem that names the nearest.
std::optional<size_t> ParseChoice(ParseContext& context, const Node& node, std::string_view path,
                                  const std::vector<std::string>& words);

template <typename E>
  requires requires { Choices<E>::kWords; }
struct ValueParser<E> {
  static std::vector<std::string> Words() {
    std::vector<std::string> words;
    for (const auto& [word, value] : Choices<E>::kWords) words.emplace_back(word);
    return words;
  }
  static std::string Name() { return ChoiceName(Words()); }
  static std::optional<E> Parse(ParseContext& context, const Node& node, std::string_view path) {
    const auto index = ParseChoice(context, node, path, Words());
    if (!index) return std::nullopt;
    return Choices<E>::kWords[*index].second;
  }
  static std::string Print(E value) {
    for (const auto& [word, known] : Choices<E>::kWords) {
      if (known == value) return std::string(word);
    }
    return {};
  }
  static nlohmann::json Schema() { return {{"enum", Words()}}; }
};

template <typename T>
struct ValueParser<std::optional<T>> {
  static std::string Name() { return ValueParser<T>::Name(); }
  static std::optional<std::optional<T>> Parse(ParseContext& context, const Node& node, std::string_view path) {
    auto value = ValueParser<T>::Parse(context, node, path);
    if (!value) return std::nullopt;
    return value;
  }
  static std::string Print(const std::optional<T>& value) { return value ? ValueParser<T>::Print(*value) : ""; }
  static nlohmann::json Schema() { return ValueParser<T>::Schema(); }
};

/// A list; one value alone stands for a list of one.
template <typename T>
struct ValueParser<std::vector<T>> {
  static std::string Name() { return "list of " + ValueParser<T>::Name(); }
  static std::optional<std::vector<T>> Parse(ParseContext& context, const Node& node, std::string_view path) {
    std::vector<T> values;
    if (node.kind != NodeKind::kList) {
      auto one = ValueParser<T>::Parse(context, node, path);
      if (!one) return std::nullopt;
      values.push_back(std::move(*one));
      return values;
    }
    bool good = true;
    for (size_t i = 0; i < node.items.size(); ++i) {
      auto one = ValueParser<T>::Parse(context, node.items[i], std::string(path) + "[" + std::to_string(i) + "]");
      if (one) {
        values.push_back(std::move(*one));
      } else {
        good = false;
      }
    }
    if (!good) return std::nullopt;
    return values;
  }
  static std::string Print(const std::vector<T>& values) {
    std::string text = "[";
    for (const auto& value : values) text += (text.size() > 1 ? ", " : "") + ValueParser<T>::Print(value);
    return text + "]";
  }
  static nlohmann::json Schema() {
    const auto one = ValueParser<T>::Schema();
    return {{"anyOf", {one, {{"type", "array"}, {"items", one}}}}};
  }
};

template <typename T>
struct ValueParser<std::map<std::string, T>> {
  static std::string Name() { return "map of " + ValueParser<T>::Name(); }
  static std::optional<std::map<std::string, T>> Parse(ParseContext& context, const Node& node, std::string_view path) {
    if (node.kind != NodeKind::kMap) {
      AddExpected(context, node, path, "a block of 'name: value' lines");
      return std::nullopt;
    }
    std::map<std::string, T> values;
    bool good = true;
    for (size_t i = 0; i < node.keys.size(); ++i) {
      auto one = ValueParser<T>::Parse(context, node.items[i], std::string(path) + "." + node.keys[i]);
      good = good && one.has_value();
      if (one) values.emplace(node.keys[i], std::move(*one));
    }
    if (!good) return std::nullopt;
    return values;
  }
  static std::string Print(const std::map<std::string, T>& values) {
    std::string text = "{";
    for (const auto& [key, value] : values) {
      text += (text.size() > 1 ? ", " : "") + key + ": " + ValueParser<T>::Print(value);
    }
    return text + "}";
  }
  static nlohmann::json Schema() { return {{"type", "object"}, {"additionalProperties", ValueParser<T>::Schema()}}; }
};

}  // namespace millrace::config
