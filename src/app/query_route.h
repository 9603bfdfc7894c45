#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "io/http_routes.h"
#include "query/sandbox/sandbox.h"

namespace millrace::app {

/// POST /api/v1/query: {"sql": "...", "format": "json", "as_of": "...", "params": {...}} answers rows. Both outlive the
/// routes.
void AddQueryRoute(io::HttpRoutes& routes, query::Sandbox& sandbox,
                   const std::map<catalog::TableName, std::string>& views);

/// Rows of a statement of our own over the lake's tables, run as one from outside would be. Errors are the sandbox's.
io::HttpReply RowsOf(query::Sandbox& sandbox, const std::string& sql, std::stop_token stop);

/// A snapshot id or a time; empty: now. Error kUsage, in the words of `option`, for anything else.
void SetAsOf(const std::string& text, std::string_view option, query::QueryOptions& options);

}  // namespace millrace::app
