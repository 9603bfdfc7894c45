#pragma once

#include <string>
#include <vector>

#include "refine/graph.h"

namespace millrace::refine {

/// The models that words mean, as dbt writes them: `gold.by_day`, `tag:daily`; a `+` before also takes what it is made
/// of, one behind also what is made of it. Error kUsage for what means none, naming the nearest.
std::vector<catalog::TableName> Select(const Graph& graph, const std::vector<std::string>& words);

}  // namespace millrace::refine
