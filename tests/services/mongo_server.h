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

/// The same with an oplog, and so with change streams.
inline const std::string& MongoOplogUri() {
  static const judge::Folder folder;
  static const Service server("mongodb.py", {"serve", folder.File("mongo"), "oplog"});
  return server.address();
}

/// What pymongo reads of a collection, sorted by id; puts documents there first (Extended JSON).
inline nlohmann::json ReadCollection(const std::string& database, const std::string& collection,
                                     const std::vector<std::string>& first = {}, bool oplog = false) {
  static const Service plain_reader("mongodb_reader.py", {MongoUri()});
  if (!oplog) {
    return AskJson(plain_reader.address(), {{"database", database}, {"collection", collection}, {"first", first}});
  }
  static const Service reader("mongodb_reader.py", {MongoOplogUri()});
  return AskJson(reader.address(), {{"database", database}, {"collection", collection}, {"first", first}});
}

}  // namespace millrace::services
