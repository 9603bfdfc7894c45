#pragma once

#include <memory>

#include "app/config_model.h"
#include "catalog/rest/rest_catalog.h"
#include "catalog/rest/vended_credentials.h"
#include "io/object_store.h"

namespace millrace::app {

/// The REST catalogue of `lake.catalog.rest`, over the store of `lake.warehouse`. Error kUnavailable when it does not
/// answer.
/// `vended`: what it hands out, where it is asked to.
std::unique_ptr<catalog::RestCatalog> OpenRestCatalog(const RestCatalogConfig& config, io::ObjectStore& store,
                                                      std::shared_ptr<catalog::VendedCredentials> vended);

}  // namespace millrace::app
