#pragma once

#include "api/door.h"
#include "io/http_routes.h"

namespace millrace::api {

/// GET /api/v1/session: {"tokens": true, "roles": ["read"]}, what the caller may do, by the token it shows. Open, so
/// that a page learns whether it has to ask for one. The door outlives the routes.
void AddSessionRoutes(io::HttpRoutes& routes, const Door& door);

}  // namespace millrace::api
