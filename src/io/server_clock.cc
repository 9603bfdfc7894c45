#include "io/server_clock.h"

#include <curl/curl.h>

#include <string>

namespace millrace::io {

Timestamp ServerClock::Now() const { return clock_.Now() + std::chrono::seconds(ahead_seconds_.load()); }

bool ServerClock::Adopt(const HttpResponse& response) {
  const auto date = response.header("date");
  const time_t theirs = date ? curl_getdate(std::string(*date).c_str(), nullptr) : -1;
  if (theirs == -1) return false;
  const auto ours = std::chrono::duration_cast<std::chrono::seconds>(clock_.Now().time_since_epoch()).count();
  return ahead_seconds_.exchange(theirs - ours) != theirs - ours;
}

}  // namespace millrace::io
