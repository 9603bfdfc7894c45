#include "connect/native_plugin.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/nearest.h"
#include "base/split.h"

namespace millrace::connect {
namespace {

using nlohmann::json;

constexpr const char* kCommon = "Common";
constexpr const char* kTopicPlace = "${topic}";

PropertyType TypeOf(const config::OptionInfo& option) {
  if (option.secret) return PropertyType::kPassword;
  if (option.type == "integer") return PropertyType::kLong;
  if (option.type == "true or false") return PropertyType::kBoolean;
  if (option.type.starts_with("list of ")) return PropertyType::kList;
  return PropertyType::kString;
}

std::string ValueOf(const Properties& given, const std::string& name) {
  const auto found = given.find(name);
  return found == given.end() ? std::string() : found->second;
}

bool IsInteger(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// Connect's words for a value that is none of its type; empty: it is one.
std::string WrongType(PropertyType type, const std::string& text) {
  switch (type) {
    case PropertyType::kInt:
      return IsInteger(text) ? "" : "Not a number of type INT";
    case PropertyType::kLong:
      return IsInteger(text) ? "" : "Not a number of type LONG";
    case PropertyType::kBoolean:
      return text == "true" || text == "false" ? "" : "Expected value to be either true or false";
    default:
      return {};
  }
}

}  // namespace

NativePlugin::NativePlugin(Kind kind) : kind_(std::move(kind)) {
  AddCommon();
  AddBlock(*kind_.block, {}, true);
}

void NativePlugin::AddCommon() {
  const auto add = [this](const char* name, const char* display_name, const std::string& documentation) -> Property& {
    auto& property = properties_.emplace_back();
    property.name = name;
    property.display_name = display_name;
    property.documentation = documentation;
    property.importance = Importance::kHigh;
    property.group = kCommon;
    property.order_in_group = static_cast<int>(properties_.size());
    property.width = "LONG";
    return property;
  };
  add("name", "Connector name", "Globally unique name to use for this connector.").required = true;
  add("connector.class", "Connector class",
      fmt::format("The class of this connector: {}, or {}.", kind_.class_name, kind_.alias))
      .required = true;
  auto& tasks = add("tasks.max", "Tasks max", "Maximum number of tasks to use for this connector.");
  tasks.type = PropertyType::kInt;
  tasks.default_value = "1";
  if (kind_.type == "source") {
    add("topic", "Topic", "The topic its events go to.").required = true;
    return;
  }
  auto& topics = add("topics", "Topics", "List of topics to consume, separated by commas");
  topics.type = PropertyType::kList;
  topics.default_value = "";
  add("topics.regex", "Topics regex",
      "Regular expression giving topics to consume, of a Kafka stream. One table for all of them.")
      .default_value = "";
  add("table", "Table", "The table of the lake, `layer.name`. Of several topics it holds ${topic}: a table for each.")
      .required = true;
}

void NativePlugin::AddBlock(const config::BlockInfo& block, const std::vector<std::string>& path, bool required) {
  for (const auto& option : block.options) {
    auto place = path;
    place.push_back(option.name);
    const auto name = fmt::format("{}", fmt::join(place, "."));
    if (option.shape == config::OptionInfo::Shape::kBlock) {
      AddBlock(*option.block, place, false);  // what is required within it is so only where it is given
      continue;
    }
    if (option.shape == config::OptionInfo::Shape::kBlockMap || name == "from") continue;
    Property property;
    property.name = name;
    property.type = TypeOf(option);
    if (!option.fallback.empty()) property.default_value = option.fallback;
    property.required = required && option.required && option.fallback.empty();
    property.importance = property.required ? Importance::kHigh : Importance::kMedium;
    property.documentation = option.doc;
    property.group = path.empty() ? kind_.alias : path.front();
    property.order_in_group = static_cast<int>(std::ranges::count(properties_, property.group, &Property::group)) + 1;
    property.width = "MEDIUM";
    property.display_name = name;
    places_[name] = {std::move(place), property.type == PropertyType::kList};
    if (option.type.starts_with("map of ")) {
      property.name += ".*";
      families_.push_back(std::move(property));
    } else {
      properties_.push_back(std::move(property));
    }
  }
}

const Property* NativePlugin::Find(const std::string& name, std::string* option, std::string* entry) const {
  if (option != nullptr) *option = name;
  const auto found = std::ranges::find(properties_, name, &Property::name);
  if (found != properties_.end()) return &*found;
  for (const auto& family : families_) {
    const auto prefix = family.name.substr(0, family.name.size() - 1);
    if (!name.starts_with(prefix) || name.size() == prefix.size()) continue;
    if (option != nullptr) *option = prefix.substr(0, prefix.size() - 1);
    if (entry != nullptr) *entry = name.substr(prefix.size());
    return &family;
  }
  return nullptr;
}

CheckedProperty NativePlugin::Check(const Property& property, const Properties& given) const {
  CheckedProperty checked;
  checked.definition = property;
  checked.value = property.default_value;
  const auto found = given.find(property.name);
  if (found == given.end()) {
    if (property.required) {
      checked.errors.push_back(
          fmt::format("Missing required configuration \"{}\" which has no default value.", property.name));
    }
    return checked;
  }
  checked.value = found->second;
  if (const auto wrong = WrongType(property.type, found->second); !wrong.empty()) {
    checked.errors.push_back(
        fmt::format("Invalid value {} for configuration {}: {}", found->second, property.name, wrong));
    checked.value = std::nullopt;
    if (property.name == "tasks.max") {
      checked.errors.emplace_back("Invalid value null for configuration tasks.max: Value must be non-null");
    }
  }
  return checked;
}

void NativePlugin::CheckTopics(const Properties& given, Validation& validation) const {
  const auto refuse = [&](const std::string& name, const std::string& why) {
    std::ranges::find(validation.configs, name, [](const auto& each) {
      return each.definition.name;
    })->errors.push_back(why);
  };
  const auto topics = SplitByCommas(ValueOf(given, "topics"));
  const bool pattern = !ValueOf(given, "topics.regex").empty();
  if (topics.empty() == !pattern) {
    const auto* why = pattern ? "topics and topics.regex are mutually exclusive options, but both are set."
                              : "Must configure one of topics or topics.regex";
    refuse("topics", why);
    refuse("topics.regex", why);
  }
  const bool each = ValueOf(given, "table").find(kTopicPlace) != std::string::npos;
  if (topics.size() > 1 && !each) {
    refuse("table", fmt::format("Of several topics each has a table: put {} into its name", kTopicPlace));
  }
  if (pattern && each) {
    refuse("table", fmt::format("Topics by a pattern have one table; take {} out of its name", kTopicPlace));
  }
}

Validation NativePlugin::Validate(const Properties& given) const {
  Validation validation{.name = kind_.class_name, .error_count = 0, .groups = {}, .configs = {}};
  for (const auto& property : properties_) {
    validation.configs.push_back(Check(property, given));
    if (std::ranges::find(validation.groups, property.group) == validation.groups.end()) {
      validation.groups.push_back(property.group);
    }
  }
  std::vector<std::string> names;
  for (const auto& property : properties_) names.push_back(property.name);
  for (const auto& [name, value] : given) {
    if (Find(name) != nullptr) continue;
    CheckedProperty unknown;
    unknown.definition.name = name;
    unknown.errors.push_back(fmt::format("Unknown configuration '{}'{}", name, Suggest(name, names)));
    validation.configs.push_back(std::move(unknown));
  }
  if (kind_.type == "sink") CheckTopics(given, validation);
  for (const auto& each : validation.configs) validation.error_count += static_cast<int>(each.errors.size());
  return validation;
}

Translation NativePlugin::Translate(const std::string& connector_name, const Properties& given) const {
  const auto validation = Validate(given);
  for (const auto& each : validation.configs) {
    if (!each.errors.empty()) throw Error(ErrorCode::kConfig, each.errors.front());
  }
  json block = json::object();
  for (const auto& [name, value] : given) {
    std::string option;
    std::string entry;
    Find(name, &option, &entry);
    const auto place = places_.find(option);
    if (place == places_.end()) continue;
    auto* at = &block;
    for (const auto& step : place->second.path) at = &(*at)[step];
    if (!entry.empty()) {
      (*at)[entry] = value;
    } else if (place->second.is_list) {
      *at = SplitByCommas(value);
    } else {
      *at = value;
    }
  }
  Translation translation;
  json document;
  if (!kind_.source_kind.empty()) {
    translation.topics = {ValueOf(given, "topic")};
    document["sources"][connector_name] = {{"topic", translation.topics.front()}, {kind_.source_kind, block}};
  } else if (const auto pattern = ValueOf(given, "topics.regex"); !pattern.empty()) {
    translation.topics_regex = pattern;
    block["from"] = pattern.starts_with('^') ? pattern : "^" + pattern + "$";
    document["tables"][ValueOf(given, "table")] = block;
  } else {
    translation.topics = SplitByCommas(ValueOf(given, "topics"));
    for (const auto& topic : translation.topics) {
      auto table = ValueOf(given, "table");
      if (const auto at = table.find(kTopicPlace); at != std::string::npos) {
        table.replace(at, std::string_view(kTopicPlace).size(), topic);
      }
      block["from"] = topic;
      document["tables"][table] = block;
    }
  }
  translation.yaml = document.dump(-1, ' ', false, json::error_handler_t::replace);  // JSON is YAML
  return translation;
}

}  // namespace millrace::connect
