#include "api/connect_json.h"

namespace millrace::api {
namespace {

using nlohmann::ordered_json;

const char* ToString(connect::PropertyType type) {
  switch (type) {
    case connect::PropertyType::kBoolean:
      return "BOOLEAN";
    case connect::PropertyType::kString:
      return "STRING";
    case connect::PropertyType::kInt:
      return "INT";
    case connect::PropertyType::kShort:
      return "SHORT";
    case connect::PropertyType::kLong:
      return "LONG";
    case connect::PropertyType::kDouble:
      return "DOUBLE";
    case connect::PropertyType::kList:
      return "LIST";
    case connect::PropertyType::kClass:
      return "CLASS";
    case connect::PropertyType::kPassword:
      return "PASSWORD";
  }
  return "STRING";
}

const char* ToString(connect::Importance importance) {
  switch (importance) {
    case connect::Importance::kHigh:
      return "HIGH";
    case connect::Importance::kMedium:
      return "MEDIUM";
    case connect::Importance::kLow:
      return "LOW";
  }
  return "MEDIUM";
}

ordered_json OrNull(const std::optional<std::string>& text) { return text ? ordered_json(*text) : ordered_json(); }

ordered_json DescribeChecked(const connect::CheckedProperty& checked) {
  auto value = OrNull(checked.value);
  const bool secret = checked.definition.type == connect::PropertyType::kPassword;
  if (secret && checked.value) value = kHiddenPassword;
  return {{"definition", ToJson(checked.definition)},
          {"value",
           {{"name", checked.definition.name},
            {"value", std::move(value)},
            {"recommended_values", checked.recommended},
            {"errors", checked.errors},
            {"visible", checked.visible}}}};
}

}  // namespace

ordered_json ToJson(const ConnectorInfo& info) {
  ordered_json tasks = ordered_json::array();
  for (int task = 0; task < info.tasks; ++task) tasks.push_back({{"connector", info.name}, {"task", task}});
  return {{"name", info.name}, {"config", info.config}, {"tasks", std::move(tasks)}, {"type", info.type}};
}

ordered_json ToJson(const ConnectorTaskStatus& task, const ConnectorStatus& of, const std::string& worker_id) {
  ordered_json body = {{"id", task.id}, {"state", task.state}, {"worker_id", worker_id}, {"version", of.version}};
  if (!task.trace.empty()) body["trace"] = task.trace;
  return body;
}

ordered_json ToJson(const ConnectorStatus& status, const std::string& worker_id) {
  ordered_json connector = {{"state", status.state}, {"worker_id", worker_id}, {"version", status.version}};
  if (!status.trace.empty()) connector["trace"] = status.trace;
  ordered_json tasks = ordered_json::array();
  for (const auto& task : status.tasks) tasks.push_back(ToJson(task, status, worker_id));
  return {
      {"name", status.name}, {"connector", std::move(connector)}, {"tasks", std::move(tasks)}, {"type", status.type}};
}

ordered_json ToJson(const connect::Property& property) {
  return {{"name", property.name},
          {"type", ToString(property.type)},
          {"required", property.required},
          {"default_value", OrNull(property.default_value)},
          {"importance", ToString(property.importance)},
          {"documentation", property.documentation},
          {"group", property.group.empty() ? ordered_json() : ordered_json(property.group)},
          {"width", property.width},
          {"display_name", property.display_name},
          {"dependents", property.dependents},
          {"order_in_group", property.order_in_group}};
}

ordered_json ToJson(const connect::Validation& validation) {
  ordered_json configs = ordered_json::array();
  for (const auto& checked : validation.configs) configs.push_back(DescribeChecked(checked));
  return {{"name", validation.name},
          {"error_count", validation.error_count},
          {"groups", validation.groups},
          {"configs", std::move(configs)}};
}

}  // namespace millrace::api
