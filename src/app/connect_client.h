#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/session.h"
#include "io/http_client.h"

namespace millrace::app {

/// Asks a worker's REST API, of this program or of Kafka Connect, for verbs.
class ConnectClient {
 public:
  /// `url` empty: that of the process that runs the pipeline of the session. MILLRACE_TOKEN goes along as a bearer
  /// token. Error kUsage for what is no address.
  ConnectClient(const Session& session, std::string url);

  /// The answer's body; null where it has none. Error kUsage with what the worker says when it refuses, kUnavailable
  /// when nobody answers.
  nlohmann::ordered_json Ask(const std::string& method, const std::string& path,
                             const std::optional<nlohmann::ordered_json>& body = std::nullopt);

 private:
  std::string url_;
  io::HttpClient client_;
};

}  // namespace millrace::app
