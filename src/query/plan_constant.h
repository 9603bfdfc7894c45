#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>

#include "schema/schema.h"
#include "table/value.h"

namespace millrace::query {

/// A constant as DuckDB prints it in a plan ({"type": {"id": "BIGINT"}, "is_null": false, "value": 3}) as a value of
/// `type`; nullopt when it is null, of another type, or not understood.
std::optional<table::Value> PlanConstant(const nlohmann::json& constant, const schema::Type& type);

}  // namespace millrace::query
