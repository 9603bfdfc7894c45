#include "io/http_exchange.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "io/http_redaction.h"
#include "io/http_url.h"

namespace millrace::io {
namespace {

constexpr int64_t kHeaderBytesMax = int64_t{256} << 10;
constexpr int kPollMilliseconds = 1000;

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

/// A line break in a header would begin another one.
void CheckHeader(const HttpHeader& header) {
  constexpr std::string_view kBreaks("\r\n\0", 3);
  if (header.name.empty() || header.name.find_first_of(kBreaks) != std::string::npos ||
      header.value.find_first_of(kBreaks) != std::string::npos) {
    throw Error(ErrorCode::kInternal, fmt::format("a request header '{}' has a line break or no name", header.name));
  }
}

long CurlVersion(const HttpRequest& request) {
  if (request.version == HttpVersion::k1) return CURL_HTTP_VERSION_1_1;
  return request.url.starts_with("https:") ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

/// curl before 8.0 cannot speak HTTP/2 from the first byte on a connection that it kept (its issue 10634).
bool IsForOneRequest(const HttpRequest& request) {
  constexpr unsigned kMended = 0x080000;
  return CurlVersion(request) == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE &&
         curl_version_info(CURLVERSION_NOW)->version_num < kMended;
}

/// What to do about a failure that is not the network's mood.
std::string_view MendOf(int code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "; check the host name and the machine's DNS";
    case CURLE_COULDNT_CONNECT:
      return "; check that the server runs, its port, and firewalls between";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "; the server's certificate is not trusted: install its CA or check the host name";
    case CURLE_SSL_CACERT_BADFILE:
      return "; the file of CA certificates cannot be read";
    case CURLE_OPERATION_TIMEDOUT:
      return "; the server or the network is slow, or the port is filtered";
    default:
      return "";
  }
}

}  // namespace

std::string Describe(const HttpRequest& request) { return request.method + " " + ShownUrl(request.url); }

HttpExchange::HttpExchange(const HttpClient::Options& options, const HttpRequest& request, HttpHandle& handle)
    : options_(options), request_(request), handle_(handle), unsent_(request.body) {
  for (const auto& header : request.headers) CheckHeader(header);
}

HttpExchange::~HttpExchange() {
  handle_.Reset();
  curl_slist_free_all(header_list_);
}

HttpResponse HttpExchange::Run(std::stop_token stop) {
  SetUp();
  const int code = stop.stop_requested() ? static_cast<int>(CURLE_ABORTED_BY_CALLBACK) : Transfer(stop);
  if (code != CURLE_OK) Fail(code, stop.stop_requested());
  long status = 0;
  curl_easy_getinfo(handle_.easy(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  if (status >= 400) response_.body = WithoutSecretsOf(request_, std::move(response_.body));
  return std::move(response_);
}

void HttpExchange::SetUp() {
  CURL* easy = handle_.easy();
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  // What is signed is what is sent.
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CurlVersion(request_));
  if (IsForOneRequest(request_)) {
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  }
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
  if (request_.stall_time.count() > 0) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.stall_time.count()));
  }
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!options_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  if (!options_.use_proxy_variables) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (request_.unpack) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  if (options_.allow_address) {
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  }
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &BeforeSending);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &TakeBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &TakeHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  SetBody();
  SetHeaders();
}

void HttpExchange::SetBody() {
  CURL* easy = handle_.easy();
  const bool bodyless = request_.body.empty() && request_.method != "PUT" && request_.method != "POST";
  if (request_.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!bodyless) {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &ReadBody);
    curl_easy_setopt(easy, CURLOPT_READDATA, this);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

void HttpExchange::SetHeaders() {
  // Empty values take out what curl would add by itself: waiting for "100 Continue" costs a round trip.
  header_list_ = curl_slist_append(header_list_, "Expect:");
  for (const auto& header : request_.headers) {
    const auto line = header.value.empty() ? header.name + ";" : fmt::format("{}: {}", header.name, header.value);
    header_list_ = curl_slist_append(header_list_, line.c_str());
  }
  curl_easy_setopt(handle_.easy(), CURLOPT_HTTPHEADER, header_list_);
}

int HttpExchange::Transfer(const std::stop_token& stop) {
  CURLM* multi = handle_.multi();
  curl_multi_add_handle(multi, handle_.easy());
  const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
  int code = CURLE_OK;
  for (bool done = false; !done;) {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) {
      code = CURLE_OUT_OF_MEMORY;
      break;
    }
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi, &left)) {
      done = message->msg == CURLMSG_DONE;
      code = message->data.result;
    }
    if (done) break;
    if (stop.stop_requested()) {
      code = CURLE_ABORTED_BY_CALLBACK;
      break;
    }
    curl_multi_poll(multi, nullptr, 0, kPollMilliseconds, nullptr);
  }
  curl_multi_remove_handle(multi, handle_.easy());
  return code;
}

