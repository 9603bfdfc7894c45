#pragma once

#include <memory>
#include <string>

#include "catalog/sql/sql_catalog.h"
#include "catalog/sql/view_catalog.h"
#include "io/http_routes.h"

namespace millrace::catalog {

/// Views: list, create, register, load, commit, drop, rename. The catalogue outlives the routes.
void AddViewRoutes(io::HttpRoutes& routes, SqlCatalog& catalog, const std::shared_ptr<ViewCatalog>& views,
                   const std::string& prefix);

/// A view has the name, which is why no table can. Throws a CatalogRefusal that says so.
void RequireNoView(ViewCatalog& views, const TableName& name);

}  // namespace millrace::catalog
