#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "io/http_client.h"
#include "telemetry/telemetry_events.h"

namespace millrace::telemetry {

/// Posts to one address, again where that may help, and keeps the books of what was lost.
class Poster {
 public:
  struct Options {
    std::string url;
    std::vector<io::HttpHeader> headers;
    std::string ca_file;  // empty: the system's
    std::chrono::milliseconds timeout{10'000};
  };
  Poster(Kind kind, Options options);

  /// The answer's body once it was taken; nullopt when it was lost: `count` things then, counted and said.
  std::optional<std::string> Post(const std::string& body, std::string_view content_type, size_t count,
                                  const std::stop_token& stop);
  void Took(size_t count);
  void Drop(size_t count, Loss loss, std::string_view why);

 private:
  const Kind kind_;
  const Options options_;
  io::HttpClient client_;
  std::atomic<bool> dropping_ = false;
};

}  // namespace millrace::telemetry
