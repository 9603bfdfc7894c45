#pragma once

#include "api/door.h"
#include "api/observation.h"
#include "io/http_routes.h"

namespace millrace::api {

/// /metrics, /health/live, /health/ready, /api/v1/status. The health routes are open, so that probes need no token; who
/// shows none is told yes or no and not why. Door and observation outlive the routes.
void AddObserveRoutes(io::HttpRoutes& routes, Observation& observation, const Door& door);

}  // namespace millrace::api