void HttpExchange::Fail(int code, bool stopped) const {
  const auto what = Describe(request_);
  if (too_large_) {
    throw HttpFailure(
        fmt::format("{}: the answer is larger than the {} bytes allowed", what, request_.response_bytes_max), true,
        HttpFailureCause::kTooLarge);
  }
  // Where another address was let in, it may be reached the next time.
  if (!refused_address_.empty() && !address_allowed_ && !sending_began_) {
    throw HttpFailure(
        fmt::format("{}: its host has the address {}, which may not be connected to", what, refused_address_), false,
        HttpFailureCause::kAddressRefused);
  }
  if (stopped) {
    throw HttpFailure(fmt::format("{}: stopped before the answer came", what), sending_began_,
                      HttpFailureCause::kStopped);
  }
  if (code == CURLE_ABORTED_BY_CALLBACK || code == CURLE_SEND_FAIL_REWIND) {
    throw HttpFailure(fmt::format("{}: the server closed the kept connection without an answer", what), true);
  }
  throw HttpFailure(fmt::format("{}: {}{}", what, curl_easy_strerror(static_cast<CURLcode>(code)), MendOf(code)),
                    sending_began_);
}

curl_socket_t HttpExchange::OpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& exchange = *static_cast<HttpExchange*>(self);
  char text[NI_MAXHOST] = {};
  const bool named = getnameinfo(&address->addr, address->addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0;
  if (!named || !exchange.options_.allow_address(text)) {
    exchange.refused_address_ = text;
    return CURL_SOCKET_BAD;
  }
  exchange.address_allowed_ = true;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int HttpExchange::BeforeSending(void* self, char*, char*, int, int) {
  auto& exchange = *static_cast<HttpExchange*>(self);
  const bool again = exchange.sending_began_;
  exchange.sending_began_ = true;
  return again ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

size_t HttpExchange::ReadBody(char* out, size_t size, size_t count, void* self) {
  auto& unsent = static_cast<HttpExchange*>(self)->unsent_;
  const size_t taken = unsent.copy(out, size * count);
  unsent.remove_prefix(taken);
  return taken;
}

size_t HttpExchange::TakeBody(char* bytes, size_t size, size_t count, void* self) {
  auto& exchange = *static_cast<HttpExchange*>(self);
  auto& body = exchange.response_.body;
  const size_t length = size * count;
  if (exchange.request_.on_body) return exchange.request_.on_body({bytes, length}) ? length : 0;
  if (body.size() + length > static_cast<size_t>(exchange.request_.response_bytes_max)) {
    exchange.too_large_ = true;
    return 0;
  }
  body.append(bytes, length);
  return length;
}

size_t HttpExchange::TakeHeader(char* bytes, size_t size, size_t count, void* self) {
  auto& exchange = *static_cast<HttpExchange*>(self);
  const std::string_view line(bytes, size * count);
  exchange.header_bytes_ += static_cast<int64_t>(line.size());
  if (exchange.header_bytes_ > kHeaderBytesMax) {
    exchange.too_large_ = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) {  // a status line: what came before belonged to an interim answer
    exchange.response_.headers.clear();
    exchange.headers_ended_ = false;
    return line.size();
  }
  if (Trimmed(line).empty()) exchange.headers_ended_ = true;
  const auto colon = line.find(':');
  if (colon != std::string_view::npos) {
    auto& headers = exchange.headers_ended_ ? exchange.response_.trailers : exchange.response_.headers;
    headers.push_back({std::string(Trimmed(line.substr(0, colon))), std::string(Trimmed(line.substr(colon + 1)))});
  }
  return line.size();
}

}  // namespace millrace::io
