#pragma once

#include <map>
#include <string>

#include "catalog/sql/sql_catalog.h"
#include "io/http_routes.h"

namespace millrace::catalog {

struct CatalogRouteOptions {
  std::string prefix = "/iceberg";
  /// Told to clients with their configuration: how the store of the files is reached, and nothing secret.
  std::map<std::string, std::string> defaults = {};
};

/// Serves a SQL catalogue as an Iceberg REST catalogue (rest-catalog-open-api.yaml of Apache Iceberg 1.12; the
/// endpoints are told by GET /v1/config). Looking needs the role "read", changing "operate". Both arguments outlive the
/// routes.
void AddCatalogRoutes(io::HttpRoutes& routes, SqlCatalog& catalog, const CatalogRouteOptions& options);

}  // namespace millrace::catalog
