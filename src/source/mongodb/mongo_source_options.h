#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "io/mongo_client.h"
#include "source/mongodb/bson_to_json.h"

namespace millrace::source {

/// Whether the source goes on with the server's change stream, and what its records are then.
enum class MongoChangesForm {
  kNone,
  kDocuments,  // the document after the change; a delete is a record without a value
  kEnvelope,   // {"before": null, "after", "op": r, c, u or d, "ts_ms", "source"}
};

struct MongoSourceOptions {
  std::string name;
  io::MongoOptions server;
  std::string database;
  std::string collection;
  std::string cursor;  // the member that rises with every change; empty: only new documents are seen, by _id
  std::string filter;  // Extended JSON; empty: every document
  BsonForm form = BsonForm::kPlain;
  std::optional<std::chrono::milliseconds> every;      // looks again so often; without: reads once to the end
  int ranges = 1;                                      // the first read is of so many ranges at a time
  MongoChangesForm changes = MongoChangesForm::kNone;  // without `cursor`, `filter` and `every`
  bool ends = false;                                   // when there are no changes any more
  std::string changes_asked;                           // where they were asked for, in a person's words

  /// The member that documents are read in the order of.
  std::string order() const { return cursor.empty() ? "_id" : cursor; }
};

}  // namespace millrace::source
