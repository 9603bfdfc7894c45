#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/text_table.h"
#include "catalog/catalog.h"
#include "refine/expectation_results.h"
#include "refine/graph.h"
#include "refine/schedule/run_log.h"

namespace millrace::app {

/// Every model, when it runs next and what became of it last. `log` is null where nothing has run.
Listing ModelListing(const refine::Graph& graph, catalog::Catalog& catalog, refine::RunLog* log);

/// What became of runs, the newest first; of all models when the name is empty.
Listing RunListing(refine::RunLog* log, const std::string& model, int64_t rows);

/// What its header says, without its columns.
nlohmann::ordered_json DescribeModel(const refine::Node& node, catalog::Catalog& catalog);
/// What its columns are, by the table where there is one, and by the header.
Listing ModelColumns(const refine::Model& model, catalog::Catalog& catalog);

Listing ExpectationListing(const std::vector<refine::ExpectationResult>& results);

}  // namespace millrace::app
