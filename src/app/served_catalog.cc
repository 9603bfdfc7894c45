#include "app/served_catalog.h"

namespace millrace::app {

catalog::CatalogRouteOptions CatalogRouteOptionsFor(const LakeConfig& lake) {
  catalog::CatalogRouteOptions options;
  const auto give = [&](const char* key, const std::string& value) {
    if (!value.empty()) options.defaults[key] = value;
  };
  give("s3.endpoint", lake.s3.endpoint);
  give("s3.region", lake.s3.region);
  give("client.region", lake.s3.region);
  if (lake.s3.path_style.value_or(!lake.s3.endpoint.empty())) give("s3.path-style-access", "true");
  return options;
}

}  // namespace millrace::app
