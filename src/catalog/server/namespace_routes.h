#pragma once

#include <string>

#include "catalog/sql/sql_catalog.h"
#include "io/http_routes.h"

namespace millrace::catalog {

/// /v1/namespaces and below, as far as it is about namespaces.
void AddNamespaceRoutes(io::HttpRoutes& routes, SqlCatalog& catalog, const std::string& prefix);

}  // namespace millrace::catalog
