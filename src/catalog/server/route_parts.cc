#include "catalog/server/route_parts.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "catalog/server/catalog_refusal.h"
#include "catalog/sql/sql_catalog.h"
#include "schema/json_object.h"

namespace millrace::catalog {
namespace {

constexpr int64_t kBodyBytesMax = int64_t{16} << 20;
/// Each holds a table's metadata twice, as it is and as text.
constexpr int kInFlightMax = 64;

}  // namespace

void AddRoute(io::HttpRoutes& routes, const char* method, std::string pattern, Access access, io::HttpHandler handler) {
  const bool looks = access == Access::kLook;
  io::HttpRoute route{.method = method, .pattern = std::move(pattern), .handler = {}};
  route.handler = [handler = std::move(handler), looks](io::HttpCall& call) {
    auto reply = AnswerOf([&] { return handler(call); });
    return looks && call.method == "HEAD" && reply.status == 200 ? NoContent() : reply;
  };
  route.role = looks ? "read" : "operate";
  route.body_bytes_max = looks ? 0 : kBodyBytesMax;
  route.in_flight_max = kInFlightMax;
  route.buffered = !looks;
  routes.Add(std::move(route));
}

nlohmann::json BodyOf(const io::HttpCall& call) {
  auto body = schema::ParseJson(call.body->ReadAll(), "the request");
  if (!body.is_object()) throw Error(ErrorCode::kData, "the request is no JSON object");
  return body;
}

io::HttpReply Answer(const nlohmann::json& body) {
  return io::JsonReply(200, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

io::HttpReply NoContent() { return {.status = 204, .headers = {}, .body = {}, .stream = {}}; }

nlohmann::json Page(const io::HttpCall& call, const char* member, const std::vector<std::string>& names,
                    const std::function<nlohmann::json(const std::string&)>& print) {
  size_t size = names.size();
  if (const auto text = call.QueryValue("pageSize")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), size);
    if (error != std::errc() || end != text->data() + text->size() || size == 0) {
      throw Error(ErrorCode::kData, "pageSize '" + std::string(*text) + "' is no number above 0");
    }
  }
  // The token is the last name of the page before: names that come or go meanwhile move nothing.
  const std::string after(call.QueryValue("pageToken").value_or(""));
  auto name = after.empty() ? names.begin() : std::ranges::upper_bound(names, after);
  nlohmann::json items = nlohmann::json::array();
  for (; name != names.end() && items.size() < size; ++name) items.push_back(print(*name));
  nlohmann::json body = {{member, std::move(items)}, {"next-page-token", nullptr}};
  if (name != names.end()) body["next-page-token"] = *std::prev(name);
  return body;
}

void RequireNamespace(SqlCatalog& catalog, const std::string& name_space) {
  if (!catalog.NamespaceProperties(name_space)) throw CatalogRefusal::NoNamespace(name_space);
}

}  // namespace millrace::catalog
