#include "api/console_routes.h"

#include <optional>
#include <string>
#include <utility>

#include "console/bundle.h"

namespace millrace::api {
namespace {

/// Scripts and styles are files of this server and nothing else; no text becomes markup (trusted types), whatever a
/// topic or a record is called.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types "
    "'none'";

/// "gzip, br;q=0.8" takes gzip; "gzip;q=0" does not.
bool TakesGzip(const io::HttpCall& call) {
  const auto accepted = call.header("Accept-Encoding").value_or("");
  const auto at = accepted.find("gzip");
  if (at == std::string_view::npos) return false;
  const auto rest = accepted.substr(at + 4, accepted.find(',', at) - at - 4);
  return rest.find("q=0") == std::string_view::npos || rest.find_first_of("123456789") != std::string_view::npos;
}

io::HttpReply Serve(const io::HttpCall& call, const console::BundledFile& file) {
  io::HttpReply reply;
  reply.headers = {{"ETag", std::string(file.etag)},
                   {"Vary", file.immutable ? "Accept-Encoding" : "Accept, Accept-Encoding"},
                   {"Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
                   {"Content-Security-Policy", kPolicy},
                   {"Cross-Origin-Opener-Policy", "same-origin"}};
  if (const auto known = call.header("If-None-Match"); known && known->find(file.etag) != std::string_view::npos) {
    reply.status = 304;
    return reply;
  }
  reply.headers.push_back({"Content-Type", std::string(file.content_type)});
  if (!file.packed.empty() && TakesGzip(call)) {
    reply.headers.push_back({"Content-Encoding", "gzip"});
    reply.body = file.packed;
  } else {
    reply.body = file.bytes;
  }
  return reply;
}

/// A browser that goes to a place says so; programs ask for JSON, or for anything.
bool WantsPage(const io::HttpCall& call) {
  return call.header("Accept").value_or("").find("text/html") != std::string_view::npos;
}

io::HttpHandler PageOr(const console::BundledFile& page, std::optional<io::HttpRoute> other, const Door& door) {
  if (!other) return [&page](io::HttpCall& call) { return Serve(call, page); };
  return [&page, &door, other = *std::move(other)](io::HttpCall& call) {
    if (WantsPage(call)) return Serve(call, page);
    if (auto refusal = door.RefuseBehind(call, other)) return *std::move(refusal);
    return other.handler(call);
  };
}

}  // namespace

void AddConsoleRoutes(io::HttpRoutes& routes, const Door& door) {
  for (const auto& file : console::BundledFiles()) {
    const std::string path(file.path);
    const auto* other = routes.FindSame("GET", path);
    if (other != nullptr && other->role != "read") continue;
    routes.Add(
        {.method = "GET", .pattern = path, .handler = PageOr(file, routes.Take("GET", path), door), .open = true});
  }
}

}  // namespace millrace::api
