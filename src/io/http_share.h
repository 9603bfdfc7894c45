#pragma once

#include <curl/curl.h>

#include <array>
#include <mutex>

namespace millrace::io {

/// Names looked up and TLS sessions, shared by the handles of one client. Connections are not: curl cannot share them
/// between threads. Outlives the handles.
class HttpShare {
 public:
  HttpShare();
  ~HttpShare();
  HttpShare(const HttpShare&) = delete;
  HttpShare& operator=(const HttpShare&) = delete;

  CURLSH* get() const { return share_; }

 private:
  static void Lock(CURL*, curl_lock_data data, curl_lock_access, void* self);
  static void Unlock(CURL*, curl_lock_data data, void* self);

  CURLSH* share_;
  std::array<std::mutex, CURL_LOCK_DATA_LAST> mutexes_;
};

/// One request at a time, with the connections it keeps for the next.
class HttpHandle {
 public:
  explicit HttpHandle(const HttpShare& share);
  ~HttpHandle();
  HttpHandle(const HttpHandle&) = delete;
  HttpHandle& operator=(const HttpHandle&) = delete;

  CURL* easy() const { return easy_; }
  CURLM* multi() const { return multi_; }
  /// Forgets the options of the last request, keeps the connections.
  void Reset();

 private:
  const HttpShare& share_;
  CURLM* multi_;
  CURL* easy_;
};

}  // namespace millrace::io
