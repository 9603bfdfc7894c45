#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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

/// Another server of that protocol, slower, which has TTL (it takes nothing away by it).
inline const std::string& MotoEndpoint() {
  static const judge::Folder folder;
  static const Service server("s3.py", {"serve", "moto", folder.File("moto")});
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

/// boto3 at an endpoint.
inline const std::string& DynamoReader(const std::string& endpoint) {
  static std::map<std::string, std::unique_ptr<Service>> readers;
  auto& reader = readers[endpoint];
  if (!reader) reader = std::make_unique<Service>("dynamodb_reader.py", std::vector<std::string>{endpoint});
  return reader->address();
}

/// What boto3 reads of a table, sorted.
inline nlohmann::json ReadTable(const std::string& table, const std::string& endpoint = DynamoEndpoint()) {
  return AskJson(DynamoReader(endpoint), {{"table", table}});
}

/// A call of boto3's client.
inline nlohmann::json DynamoCall(const std::string& operation, const nlohmann::json& arguments,
                                 const std::string& endpoint = DynamoEndpoint()) {
  return AskJson(DynamoReader(endpoint), {{"operation", operation}, {"arguments", arguments}});
}

}  // namespace millrace::services
