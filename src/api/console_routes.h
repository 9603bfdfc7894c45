#pragma once

#include "io/http_routes.h"

namespace millrace::api {

/// The web app: `/` and the files it loads. Open, as a page can show no token before it is there; it holds no data.
/// What others have already put at `/` stays theirs.
void AddConsoleRoutes(io::HttpRoutes& routes);

}  // namespace millrace::api
