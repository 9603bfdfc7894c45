#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "io/http_client.h"
#include "io/json_web_keys.h"

namespace millrace::api {

/// The public keys of an OpenID Connect issuer, found by its discovery document, fetched by a thread of its own: at the
/// start, every five minutes, and when somebody asks for it, five seconds apart at least. When the issuer does not
/// answer, the keys that are there stay good for a day. Thread-safe.
class IssuerKeys {
 public:
  struct Options {
    std::string issuer;   // "https://login.example.com/realms/a"
    std::string ca_file;  // empty: the system's
  };
  explicit IssuerKeys(Options options);

  /// Null: none are there, or they are too old.
  std::shared_ptr<const io::JsonWebKeys> Get() const;
  /// Asks for newer ones. False: they came a moment ago, and asking again says nothing new.
  bool Renew();

 private:
  void Run(std::stop_token stop);
  std::shared_ptr<const io::JsonWebKeys> Fetch(const std::stop_token& stop);
  std::string Document(const std::string& url, const std::stop_token& stop);

  const Options options_;
  io::HttpClient client_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::shared_ptr<const io::JsonWebKeys> keys_;
  SteadyTime fetched_{};               // when the keys came
  std::optional<SteadyTime> tried_{};  // when they were asked for last
  bool wanted_ = true;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace millrace::api
