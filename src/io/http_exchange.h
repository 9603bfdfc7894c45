#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "io/http_client.h"
#include "io/http_share.h"

namespace millrace::io {

/// "PUT https://host/path", without what may be secret: user, query, fragment.
std::string Describe(const HttpRequest& request);

/// One request and its answer. curl sends a request again by itself when a kept connection turns out to be dead before
/// the answer begins; that is prevented here, because the server may have acted.
class HttpExchange {
 public:
  HttpExchange(const HttpClient::Options& options, const HttpRequest& request, HttpHandle& handle);
  ~HttpExchange();
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  HttpResponse Run(std::stop_token stop);

 private:
  void SetUp();
  void SetBody();
  void SetHeaders();
  int Transfer(const std::stop_token& stop);  // a CURLcode
  [[noreturn]] void Fail(int code, bool stopped) const;

  static curl_socket_t OpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int BeforeSending(void* self, char*, char*, int, int);
  static size_t ReadBody(char* out, size_t size, size_t count, void* self);
  static size_t TakeBody(char* bytes, size_t size, size_t count, void* self);
  static size_t TakeHeader(char* bytes, size_t size, size_t count, void* self);

  const HttpClient::Options& options_;
  const HttpRequest& request_;
  HttpHandle& handle_;
  curl_slist* header_list_ = nullptr;
  HttpResponse response_;
  std::string_view unsent_;
  int64_t header_bytes_ = 0;
  bool headers_ended_ = false;
  bool sending_began_ = false;
  bool too_large_ = false;
  bool address_allowed_ = false;
  std::string refused_address_;
};

}  // namespace millrace::io
