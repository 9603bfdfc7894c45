#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/http_header.h"

namespace millrace::io {

enum class HttpVersion {
  k1,
  k2,  // on http:// from the first byte, on https:// when the server agrees
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // absolute, http or https, path and query already percent-encoded
  std::vector<HttpHeader> headers;
  std::string_view body;  // must outlive the call
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{30'000};       // the whole exchange
  std::chrono::seconds stall_time{0};              // without a byte either way; 0: only `timeout` counts
  int64_t response_bytes_max = int64_t{64} << 20;  // of the body as it is handed on; more is a failure, no truncation
  bool unpack = false;                             // ask for a compressed body, and hand it on unpacked
  HttpVersion version = HttpVersion::k1;
  /// Given: the body goes here as it comes, of any length, and not into the answer. It does not throw; false ends the
  /// exchange, as a failure of the network does.
  std::function<bool(std::string_view bytes)> on_body = nullptr;
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;
  std::vector<HttpHeader> trailers;  // what a server adds behind the body

  /// The value of a header, its name in any case; nullopt when it is not there.
  std::optional<std::string_view> header(std::string_view name) const;
};

enum class HttpFailureCause {
  kNetwork,         // trying again may help
  kStopped,         // `stop` was requested
  kTooLarge,        // the answer is larger than was allowed
  kAddressRefused,  // HttpClient::Options::allow_address said no
};

/// No whole answer came. Code kUnavailable. The message names method, scheme, host and path, never query or headers.
class HttpFailure : public Error {
 public:
  HttpFailure(std::string message, bool may_have_arrived, HttpFailureCause cause = HttpFailureCause::kNetwork)
      : Error(ErrorCode::kUnavailable, std::move(message)), may_have_arrived_(may_have_arrived), cause_(cause) {}
  /// False only when it is certain that the server never saw the request.
  bool may_have_arrived() const { return may_have_arrived_; }
  HttpFailureCause cause() const { return cause_; }

 private:
  bool may_have_arrived_;
  HttpFailureCause cause_;
};

/// Sends requests over kept connections. One attempt a call: nothing retries or follows redirects underneath.
/// Thread-safe.
class HttpClient {
 public:
  struct Options {
    std::string user_agent = "millrace";
    std::string ca_file;  // empty: the system's
    /// Reads the `http_proxy`, `https_proxy` and `no_proxy` variables.
    bool use_proxy_variables = true;
    /// Asked about each IP address (text, without port) before a connection to it is opened, after the name was looked
    /// up: what a name says a moment later cannot matter. Null: any. With a proxy it is the proxy's address.
    std::function<bool(const std::string& address)> allow_address = nullptr;
  };
  HttpClient();
  explicit HttpClient(Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any status is an answer, not a failure. Error HttpFailure when none came whole or `stop` was requested.
  HttpResponse Send(const HttpRequest& request, std::stop_token stop = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Send, and `told` how it ended: the status (0: no answer came) and the seconds that it took. What stops the thread's
/// OutagePatience, if it has one, ends it.
HttpResponse SendTimed(HttpClient& client, const HttpRequest& request,
                       const std::function<void(int status, double seconds)>& told);

}  // namespace millrace::io
