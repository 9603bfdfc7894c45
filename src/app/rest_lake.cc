#include "app/rest_lake.h"

#include <utility>

namespace millrace::app {
namespace {

catalog::RestAuthentication AuthenticationOf(const RestCatalogConfig& config) {
  if (config.token) return catalog::BearerToken{config.token->Reveal()};
  if (config.oauth2) {
    return catalog::OAuth2Options{.server_uri = config.oauth2->server_uri,
                                  .client_id = config.oauth2->client_id,
                                  .client_secret = config.oauth2->client_secret.Reveal(),
                                  .scope = config.oauth2->scope,
                                  .audience = config.oauth2->audience,
                                  .resource = config.oauth2->resource};
  }
  if (config.sigv4) {
    catalog::SigV4Options options{.signing_name = config.sigv4->signing_name, .signing_region = config.sigv4->region};
    if (options.signing_region.empty()) options.signing_region = io::AwsRegion(options.credentials);
    return options;
  }
  return std::monostate();
}

}  // namespace

std::unique_ptr<catalog::RestCatalog> OpenRestCatalog(const RestCatalogConfig& config, io::ObjectStore& store,
                                                      std::shared_ptr<catalog::VendedCredentials> vended) {
  const catalog::RestCatalogOptions options{.uri = config.uri,
                                            .warehouse = config.warehouse,
                                            .prefix = config.prefix,
                                            .headers = config.headers,
                                            .authentication = AuthenticationOf(config),
                                            .timeout = config.timeout,
                                            .vended_credentials = config.vended_credentials};
  return std::make_unique<catalog::RestCatalog>(options, store, Clock::System(), std::move(vended));
}

}  // namespace millrace::app
