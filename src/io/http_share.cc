#include "io/http_share.h"

#include "base/error.h"

namespace millrace::io {
namespace {

template <typename Handle>
Handle* Made(Handle* handle) {
  if (handle == nullptr) throw Error(ErrorCode::kUnavailable, "curl could not start: out of memory or descriptors");
  return handle;
}

void StartCurl() {
  static const auto started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw Error(ErrorCode::kInternal, "curl could not start");
}

}  // namespace

HttpShare::HttpShare() {
  StartCurl();
  share_ = Made(curl_share_init());
  curl_share_setopt(share_, CURLSHOPT_USERDATA, this);
  curl_share_setopt(share_, CURLSHOPT_LOCKFUNC, &Lock);
  curl_share_setopt(share_, CURLSHOPT_UNLOCKFUNC, &Unlock);
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

HttpShare::~HttpShare() { curl_share_cleanup(share_); }

void HttpShare::Lock(CURL*, curl_lock_data data, curl_lock_access, void* self) {
  static_cast<HttpShare*>(self)->mutexes_[data].lock();
}

void HttpShare::Unlock(CURL*, curl_lock_data data, void* self) {
  static_cast<HttpShare*>(self)->mutexes_[data].unlock();
}

HttpHandle::HttpHandle(const HttpShare& share)
    : share_(share), multi_(Made(curl_multi_init())), easy_(Made(curl_easy_init())) {
  Reset();
}

HttpHandle::~HttpHandle() {
  curl_easy_cleanup(easy_);
  curl_multi_cleanup(multi_);
}

void HttpHandle::Reset() {
  curl_easy_reset(easy_);
  curl_easy_setopt(easy_, CURLOPT_SHARE, share_.get());
}

}  // namespace millrace::io
