#pragma once

#include <optional>
#include <string>
#include <vector>

#include "source/http_ingest/http_intake.h"
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
  IntakeLimits limits;
};

}  // namespace millrace::source
