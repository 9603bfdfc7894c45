#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "api/connect_port.h"

/// What the routes of Kafka Connect answer with, in its own form.
namespace millrace::api {

nlohmann::ordered_json ToJson(const ConnectorInfo& info);
nlohmann::ordered_json ToJson(const ConnectorStatus& status, const std::string& worker_id);
nlohmann::ordered_json ToJson(const ConnectorTaskStatus& task, const ConnectorStatus& of, const std::string& worker_id);
nlohmann::ordered_json ToJson(const connect::Property& property);
nlohmann::ordered_json ToJson(const connect::Validation& validation);

/// A value of a password, wherever one would show.
inline constexpr const char* kHiddenPassword = "[hidden]";

}  // namespace millrace::api
