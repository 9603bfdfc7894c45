#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "judge/python.h"
#include "services/ask_json.h"
#include "services/service.h"

namespace millrace::services {

/// A sentence when the server is not installed.
inline std::string MongoLacks() {
  const auto jars = std::string(MILLRACE_DEPS_DIR) + "/mongo";
  return std::filesystem::exists(jars) ? "" : "no server of MongoDB's protocol is here: run scripts/setup --servers";
}

/// Where it is, started at the first call.
inline const std::string& MongoUri() {
  static const judge::Folder folder;
  static const Service server("mongodb.py", {"serve", folder.File("mongo")});
  return server.address();
}

/// What pymongo reads of a collection, sorted by id; puts documents there first (Extended JSON).
inline nlohmann::json ReadCollection(const std::string& database, const std::string& collection,
                                     const std::vector<std::string>& first = {}) {
  static const Service reader("mongodb_reader.py", {MongoUri()});
  return AskJson(reader.address(), {{"database", database}, {"collection", collection}, {"first", first}});
}

}  // namespace millrace::services
