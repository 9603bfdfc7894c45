#pragma once

#include <nlohmann/json.hpp>

#include "io/http_routes.h"

namespace millrace::api {

/// OpenAPI 3.0 of the routes, made from their table: what each takes, and the role it needs (`x-millrace-role`; none
/// where it is open). Bodies and answers are told no closer than their media type.
nlohmann::ordered_json OpenApiOf(const io::HttpRoutes& routes);

/// GET /api/v1/openapi.json: of the routes that are there already, and itself.
void AddOpenApiRoute(io::HttpRoutes& routes);

}  // namespace millrace::api
