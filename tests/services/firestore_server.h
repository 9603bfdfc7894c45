#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "document/firestore/firestore_options.h"
#include "judge/python.h"
#include "services/ask_json.h"
#include "services/service.h"

namespace millrace::services {

/// A sentence when the server is not installed.
inline std::string FirestoreLacks() {
  const auto deps = std::string(MILLRACE_DEPS_DIR);
  const bool there = std::filesystem::exists(deps + "/firestore") && std::filesystem::exists(deps + "/googlefirestore");
  return there ? "" : "no server of Firestore's protocol is here: run scripts/setup --servers";
}

/// Where it is, started at the first call.
inline const std::string& FirestoreEndpoint() {
  static const judge::Folder folder;
  static const Service server("firestore.py", {"serve", folder.File("firestore")});
  return server.address();
}

/// Its REST API.
inline const std::string& FirestoreRestEndpoint() {
  static const Service server("firestore_rest.py", {FirestoreEndpoint()});
  return server.address();
}

inline document::FirestoreServer FirestoreAt(const std::string& endpoint) {
  document::FirestoreServer server;
  server.project = "millrace-test";
  server.endpoint = endpoint;
  server.retry.wait_max = std::chrono::milliseconds(20);
  return server;
}

/// What Google's client reads of a collection, sorted.
inline nlohmann::json AskFirestore(const nlohmann::json& asked) {
  static const Service reader("firestore_reader.py", {FirestoreEndpoint()});
  return AskJson(reader.address(), asked);
}
inline nlohmann::json ReadFirestore(const std::string& collection) {
  return AskFirestore({{"collection", collection}});
}

}  // namespace millrace::services
