#pragma once

#include "app/config_model.h"
#include "catalog/server/catalog_routes.h"

namespace millrace::app {

/// The address and the region of a bucket, so that a client has to know its own keys alone.
catalog::CatalogRouteOptions CatalogRouteOptionsFor(const LakeConfig& lake);

}  // namespace millrace::app
