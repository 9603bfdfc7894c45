#pragma once

#include <memory>
#include <string>

#include "catalog/sql/sql_catalog.h"
#include "catalog/sql/view_catalog.h"
#include "io/http_routes.h"

namespace millrace::catalog {

/// Tables: list, create (staged too), register, load, commit, drop, rename, and commits to several at once.
void AddTableRoutes(io::HttpRoutes& routes, SqlCatalog& catalog, const std::shared_ptr<ViewCatalog>& views,
                    const std::string& prefix);

}  // namespace millrace::catalog
