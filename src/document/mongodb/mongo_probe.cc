#include "document/mongodb/mongo_probe.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"

namespace millrace::document {
namespace {

/// Drops the collection, also when something failed in between.
class Dropped {
 public:
  explicit Dropped(mongoc_collection_t* collection) : collection_(collection) {}
  Dropped(const Dropped&) = delete;
  Dropped& operator=(const Dropped&) = delete;
  ~Dropped() {
    bson_error_t error{};
    if (!done_ && !io::Mongo().collection_drop(collection_, &error)) LogWarning("MongoDB: {}", error.message);
  }

  void Now(const std::string& what) {
    bson_error_t error{};
    done_ = true;
    if (!io::Mongo().collection_drop(collection_, &error)) io::ThrowMongo(error, what);
  }

 private:
  mongoc_collection_t* const collection_;
  bool done_ = false;
};

}  // namespace

void ProbeMongoDatabase(const io::MongoOptions& server, const std::string& database, const std::string& collection) {
  io::MongoClients clients(server);
  auto lease = clients.Take();
  const auto scratch = lease.Collection(database, collection);
  const auto what = [&](const char* doing) { return fmt::format("{} a collection of {}", doing, database); };
  io::BsonDocument document;
  bson_append_utf8(document.get(), "_id", -1, "doctor", -1);
  bson_error_t error{};
  if (!io::Mongo().collection_insert_one(scratch.get(), document.get(), nullptr, nullptr, &error)) {
    io::ThrowMongo(error, what("writing into"));
  }
  Dropped dropped(scratch.get());
  {
    const io::MongoCursorPtr cursor(
        io::Mongo().collection_find_with_opts(scratch.get(), document.get(), nullptr, nullptr));
    const bson_t* found = nullptr;
    const bool is_there = io::Mongo().cursor_next(cursor.get(), &found);
    if (io::Mongo().cursor_error(cursor.get(), &error)) io::ThrowMongo(error, what("reading"));
    if (!is_there) throw Error(ErrorCode::kStop, what("reading") + ": what was written is not there; see its log");
  }
  if (!io::Mongo().collection_delete_many(scratch.get(), document.get(), nullptr, nullptr, &error)) {
    io::ThrowMongo(error, what("deleting from"));
  }
  dropped.Now(what("dropping"));
}

}  // namespace millrace::document
