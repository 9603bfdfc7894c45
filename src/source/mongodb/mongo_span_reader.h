#pragma once

#include <memory>

#include "event/source.h"
#include "source/mongodb/mongo_ranges.h"
#include "source/mongodb/mongo_source_options.h"

namespace millrace::source {

/// A stretch of a collection in the order of a member, and where in it a reader stands.
struct MongoSpan {
  event::SplitId split;
  event::Cursor at;
  BsonValueText from;    // empty: from the first
  BsonValueText before;  // empty: to the last
  MongoRanges ranges;    // is said in each position
};

/// Reads the documents of one span, over a connection of its own while it does. Driven by one thread at a time.
class MongoSpanReader {
 public:
  /// The options and the clients outlive it. Error kStop for a position that is none of a collection.
  MongoSpanReader(const MongoSourceOptions& options, io::MongoClients& clients, const Clock& clock, MongoSpan span);
  ~MongoSpanReader();

  /// The next documents; null at the end, and a call after that looks again. Error as by io::ThrowMongo, with nothing
  /// moved.
  event::EventBatchPtr Take(const event::ReadLimits& limits);

 private:
  struct Query;  // a cursor of the server's, with the connection it lives on

  void AppendFilter(bson_t* filter) const;
  void Open();
  event::Cursor CursorAfter(const bson_t& document) const;

  const MongoSourceOptions& options_;
  io::MongoClients& clients_;
  const Clock& clock_;
  MongoSpan span_;
  int64_t count_ = 0;
  std::unique_ptr<Query> query_;
};

}  // namespace millrace::source
