#pragma once

#include "io/http_routes.h"
#include "schema/registry/store.h"

namespace millrace::api {

/// The schema registry: /subjects, /schemas, /compatibility, /config, /mode, /contexts, with the paths, media types and
/// error codes of Confluent's. The store outlives the routes.
void AddRegistryRoutes(io::HttpRoutes& routes, schema::RegistryStore& store);

}  // namespace millrace::api
