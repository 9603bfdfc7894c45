#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

#include "query/engine.h"

namespace millrace::query {

/// {"all": {"files": 7, "bytes": 4096}, "after_partitions": ..., "read": ..., "delete_files": ..., "columns": [...],
/// "predicates": [{"predicate": "a = 1", "left": {"files": 1, "bytes": 512}}]}
nlohmann::json PruningJson(const PruningReport& report);
/// The inverse. Throws nlohmann::json::exception for anything else.
PruningReport ParsePruning(const nlohmann::json& json);

/// What a statement run with QueryOptions::explain said, for people: each table, then DuckDB's plan. Uses `result` up.
std::string ExplainText(ResultStream& result);
/// {"tables": [{"table": "silver.events", "snapshot": 1, "all": ... as PruningJson}], "plan": ...}. The plan is
/// DuckDB's JSON, or a text where the statement itself says EXPLAIN.
nlohmann::json ExplainJson(ResultStream& result);

}  // namespace millrace::query
