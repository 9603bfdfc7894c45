#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/api_server.h"
#include "app/config_model.h"

namespace millrace::app {

struct ListenAddress {
  std::string address;  // an IP address
  uint16_t port = 0;
};

/// "127.0.0.1:8080", "localhost:0", "[::1]:8080"; nullopt when it is none.
std::optional<ListenAddress> ParseListen(const std::string& text);

api::ApiOptions ApiOptionsFor(const ServerConfig& server);

}  // namespace millrace::app
