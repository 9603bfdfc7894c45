#include "catalog/server/catalog_routes.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "catalog/server/namespace_routes.h"
#include "catalog/server/route_parts.h"
#include "catalog/server/table_routes.h"
#include "catalog/server/view_routes.h"

namespace millrace::catalog {
namespace {

/// As the REST spec names them; AddNamespaceRoutes, AddTableRoutes and AddViewRoutes are what is behind.
constexpr const char* kEndpoints[] = {
    "GET /v1/{prefix}/namespaces",
    "POST /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "DELETE /v1/{prefix}/namespaces/{namespace}",
    "POST /v1/{prefix}/namespaces/{namespace}/properties",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/register",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
    "POST /v1/{prefix}/tables/rename",
    "POST /v1/{prefix}/transactions/commit",
    "GET /v1/{prefix}/namespaces/{namespace}/views",
    "POST /v1/{prefix}/namespaces/{namespace}/views",
    "POST /v1/{prefix}/namespaces/{namespace}/register-view",
    "GET /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "POST /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "POST /v1/{prefix}/views/rename",
};

}  // namespace

void AddCatalogRoutes(io::HttpRoutes& routes, SqlCatalog& catalog, const CatalogRouteOptions& options) {
  const auto views = std::make_shared<ViewCatalog>(catalog.options(), catalog.store());
  AddRoute(routes, "GET", options.prefix + "/v1/config", Access::kLook, [defaults = options.defaults](io::HttpCall&) {
    return Answer({{"defaults", defaults}, {"overrides", nlohmann::json::object()}, {"endpoints", kEndpoints}});
  });
  AddNamespaceRoutes(routes, catalog, options.prefix);
  AddTableRoutes(routes, catalog, views, options.prefix);
  AddViewRoutes(routes, catalog, views, options.prefix);
}

}  // namespace millrace::catalog
