#include "io/mongo_client.h"

#include <fmt/format.h>

#include "base/error.h"

namespace millrace::io {
namespace {

// Of the server's own list of codes (error_codes.yml).
constexpr uint32_t kUnauthorized = 13;
constexpr uint32_t kAuthenticationFailed = 18;

void SetUnlessGiven(mongoc_uri_t* uri, const char* option, std::chrono::milliseconds value) {
  if (!Mongo().uri_has_option(uri, option))
    Mongo().uri_set_option_as_int32(uri, option, static_cast<int32_t>(value.count()));
}

}  // namespace

BsonView::BsonView(std::string_view bytes) {
  if (!bson_init_static(&document_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())) {
    throw Error(ErrorCode::kInternal, "bytes that are no BSON document");
  }
}

void ThrowMongo(const bson_error_t& error, std::string_view what) {
  const bool refused = error.domain == MONGOC_ERROR_CLIENT && error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE;
  const bool server = error.domain == MONGOC_ERROR_SERVER || error.domain == MONGOC_ERROR_QUERY;
  if (refused || (server && (error.code == kUnauthorized || error.code == kAuthenticationFailed))) {
    throw Error(ErrorCode::kConfig,
                fmt::format("{}: MongoDB refuses the login: {}; check the user, its password and its roles", what,
                            error.message));
  }
  throw Error(ErrorCode::kUnavailable, fmt::format("{}: {}", what, error.message));
}

MongoClients::MongoClients(const MongoOptions& options) {
  bson_error_t error;
  const MongoOwned<mongoc_uri_t, &MongoDriver::uri_destroy> uri(
      Mongo().uri_new_with_error(options.uri.c_str(), &error));
  // The driver's own words may repeat the address, which holds the password.
  if (!uri)
    throw Error(ErrorCode::kConfig, "the uri is no MongoDB address: mongodb://user:password@host:port/?options");
  SetUnlessGiven(uri.get(), MONGOC_URI_SERVERSELECTIONTIMEOUTMS, std::chrono::seconds(5));
  SetUnlessGiven(uri.get(), MONGOC_URI_CONNECTTIMEOUTMS, std::chrono::seconds(5));
  SetUnlessGiven(uri.get(), MONGOC_URI_SOCKETTIMEOUTMS, options.timeout);
  Mongo().uri_set_appname(uri.get(), "millrace");
  const MongoOwned<mongoc_write_concern_t, &MongoDriver::write_concern_destroy> concern(Mongo().write_concern_new());
  Mongo().write_concern_set_wmajority(concern.get(), -1);
  Mongo().write_concern_set_journal(concern.get(), true);
  Mongo().uri_set_write_concern(uri.get(), concern.get());
  pool_.reset(Mongo().client_pool_new(uri.get()));
  if (!pool_)
    throw Error(ErrorCode::kConfig, "the MongoDB address cannot be used; does it ask for TLS without a build of it?");
  Mongo().client_pool_set_error_api(pool_.get(), MONGOC_ERROR_API_VERSION_2);
}

}  // namespace millrace::io
