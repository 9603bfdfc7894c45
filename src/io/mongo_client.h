#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "io/mongo_driver.h"

namespace millrace::io {

struct MongoOptions {
  std::string uri;  // mongodb:// or mongodb+srv://, a secret
  std::chrono::milliseconds timeout{30'000};
};

template <auto Destroy>
struct MongoDelete {
  template <typename T>
  void operator()(T* object) const {
    (Mongo().*Destroy)(object);
  }
};
template <typename T, auto Destroy>
using MongoOwned = std::unique_ptr<T, MongoDelete<Destroy>>;

using MongoCollectionPtr = MongoOwned<mongoc_collection_t, &MongoDriver::collection_destroy>;
using MongoBulkPtr = MongoOwned<mongoc_bulk_operation_t, &MongoDriver::bulk_operation_destroy>;
using MongoCursorPtr = MongoOwned<mongoc_cursor_t, &MongoDriver::cursor_destroy>;

/// A document that grows, or a server's answer.
class BsonDocument {
 public:
  BsonDocument() { bson_init(&document_); }
  ~BsonDocument() { bson_destroy(&document_); }
  BsonDocument(const BsonDocument&) = delete;
  BsonDocument& operator=(const BsonDocument&) = delete;
  bson_t* get() { return &document_; }
  const bson_t* get() const { return &document_; }
  /// For those functions of the library that initialise what they are given.
  bson_t* Uninitialised() {
    bson_destroy(&document_);
    return &document_;
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(bson_get_data(&document_)), document_.len}; }

 private:
  bson_t document_;
};

/// The member `name`, a document that `fill` fills.
template <typename Fill>
void AppendNested(bson_t* to, std::string_view name, Fill&& fill) {
  bson_t nested;
  bson_append_document_begin(to, name.data(), static_cast<int>(name.size()), &nested);
  fill(&nested);
  bson_append_document_end(to, &nested);
}

/// A list of conditions in a filter: "$or", "$and".
class BsonConditions {
 public:
  BsonConditions(bson_t* filter, const char* way) : filter_(filter) {
    bson_append_array_begin(filter_, way, -1, &list_);
  }
  BsonConditions(const BsonConditions&) = delete;
  BsonConditions& operator=(const BsonConditions&) = delete;

  template <typename Fill>
  void Add(Fill&& fill) {
    char digits[16];
    const char* place = nullptr;
    const size_t size = bson_uint32_to_string(count_++, &place, digits, sizeof digits);
    AppendNested(&list_, {place, size}, std::forward<Fill>(fill));
  }
  /// Call last.
  void End() { bson_append_array_end(filter_, &list_); }

 private:
  bson_t* const filter_;
  bson_t list_;
  uint32_t count_ = 0;
};

/// A document's bytes as one, where they lie.
class BsonView {
 public:
  explicit BsonView(std::string_view bytes);
  BsonView(const BsonView&) = delete;
  BsonView& operator=(const BsonView&) = delete;
  const bson_t* get() const { return &document_; }

 private:
  bson_t document_;
};

/// What failed: kUnavailable for what another try may mend, kConfig for a login or address that is refused. `what` says
/// what was asked for. No secret is in it.
[[noreturn]] void ThrowMongo(const bson_error_t& error, std::string_view what);

/// Connections to one deployment, from a pool that watches it. Writes are acknowledged by a majority, journalled.
/// Error kConfig for an address that is none. Thread-safe.
class MongoClients {
 public:
  explicit MongoClients(const MongoOptions& options);

  /// A connection of the caller's own for as long as it lives.
  class Lease {
   public:
    explicit Lease(mongoc_client_pool_t* pool) : pool_(pool), client_(Mongo().client_pool_pop(pool)) {}
    ~Lease() { Mongo().client_pool_push(pool_, client_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    mongoc_client_t* get() { return client_; }
    MongoCollectionPtr Collection(const std::string& database, const std::string& name) {
      return MongoCollectionPtr(Mongo().client_get_collection(client_, database.c_str(), name.c_str()));
    }

   private:
    mongoc_client_pool_t* const pool_;
    mongoc_client_t* const client_;
  };
  Lease Take() { return Lease(pool_.get()); }

 private:
  MongoOwned<mongoc_client_pool_t, &MongoDriver::client_pool_destroy> pool_;
};

}  // namespace millrace::io
