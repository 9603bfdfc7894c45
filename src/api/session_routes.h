#pragma once

#include "api/door.h"
#include "io/http_routes.h"

namespace millrace::api {

/// GET /api/v1/session: {"tokens": true, "roles": ["read"], "parts": {"schemas": true, "connectors": false}}, what the
/// caller may do by the key it shows (an admin: everything), and which parts of the API are there: to be added after
/// them. Open, so that a page learns whether it has to ask for a token. The door outlives the routes.
void AddSessionRoutes(io::HttpRoutes& routes, const Door& door);

}  // namespace millrace::api
