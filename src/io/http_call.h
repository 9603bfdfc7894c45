#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/http_header.h"

namespace millrace::io {

/// The body of a request, as it was sent, read piece by piece while it arrives: what is not asked for stays in the
/// client's socket. That of a buffered route (HttpRoute) comes as one piece.
class HttpBody {
 public:
  virtual ~HttpBody() = default;
  /// The next piece, valid until the next call; empty at the end. Throws HttpRefusal when the body is larger than the
  /// route takes or stops coming.
  virtual std::string_view Read() = 0;
  std::string ReadAll();
};

/// Ends a request with a status and a sentence, from anywhere below its handler.
class HttpRefusal : public Error {
 public:
  HttpRefusal(int status, std::string message, std::vector<HttpHeader> headers = {});
  int status() const { return status_; }
  const std::vector<HttpHeader>& headers() const { return headers_; }

 private:
  int status_;
  std::vector<HttpHeader> headers_;
};

struct HttpRoute;

/// Who sends a request, as far as the guard found out.
struct HttpCaller {
  std::string name;                // for logs, never a secret; empty: a stranger
  std::vector<std::string> roles;  // what it may do: of HttpRoute::role
};

/// One request that is being served.
struct HttpCall {
  std::string method;
  std::string path;                                        // percent-encoded, as sent, without the query
  std::map<std::string, std::string> parameters;           // of the route's pattern, decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::vector<HttpHeader> headers;
  std::string peer;  // the client's address
  bool tls = false;
  /// Of the certificate that the client showed and the server checked: "CN:a", "DNS:a", "URI:a", "email:a".
  std::vector<std::string> certificate_names;
  const HttpRoute* route = nullptr;  // that it matches, found before the guard is asked; null: none
  HttpCaller caller;                 // the guard fills it in
  bool refused = false;              // by the guard
  HttpBody* body = nullptr;          // lives as long as the call
  /// Requested when the server drains: what could go on for ever ends.
  std::stop_token stopping;

  /// nullopt when it is not there or, as nobody may rely on one of them, is there more than once.
  std::optional<std::string_view> header(std::string_view name) const;
  size_t CountHeaders(std::string_view name) const;
  std::optional<std::string_view> QueryValue(std::string_view name) const;
};

/// Takes a reply piece by piece, no faster than the client reads it.
class HttpReplyStream {
 public:
  virtual ~HttpReplyStream() = default;
  /// False when the client has gone, or reads nothing for too long: then the handler ends.
  virtual bool Write(std::string_view bytes) = 0;
};

struct HttpReply {
  int status = 200;
  std::vector<HttpHeader> headers;  // Content-Type among them; Content-Length and Date are added
  std::string body;
  /// Given: the body is what this writes, of whatever length; it runs in the handler's thread.
  std::function<void(HttpReplyStream&)> stream;
};

using HttpHandler = std::function<HttpReply(HttpCall&)>;

HttpReply JsonReply(int status, std::string json);
/// {"error_code": 404, "message": "..."}: the form of Kafka Connect, the REST Proxy and the schema registry.
HttpReply ErrorReply(int status, std::string_view message);
/// What a client is told of a failure: an HttpRefusal as it says, Errors by their code, anything else without detail.
HttpReply ReplyTo(const std::exception& failure);

}  // namespace millrace::io
