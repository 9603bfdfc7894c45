#pragma once

#include "api/observation.h"
#include "io/http_routes.h"

namespace millrace::api {

/// /metrics, /health/live, /health/ready, /api/v1/status. The health routes are open, so that probes need no token; who
/// shows none is told yes or no and not why. The observation outlives the routes.
void AddObserveRoutes(io::HttpRoutes& routes, Observation& observation);

}  // namespace millrace::api
