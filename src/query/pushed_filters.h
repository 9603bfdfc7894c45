#pragma once

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <vector>

#include "query/predicate.h"
#include "schema/schema.h"

namespace millrace::query {

/// What a statement wants of one table.
struct PushedScan {
  Predicate predicate;
  std::vector<std::string> columns;  // as they stand in the schema; members of structs as "a.b"
};

/// Predicates and columns that DuckDB's optimizer pushed down to the tables of a plan (json_serialize_plan), by
/// "schema.table" in lower case. `schemas` holds the columns of those tables under the same keys. A table that is read
/// in several places gets what holds in any of them; one whose scan is not in the plan is not in the answer.
std::map<std::string, PushedScan> PushedFilters(const nlohmann::json& plan,
                                                const std::map<std::string, schema::Schema>& schemas);

}  // namespace millrace::query
