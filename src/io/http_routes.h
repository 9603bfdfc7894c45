#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/http_call.h"

namespace millrace::io {

/// What answers one method under one pattern of paths: "/tables/{table}/snapshots". A `{name}` takes one segment,
/// which may hold an encoded slash; a last `{name*}` takes the rest of the path, encoded slashes staying encoded.
struct HttpRoute {
  std::string method;
  std::string pattern;
  HttpHandler handler;
  bool open = false;  // for the guard: answers anyone, without a token
  int64_t body_bytes_max = 0;
  /// More at the same time are told 503 with Retry-After; so no route can take the threads of another.
  int in_flight_max = 16;
  /// The body is read whole before the handler starts and counts as in flight: who sends slowly holds no thread and no
  /// place. Such a body has a lowest speed, and is the first to go when connections or memory run out.
  bool buffered = false;
  /// A chunked body is handed on as it comes all the same: the handler answers while the client sends.
  bool streams_chunked = false;
  /// Bodies with a Content-Encoding are taken, and handed on as they came.
  bool takes_packed = false;
  std::string role = "read";  // for the guard: what a token must be good for
};

struct HttpMatch {
  const HttpRoute* route = nullptr;
  std::map<std::string, std::string> parameters;
  std::vector<std::string> allowed;  // without a route: the methods that this path has
};

/// The table of routes. Built once, then only read, from any thread. A literal segment is preferred to a parameter.
/// HEAD is answered by the route of GET.
class HttpRoutes {
 public:
  /// Error kInternal for a pattern that is malformed or there already.
  void Add(HttpRoute route);
  /// Takes one out, for who puts another in its place; nullopt: there is none. Error kInternal for a pattern that is
  /// malformed.
  std::optional<HttpRoute> Take(std::string_view method, const std::string& pattern);
  /// The route that answers the same method and paths, whatever the parameters are called; null: none. Error kInternal
  /// for a pattern that is malformed.
  const HttpRoute* FindSame(std::string_view method, const std::string& pattern) const;
  HttpMatch Find(std::string_view method, std::string_view path) const;
  const std::vector<HttpRoute>& all() const { return routes_; }

 private:
  struct Pattern {
    std::vector<std::string> segments;  // "{}" for a parameter, "{*}" for the rest
    std::vector<std::string> names;
  };
  static Pattern Parse(const std::string& pattern);
  const HttpRoute* FindSame(std::string_view method, const Pattern& pattern) const;

  std::vector<HttpRoute> routes_;
  std::vector<Pattern> patterns_;
};

/// nullopt for a broken escape or a NUL.
std::optional<std::string> PercentDecoded(std::string_view text, bool plus_is_space);
/// "a=1&b=x%20y"; nullopt when a name or value cannot be decoded.
std::optional<std::vector<std::pair<std::string, std::string>>> ParseQuery(std::string_view query);

}  // namespace millrace::io
