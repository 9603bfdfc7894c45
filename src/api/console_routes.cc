#include "api/console_routes.h"

#include <algorithm>
#include <string>

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
                   {"Vary", "Accept-Encoding"},
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

}  // namespace

void AddConsoleRoutes(io::HttpRoutes& routes) {
  if (routes.FindSame("GET", "/") != nullptr) return;
  for (const auto& file : console::BundledFiles()) {
    routes.Add({.method = "GET",
                .pattern = std::string(file.path),
                .handler = [&file](io::HttpCall& call) { return Serve(call, file); },
                .open = true});
  }
}

}  // namespace millrace::api
