#include "connect/declared_plugin.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/nearest.h"
#include "connect/declarations.h"
#include "connect/value_check.h"
#include "connect/yaml_text.h"

namespace millrace::connect {
namespace {

constexpr size_t kPropertiesMax = 1000;
constexpr size_t kValueBytesMax = 64 << 10;

bool MatchesFamily(std::string_view family, std::string_view name) {
  if (family == name) return true;
  const auto open = family.find('<');
  if (open == std::string_view::npos) {
    return family.ends_with('*') && name.starts_with(family.substr(0, family.size() - 1));
  }
  const auto tail = family.substr(family.find('>') + 1);
  return name.size() > open + tail.size() && name.starts_with(family.substr(0, open)) && name.ends_with(tail);
}

std::string ShownValue(const Property& property, std::string_view value) {
  return property.type == PropertyType::kPassword ? std::string() : fmt::format("={}", value);
}

/// What is not honoured is not ignored.
void CheckFate(CheckedProperty& checked, const std::string& given) {
  const auto& property = checked.definition;
  if (property.use != Use::kRefused || !checked.errors.empty()) return;
  const auto passes = [&](const std::string& value) { return value == given || value == checked.value.value_or(""); };
  const bool by_default =
      property.type == PropertyType::kPassword ? given.empty() : passes(property.default_value.value_or(""));
  if (by_default || std::ranges::any_of(property.allowed, passes)) return;
  checked.errors.push_back(fmt::format("{}{} is not supported by Millrace: {}", property.name,
                                       ShownValue(property, given), property.use_text));
}

void CheckTopics(const Given& given, Findings& findings) {
  const bool names = !given.Text("topics").empty();
  const bool regex = !given.Text("topics.regex").empty();
  if (names != regex) return;
  for (const auto* name : {"topics", "topics.regex"}) {
    findings.Add(name, names ? "topics and topics.regex are mutually exclusive options, but both are set."
                             : "Must configure one of topics or topics.regex");
  }
}

/// In their order. What Connect declares for every connector and a class declares anew does not open a group.
std::vector<std::string> GroupsOf(const std::vector<Property>& properties) {
  static const std::set<std::string> kAnew{"errors.tolerance", "errors.log.enable"};
  std::vector<std::string> groups;
  const auto add = [&](const Property& property) {
    if (property.group.empty() || std::ranges::find(groups, property.group) != groups.end()) return;
    groups.push_back(property.group);
  };
  for (const auto& property : properties) {
    if (!kAnew.contains(property.name)) add(property);
  }
  return groups;
}

}  // namespace

const Property* FindFamily(const std::vector<Property>& families, std::string_view name) {
  const auto found =
      std::ranges::find_if(families, [&](const auto& family) { return MatchesFamily(family.name, name); });
  return found == families.end() ? nullptr : &*found;
}

Validation DeclaredPlugin::Validate(const Properties& properties) const {
  Validation validation;
  validation.name = kind_.classes.front();
  validation.groups = GroupsOf(kind_.properties);
  const Given given(properties, kind_.properties);
  for (const auto& property : kind_.properties) {
    const auto there = properties.find(property.name);
    const bool is_given = there != properties.end();
    auto checked = CheckValue(property, is_given ? std::optional(there->second) : std::nullopt);
    if (is_given) CheckFate(checked, Trimmed(there->second));
    validation.configs.push_back(std::move(checked));
  }
  for (const auto& [name, value] : properties) {
    if (FindProperty(kind_.properties, name) != nullptr) continue;
    CheckedProperty checked;
    if (const auto* family = FindFamily(kind_.families, name)) {
      auto property = *family;
      property.name = property.display_name = name;
      checked = CheckValue(property, value);
      CheckFate(checked, Trimmed(value));
    } else {
      std::vector<std::string> names;
      for (const auto& property : kind_.properties) names.push_back(property.name);
      checked.definition.name = checked.definition.display_name = name;
      checked.value = kHidden;  // what it is, is not known: it may be a secret
      const auto nearest = NearestWord(name, names);
      checked.errors.push_back(fmt::format("{} has no property '{}'{}; Millrace ignores none, so remove it",
                                           SimpleName(validation.name), name,
                                           nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest)));
    }
    if (!checked.errors.empty()) validation.configs.push_back(std::move(checked));
  }
  Findings findings;
  for (const auto& [name, value] : properties) {
    if (value.size() > kValueBytesMax) findings.Add(name, fmt::format("A value has at most {} bytes", kValueBytesMax));
    if (auto why = ProviderFault(value); !why.empty()) findings.Add(name, std::move(why));
  }
  if (properties.size() > kPropertiesMax) {
    findings.Add("connector.class", fmt::format("A connector has at most {} properties", kPropertiesMax));
  }
  if (kind_.type == "sink") CheckTopics(given, findings);
  CheckTogether(given, findings);
  for (const auto& [name, messages] : findings.found()) {
    auto at = std::ranges::find_if(validation.configs,
                                   [&name = name](const auto& checked) { return checked.definition.name == name; });
    if (at == validation.configs.end()) {
      CheckedProperty checked;
      checked.definition.name = checked.definition.display_name = name;
      at = validation.configs.insert(at, std::move(checked));
    }
    at->errors.insert(at->errors.end(), messages.begin(), messages.end());
  }
  for (const auto& checked : validation.configs) validation.error_count += static_cast<int>(checked.errors.size());
  return validation;
}

Translation DeclaredPlugin::Translate(const std::string& connector_name, const Properties& properties) const {
  auto named = properties;
  named.emplace("name", connector_name);
  named.emplace("connector.class", kind_.classes.front());
  const auto validation = Validate(named);
  std::string mistakes;
  for (const auto& checked : validation.configs) {
    for (const auto& error : checked.errors) mistakes += fmt::format("\n  {}: {}", checked.definition.name, error);
  }
  if (!mistakes.empty()) {
    throw Error(ErrorCode::kConfig, fmt::format("connector {}:{}", connector_name, mistakes));
  }
  auto translation = Written(connector_name, Given(named, kind_.properties));
  const Given given(named, kind_.properties);
  if (kind_.type == "sink") {
    translation.topics = given.List("topics");
    if (const auto regex = given.Text("topics.regex"); !regex.empty()) translation.topics_regex = regex;
    if (const auto name = given.Text("errors.deadletterqueue.topic.name"); !name.empty()) {
      translation.dead_letter_topic = name;
    }
  }
  return translation;
}

}  // namespace millrace::connect
