#pragma once

#include "api/connect_port.h"
#include "io/http_routes.h"

namespace millrace::api {

/// The REST API of Kafka Connect: /connectors, /connector-plugins, /admin/loggers, /health and /, with its paths,
/// answers and messages. The worker outlives the routes.
void AddConnectRoutes(io::HttpRoutes& routes, ConnectWorker& worker);

}  // namespace millrace::api
