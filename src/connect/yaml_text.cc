#include "connect/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/letter_case.h"

namespace millrace::connect {
namespace {

constexpr std::string_view kEnv = "${env:";
constexpr std::string_view kDirectory = "${directory:";

/// As our configuration writes it.
std::string Rewritten(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with(kEnv)) {
      out += "${";
      at += kEnv.size();
    } else if (text.substr(at).starts_with("${")) {
      out += "$${";
      at += 2;
    } else {
      out += text[at++];
    }
  }
  return out;
}

bool IsPlain(std::string_view text) {
  static constexpr std::array kWords{"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  if (text.empty() || (std::isalpha(static_cast<unsigned char>(text.front())) == 0)) return false;
  if (std::ranges::any_of(kWords, [&](std::string_view word) { return SameInAnyCase(word, text); })) return false;
  return std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.'; });
}

std::string Scalar(const Tree& value) {
  if (!value.is_string()) return value.dump();
  const auto text = Rewritten(value.get<std::string>());
  return IsPlain(text) ? text : nlohmann::json(text).dump();
}

bool IsFlat(const Tree& value) {
  return std::ranges::none_of(value, [](const Tree& item) { return item.is_structured(); });
}

std::string Key(const std::string& key) { return IsPlain(key) ? key : nlohmann::json(key).dump(); }

std::string Flow(const Tree& value) {
  std::string text;
  if (value.is_array()) {
    for (const auto& item : value) text += (text.empty() ? "" : ", ") + Scalar(item);
    return "[" + text + "]";
  }
  for (const auto& [key, item] : value.items()) text += (text.empty() ? "" : ", ") + Key(key) + ": " + Scalar(item);
  return text.empty() ? "{}" : "{ " + text + " }";
}

void Write(const Tree& tree, const std::string& indent, std::string& out) {
  for (const auto& [key, value] : tree.items()) {
    out += indent + Key(key) + ":";
    if (!value.is_structured()) {
      out += " " + Scalar(value) + "\n";
    } else if (value.is_array() || (IsFlat(value) && value.size() < 2)) {
      out += " " + Flow(value) + "\n";
    } else {
      out += "\n";
      Write(value, indent + "  ", out);
    }
  }
}

std::string Variable(const std::string& connector, const std::string& property) {
  auto name = "CONNECT_" + connector + "_" + property;
  std::ranges::transform(name, name.begin(), [](unsigned char c) {
    return std::isalnum(c) != 0 ? static_cast<char>(std::toupper(c)) : '_';
  });
  return name;
}

/// What stands between the words of a reference that is the whole value; empty: it is none.
std::string_view Inside(std::string_view value, std::string_view begin) {
  if (!value.starts_with(begin) || value.find('}') != value.size() - 1) return {};
  return value.substr(begin.size(), value.size() - begin.size() - 1);
}

}  // namespace

std::string YamlText(const Tree& tree) {
  std::string out;
  Write(tree, "", out);
  return out;
}

Tree SecretOf(const std::string& connector, const std::string& property, const std::string& value,
              std::map<std::string, std::string>& secrets) {
  if (const auto name = Inside(value, kEnv); !name.empty()) return {{"secret", "env:" + std::string(name)}};
  if (auto path = std::string(Inside(value, kDirectory)); !path.empty()) {
    std::ranges::replace(path, ':', '/');
    return {{"secret", "file:" + path}};
  }
  const auto variable = Variable(connector, property);
  secrets[variable] = value;
  return {{"secret", "env:" + variable}};
}

std::string ProviderFault(const std::string& value) {
  for (size_t at = value.find("${"); at != std::string::npos; at = value.find("${", at + 2)) {
    const std::string_view rest = std::string_view(value).substr(at);
    const auto close = rest.find('}');
    const auto colon = rest.find(':');
    if (close == std::string_view::npos || colon == std::string_view::npos || colon > close) continue;
    if (rest.starts_with(kEnv) || (rest.starts_with(kDirectory) && !Inside(value, kDirectory).empty())) continue;
    return fmt::format(
        "the config provider '{}' is not supported by Millrace: give secrets as ${{env:NAME}} or "
        "${{directory:PATH:FILE}}",
        rest.substr(2, colon - 2));
  }
  return {};
}

}  // namespace millrace::connect
