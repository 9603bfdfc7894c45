#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "io/aws_json_client.h"
#include "judge/python.h"
#include "services/ask_json.h"
#include "services/service.h"

namespace millrace::services {

/// A sentence when the server is not installed.
inline std::string DynamoLacks() {
  const auto deps = std::string(MILLRACE_DEPS_DIR);
  const bool there = std::filesystem::exists(deps + "/dynalite") && std::filesystem::exists(deps + "/moto");
  return there ? "" : "no server of DynamoDB's protocol is here: run scripts/setup --servers";
}

/// Where it is, started at the first call.
inline const std::string& DynamoEndpoint() {
  static const judge::Folder folder;
  static const Service server("dynamodb.py", {"serve", folder.File("dynamodb")});
  return server.address();
}

inline io::AwsJsonOptions DynamoAt(const std::string& endpoint) {
  io::AwsJsonOptions options;
  options.endpoint = endpoint;
  options.region = "us-east-1";
  options.credentials.keys = io::AwsCredentials{"millrace-test", "millrace-test-secret", "", {}};
  options.retry.wait_max = std::chrono::milliseconds(20);
  return options;
}

inline const std::string& DynamoReader() {
  static const Service reader("dynamodb_reader.py", {DynamoEndpoint()});
  return reader.address();
}

/// What boto3 reads of a table, sorted.
inline nlohmann::json ReadTable(const std::string& table) { return AskJson(DynamoReader(), {{"table", table}}); }

/// A call of boto3's client.
inline nlohmann::json DynamoCall(const std::string& operation, const nlohmann::json& arguments) {
  return AskJson(DynamoReader(), {{"operation", operation}, {"arguments", arguments}});
}

}  // namespace millrace::services
