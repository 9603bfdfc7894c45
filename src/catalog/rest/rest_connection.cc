#include "catalog/rest/rest_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "catalog/rest/rest_events.h"
#include "io/one_line.h"
#include "io/percent_encoding.h"
#include "schema/json_object.h"
#include "table/metadata.h"

namespace millrace::catalog {
namespace {

constexpr size_t kRefusalCharactersMax = 400;
constexpr std::string_view kHeaderPrefix = "header.";
/// An answer holds the metadata of a table and little else.
constexpr int64_t kAnswerBytesMax = static_cast<int64_t>(table::kMetadataBytesMax) + (int64_t{1} << 20);

std::string WithoutSlashes(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

/// The members of the server's configuration that a client goes by; its overrides go before what the user says.
struct ServerConfig {
  std::string uri;
  std::string prefix;
  std::string separator;
  std::map<std::string, std::string> headers;
  std::set<std::string> endpoints;
  bool idempotency = false;
};

/// Properties "header.<name>" become headers of every request, as Iceberg's Java client has it.
void AddHeaders(const schema::JsonObject& answer, const char* member, std::map<std::string, std::string>& headers) {
  const auto* values = answer.Maybe(member);
  if (values == nullptr || !values->is_object()) return;
  for (const auto& [name, value] : values->items()) {
    if (name.starts_with(kHeaderPrefix) && value.is_string()) headers[name.substr(kHeaderPrefix.size())] = value;
  }
}

std::set<std::string> EndpointsOf(const schema::JsonObject& answer) {
  std::set<std::string> endpoints;
  const auto* list = answer.MaybeArray("endpoints");
  if (list == nullptr) return endpoints;
  for (const auto& endpoint : *list) {
    if (endpoint.is_string()) endpoints.insert(endpoint.get<std::string>());
  }
  return endpoints;
}

ServerConfig ParseServerConfig(const std::string& body, const RestCatalogOptions& options) {
  const auto document = schema::ParseJson(body, "answer");
  const schema::JsonObject answer(document, "");
  const auto pick = [&](const char* name, const std::string& ours) {
    for (const char* member : {"overrides", "defaults"}) {
      if (!ours.empty() && member == std::string_view("defaults")) break;
      const auto* values = answer.Maybe(member);
      if (values == nullptr) continue;
      if (const std::string* value = schema::JsonObject(*values, member).MaybeString(name)) return *value;
    }
    return ours;
  };
  ServerConfig config{.uri = pick("uri", options.uri),
                      .prefix = pick("prefix", options.prefix),
                      .separator = pick("namespace-separator", ""),
                      .headers = {},
                      .endpoints = EndpointsOf(answer),
                      .idempotency = answer.MaybeString("idempotency-key-lifetime") != nullptr};
  AddHeaders(answer, "defaults", config.headers);
  for (const auto& [name, value] : options.headers) config.headers[name] = value;
  AddHeaders(answer, "overrides", config.headers);
  return config;
}

}  // namespace

std::vector<std::string> LevelsOf(std::string_view name_space) {
  std::vector<std::string> levels;
  for (size_t begin = 0; begin <= name_space.size();) {
    const size_t end = std::min(name_space.find('.', begin), name_space.size());
    levels.emplace_back(name_space.substr(begin, end - begin));
    begin = end + 1;
  }
  return levels;
}

std::string RefusalOf(const io::HttpResponse& response) {
  const auto answer = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (answer.is_object() && answer.contains("error") && answer["error"].is_object()) {
    const auto& error = answer["error"];
    if (error.contains("message") && error["message"].is_string()) {
      return io::OneLine(fmt::format("status {}, {}", response.status, error["message"].get<std::string>()),
                         kRefusalCharactersMax);
    }
  }
  return fmt::format("status {}", response.status);
}

void ThrowRefusal(const std::string& doing, const io::HttpResponse& response) {
  const std::string why = fmt::format("{}: the catalogue refused: {}", doing, RefusalOf(response));
  switch (response.status) {
    case 401:
    case 419:
      throw Error(ErrorCode::kConfig, why + "; check the credentials of lake.catalog.rest");
    case 403:
      throw Error(ErrorCode::kConfig, why + "; give the pipeline the right to do this in the catalogue");
    case 429:
      throw Error(ErrorCode::kUnavailable, why + "; try again later");
    default:
      break;
  }
  if (response.status >= 500)
    throw Error(ErrorCode::kUnavailable, why + "; look at the catalogue's log, then try again");
  if (response.status < 400) {
    throw Error(ErrorCode::kConfig, why + "; this is no answer of a REST catalogue, check lake.catalog.rest.uri");
  }
  throw Error(ErrorCode::kStop, why + "; the catalogue does not take what is asked of it");
}

RestConnection::RestConnection(RestCatalogOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  options_.uri = WithoutSlashes(options_.uri);
  if (options_.uri.ends_with("/v1")) options_.uri.resize(options_.uri.size() - 3);
  auth_ = MakeRestAuth(options_.authentication, options_.uri, http_, clock);
  Configure();
}

void RestConnection::Configure() {
  std::string url = options_.uri + "/v1/config";
  if (!options_.warehouse.empty()) url += "?warehouse=" + io::PercentEncoded(options_.warehouse);
  const auto response = [&] {
    try {
      return SendTo("GET", url, {});
    } catch (const io::HttpFailure& failure) {
      throw Error(ErrorCode::kUnavailable,
                  fmt::format("the REST catalogue at {} does not answer ({}); start it, or mend lake.catalog.rest.uri",
                              options_.uri, failure.message()));
    }
  }();
  if (response.status != 200) ThrowRefusal("asking " + url + " for its configuration", response);
  ServerConfig config =
      WithContext("the configuration of " + options_.uri, [&] { return ParseServerConfig(response.body, options_); });
  base_ = WithoutSlashes(config.uri) + "/v1";
  if (!config.prefix.empty()) base_ += "/" + io::PercentEncoded(config.prefix, /*keep_slashes=*/true);
  endpoints_ = std::move(config.endpoints);
  knows_idempotency_ = config.idempotency;
  options_.headers = std::move(config.headers);
  if (!config.separator.empty()) {
    separator_ = config.separator.starts_with('%') ? config.separator : io::PercentEncoded(config.separator);
  }
}

io::HttpResponse RestConnection::Send(const char* method, const std::string& path, const std::string& body) {
  return SendTo(method, base_ + path, body);
}

/// UUIDv7 (RFC 9562), as the spec asks: 48 bits of time, the rest random.
std::string RestConnection::NewIdempotencyKey() {
  const std::lock_guard lock(mutex_);
  std::string key = random_.Uuid();
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Now().time_since_epoch());
  const std::string time = fmt::format("{:012x}", static_cast<uint64_t>(now.count()) & 0xffff'ffff'ffffU);
  key.replace(0, 8, time, 0, 8);
  key.replace(9, 4, time, 8, 4);
  key[14] = '7';
  return key;
}

io::HttpResponse RestConnection::Change(const char* method, const std::string& path, const std::string& body) {
  if (!knows_idempotency_) return SendTo(method, base_ + path, body);
  const std::string key = NewIdempotencyKey();
  const auto once_more = [&]() -> std::optional<io::HttpResponse> {
    try {
      auto again = SendTo(method, base_ + path, body, key);
      if (again.status == 200 || again.status == 204) return again;
    } catch (const Error&) {
      // Whatever ails the second request, the first may have been obeyed: only what became of that one counts.
    }
    return std::nullopt;
  };
  try {
    auto first = SendTo(method, base_ + path, body, key);
    if (first.status < 500) return first;
    return once_more().value_or(std::move(first));
  } catch (const io::HttpFailure& failure) {
    if (failure.may_have_arrived()) {
      if (auto again = once_more()) return std::move(*again);
    }
    throw;
  }
}

io::HttpResponse RestConnection::SendTo(const char* method, const std::string& url, const std::string& body,
                                        const std::string& idempotency_key) {
  io::HttpRequest request;
  request.method = method;
  request.url = url;
  request.headers = {{"Accept", "application/json"}};
  if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
  if (!idempotency_key.empty()) request.headers.push_back({"Idempotency-Key", idempotency_key});
  if (options_.vended_credentials) request.headers.push_back({"X-Iceberg-Access-Delegation", "vended-credentials"});
  for (const auto& [name, value] : options_.headers) request.headers.push_back({name, value});
  request.body = body;
  request.timeout = options_.timeout;
  request.response_bytes_max = kAnswerBytesMax;
  io::HttpRequest authorized = request;
  auth_->Authorize(authorized);
  io::HttpResponse response = Exchange(authorized);
  const bool refused = response.status == 401 || response.status == 419;
  if (!refused || !auth_->Renew(authorized)) return response;
  auth_->Authorize(request);
  return Exchange(request);
}

io::HttpResponse RestConnection::Exchange(const io::HttpRequest& request) {
  return io::SendTimed(http_, request, [&](int status, double seconds) {
    CatalogAnswered{.method = request.method, .status = status, .seconds = seconds}.Emit();
  });
}

std::string RestConnection::NamespaceInPath(std::string_view name_space) const {
  std::string path;
  for (const std::string& level : LevelsOf(name_space)) {
    if (!path.empty()) path += separator_;
    path += io::PercentEncoded(level);
  }
  return path;
}

}  // namespace millrace::catalog
