#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "io/http_client.h"

namespace millrace::services {

/// What a service of tests answers to this in JSON: GET where nothing is asked.
inline nlohmann::json AskJson(const std::string& url, const nlohmann::json& asked = {}) {
  static io::HttpClient http;
  const auto body = asked.is_null() ? std::string() : asked.dump();
  io::HttpRequest request;
  request.url = url;
  if (!body.empty()) request.method = "POST";
  request.body = body;
  const auto response = http.Send(request);
  EXPECT_EQ(response.status, 200) << url << "\n" << response.body;
  return nlohmann::json::parse(response.body);
}

}  // namespace millrace::services
