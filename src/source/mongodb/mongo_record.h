#pragma once

#include <bson/bson.h>

#include <cstdint>
#include <string>

#include "source/mongodb/mongo_source_options.h"

namespace millrace::source {

/// When a change was made, by the server's own clock.
struct MongoChangeTime {
  int64_t milliseconds = 0;  // since 1970
  uint32_t ordinal = 0;      // among the changes of one second
};

/// The record of a document as it is read: itself, or an envelope with op r.
std::string RecordOf(const MongoSourceOptions& options, const bson_t& document, MongoChangeTime read_at);

/// The record of a change: the document after it, or an envelope. Empty: it is a tombstone. `after` is null for a
/// delete. `operation`: c, u or d.
std::string RecordOf(const MongoSourceOptions& options, char operation, const bson_t* after, MongoChangeTime time);

/// The key of a document's records. Where changes are read it is {"_id": ...}, in which 17 and "17" are two.
std::string KeyOf(const MongoSourceOptions& options, const bson_iter_t& id);

}  // namespace millrace::source
