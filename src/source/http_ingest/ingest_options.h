#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/json_path.h"

namespace millrace::source {

struct IngestRoute {
  std::string pattern;  // of io::HttpRoutes: "/somedata/{value}"
  std::string topic;
  std::optional<JsonPath> key;  // of the record, within it
};

struct IngestOptions {
  std::string name;
  std::vector<IngestRoute> routes;
  int64_t body_bytes_max = int64_t{16} << 20;  // as sent, and unpacked
  int64_t records_max = 100'000;               // of one request
  double expansion_max = 200;                  // of a packed body
  int in_flight_max = 256;                     // requests of one route that wait for the stream
};

}  // namespace millrace::source
