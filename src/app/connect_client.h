#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>

#include "app/session.h"
#include "io/http_client.h"

namespace millrace::app {

/// Where a worker is, as a verb's options say.
struct WorkerPlace {
  std::string url;      // empty: that of the process that runs the pipeline of the session
  std::string ca_file;  // PEM of who signed its certificate; empty: the system's
};
void AddWorkerOptions(CLI::App& verb, WorkerPlace& place);

/// Asks a worker's REST API, of this program or of Kafka Connect, for verbs.
class ConnectClient {
 public:
  /// MILLRACE_TOKEN goes along as a bearer token. Error kUsage for what is no address.
  ConnectClient(const Session& session, WorkerPlace place);

  /// The answer's body; null where it has none. Error kUsage with what the worker says when it refuses, kUnavailable
  /// when nobody answers, or `stop` was asked for.
  nlohmann::ordered_json Ask(const std::string& method, const std::string& path,
                             const std::optional<nlohmann::ordered_json>& body = std::nullopt,
                             std::stop_token stop = {});

  const std::string& url() const { return url_; }

 private:
  std::string url_;
  io::HttpClient client_;
};

}  // namespace millrace::app
