#pragma once

#include "api/door.h"
#include "io/http_routes.h"

namespace millrace::api {

/// The web app: `/` and the files it loads, to be added last. Open, as a page can show no token before it is there; it
/// holds no data. What reads at `/` otherwise (Kafka Connect's root) is answered as before, by who asks for something
/// else than HTML, behind the same door, which outlives the routes; what takes events there stays alone.
void AddConsoleRoutes(io::HttpRoutes& routes, const Door& door);

}  // namespace millrace::api
