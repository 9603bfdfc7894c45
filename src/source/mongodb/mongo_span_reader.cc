#include "source/mongodb/mongo_span_reader.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "source/mongodb/mongo_record.h"

namespace millrace::source {
namespace {

using io::BsonConditions;
using io::BsonDocument;

constexpr const char* kId = "_id";

}  // namespace

struct MongoSpanReader::Query {
  explicit Query(io::MongoClients& clients) : client(clients.Take()) {}
  io::MongoClients::Lease client;
  io::MongoCollectionPtr collection;
  io::MongoCursorPtr cursor;
  bool ended = false;

  bool Next(const bson_t** document) {
    ended = ended || !io::Mongo().cursor_next(cursor.get(), document);
    return !ended;
  }
};

MongoSpanReader::MongoSpanReader(const MongoSourceOptions& options, io::MongoClients& clients, const Clock& clock,
                                 MongoSpan span)
    : options_(options), clients_(clients), clock_(clock), span_(std::move(span)) {
  if (span_.at == event::kStart) return;
  BsonDocument stored;
  bson_iter_t count;
  ParseJson(stored, span_.at.value(), "a stored position");
  if (!bson_iter_init_find(&count, stored.get(), "n")) {
    throw Error(ErrorCode::kStop, fmt::format("the stored position {} is not one of a collection", span_.at.value()));
  }
  count_ = bson_iter_as_int64(&count);
}

MongoSpanReader::~MongoSpanReader() = default;

/// What was asked for, and lies in the span and behind the position.
void MongoSpanReader::AppendFilter(bson_t* filter) const {
  const auto member = options_.order();
  BsonConditions parts(filter, "$and");
  parts.Add([&](bson_t* part) {
    if (options_.filter.empty()) return;
    BsonDocument given;
    ParseJson(given, options_.filter, "filter");
    bson_concat(part, given.get());
  });
  if (!options_.cursor.empty()) {
    parts.Add([&](bson_t* part) {
      io::AppendNested(part, member, [](bson_t* is) { bson_append_bool(is, "$exists", -1, true); });
    });
  }
  if (!span_.from.empty()) parts.Add([&](bson_t* part) { AppendFrom(part, member, span_.from); });
  if (!span_.before.empty()) parts.Add([&](bson_t* part) { AppendBefore(part, member, span_.before); });
  if (span_.at != event::kStart) parts.Add([&](bson_t* part) { AppendBehind(part, member, span_.at); });
  parts.End();
}

void MongoSpanReader::Open() {
  auto query = std::make_unique<Query>(clients_);
  query->collection = query->client.Collection(options_.database, options_.collection);
  BsonDocument filter;
  AppendFilter(filter.get());
  BsonDocument options;
  io::AppendNested(options.get(), "sort", [&](bson_t* sort) {
    if (options_.order() != kId) bson_append_int32(sort, options_.cursor.c_str(), -1, 1);
    bson_append_int32(sort, kId, -1, 1);
  });
  query->cursor.reset(
      io::Mongo().collection_find_with_opts(query->collection.get(), filter.get(), options.get(), nullptr));
  query_ = std::move(query);
}

event::EventBatchPtr MongoSpanReader::Take(const event::ReadLimits& limits) {
  if (!query_) Open();
  std::string payload;
  std::string keys;
  auto batch = std::make_shared<event::EventBatch>();
  const bson_t* document = nullptr;
  const MongoChangeTime now{
      .milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Now().time_since_epoch()).count()};
  while (payload.size() < limits.bytes_max && query_->Next(&document)) {
    const auto json = RecordOf(options_, *document, now);
    batch->records.push_back({static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(json.size())});
    payload += json;
    payload += '\n';
    bson_iter_t id;
    const auto key = bson_iter_init_find(&id, document, kId) ? KeyOf(options_, id) : std::string();
    batch->keys.push_back({static_cast<uint32_t>(keys.size()), static_cast<uint32_t>(key.size())});
    keys += key;
    ++count_;
    batch->end = CursorAfter(*document);
  }
  bson_error_t error{};
  const bool failed = io::Mongo().cursor_error(query_->cursor.get(), &error);
  // What came before a failure is good; the rest is asked for from there.
  if (failed || batch->records.empty()) query_.reset();
  if (failed && batch->records.empty()) io::ThrowMongo(error, "reading the collection " + options_.collection);
  if (batch->records.empty()) return nullptr;
  batch->payload = PaddedBuffer::CopyOf(payload);
  batch->key_payload = PaddedBuffer::CopyOf(keys);
  batch->newline_joined = true;
  batch->base_offset = count_ - static_cast<int64_t>(batch->records.size());
  batch->ingested_at = clock_.Now();
  batch->split = span_.split;
  batch->begin = std::exchange(span_.at, batch->end);
  batch->topic = options_.name;
  return batch;
}

event::Cursor MongoSpanReader::CursorAfter(const bson_t& document) const {
  BsonDocument position;
  bson_iter_t found;
  bson_iter_t value;
  bson_append_int64(position.get(), "n", -1, count_);
  const bool has = bson_iter_init(&found, &document) && !options_.cursor.empty() &&
                   bson_iter_find_descendant(&found, options_.cursor.c_str(), &value);
  if (has) bson_append_iter(position.get(), "at", -1, &value);
  if (bson_iter_init_find(&found, &document, kId)) bson_append_iter(position.get(), "id", -1, &found);
  AppendRanges(position.get(), span_.ranges);
  return event::Cursor(CanonicalJson(*position.get()));
}

}  // namespace millrace::source
