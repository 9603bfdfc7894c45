#pragma once

#include <optional>
#include <string>

#include "config/mark.h"
#include "config/value_types.h"

/// Who is told what the pipeline does, as people write it: docs/observability.md.
namespace millrace::app {

struct TracesConfig : config::Located {
  std::optional<std::string> endpoint;
  std::optional<config::Secret> token;
  std::optional<config::Path> ca_file;
  std::optional<std::string> service_name;
  std::optional<config::Share> sample;
};

struct LineageConfig : config::Located {
  std::optional<std::string> url;
  std::optional<config::Path> file;
  std::optional<config::Secret> api_key;
  std::optional<config::Path> ca_file;
  std::optional<std::string> name_space;
};

}  // namespace millrace::app
