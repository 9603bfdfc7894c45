#pragma once

#include <nlohmann/json_fwd.hpp>

#include "table/update.h"

/// Requirements and updates as JSON (Iceberg REST spec, TableRequirement and TableUpdate).
namespace millrace::table {

nlohmann::json ToJson(const Requirement& requirement);
nlohmann::json ToJson(const Update& update);

/// Error kData for one that is malformed or not known here.
Requirement RequirementFromJson(const nlohmann::json& json);
Update UpdateFromJson(const nlohmann::json& json);

}  // namespace millrace::table
