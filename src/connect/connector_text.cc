#include "connect/connector_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "connect/escapes.h"
#include "connect/value_check.h"

namespace millrace::connect {
namespace {

using nlohmann::json;

constexpr size_t kTextBytesMax = 1 << 20;

[[noreturn]] void Fail(const std::string& file, const std::string& why) {
  throw Error(ErrorCode::kConfig, file + ": " + why);
}

Properties PropertiesOf(const json& object, const std::string& file) {
  Properties properties;
  for (const auto& [name, value] : object.items()) {
    if (value.is_null()) continue;
    if (value.is_structured())
      Fail(file, fmt::format("'{}' is no plain value; a connector's properties are text", name));
    properties[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return properties;
}

NamedConnector ParseJson(const std::string& text, const std::string& file) {
  json parsed;
  try {
    parsed = json::parse(text);
  } catch (const json::exception&) {
    Fail(file, "is no JSON; a connector is {\"name\": .., \"config\": {..}}");
  }
  NamedConnector connector;
  const auto config = parsed.find("config");
  if (config != parsed.end() && config->is_object()) {
    connector.config = PropertiesOf(*config, file);
    if (const auto name = parsed.find("name"); name != parsed.end() && name->is_string()) connector.name = *name;
  } else {
    connector.config = PropertiesOf(parsed, file);
  }
  return connector;
}

size_t SeparatorOf(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || line[i] == ' ' || line[i] == '\t') {
      return i;
    }
  }
  return line.size();
}

bool GoesOn(std::string_view line) {
  size_t slashes = 0;
  while (slashes < line.size() && line[line.size() - 1 - slashes] == '\\') ++slashes;
  return slashes % 2 == 1;
}

NamedConnector ParseProperties(const std::string& text, const std::string& file) {
  NamedConnector connector;
  std::istringstream lines(text);
  std::string line;
  std::string more;
  for (int number = 1; std::getline(lines, line); ++number) {
    const auto where = fmt::format("{}:{}", file, number);
    auto trimmed = Trimmed(line);
    if (more.empty() && (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == '!')) continue;
    trimmed.insert(0, more);
    more.clear();
    if (GoesOn(trimmed)) {
      more = trimmed.substr(0, trimmed.size() - 1);
      continue;
    }
    const auto at = SeparatorOf(trimmed);
    if (at == trimmed.size()) Fail(where, "expected name=value");
    auto value = Trimmed(std::string_view(trimmed).substr(at + 1));
    const bool spaced = trimmed[at] == ' ' || trimmed[at] == '\t';
    if (spaced && !value.empty() && (value.front() == '=' || value.front() == ':')) value = Trimmed(value.substr(1));
    WithContext(where,
                [&] { connector.config[Unescaped(std::string_view(trimmed).substr(0, at))] = Unescaped(value); });
  }
  return connector;
}

}  // namespace

NamedConnector ParseConnector(const std::string& text, const std::string& file) {
  if (text.size() > kTextBytesMax) Fail(file, fmt::format("has more than {} bytes", kTextBytesMax));
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) Fail(file, "is empty");
  auto connector = text[first] == '{' ? ParseJson(text, file) : ParseProperties(text, file);
  if (connector.name.empty() && connector.config.contains("name")) connector.name = connector.config.at("name");
  return connector;
}

Translation TranslateConnector(const NamedConnector& connector) {
  const auto found = connector.config.find("connector.class");
  if (found == connector.config.end()) {
    throw Error(ErrorCode::kConfig, "the connector has no connector.class, which says what it is");
  }
  if (connector.name.empty()) throw Error(ErrorCode::kConfig, "the connector has no name");
  const auto* plugin = FindPlugin(Trimmed(found->second));
  if (plugin == nullptr) {
    std::vector<std::string> known;
    for (const auto& one : Plugins()) known.push_back(one->classes().front());
    throw Error(ErrorCode::kConfig, fmt::format("connector {}: the class {} is not known; known are {}", connector.name,
                                                found->second, fmt::join(known, ", ")));
  }
  return plugin->Translate(connector.name, connector.config);
}

}  // namespace millrace::connect
