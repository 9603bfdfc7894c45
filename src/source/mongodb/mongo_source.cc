#include "source/mongodb/mongo_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "io/digest.h"

namespace millrace::source {
namespace {

using io::BsonConditions;
using io::BsonDocument;
using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{200};
constexpr milliseconds kLongestDelay{30'000};
constexpr const char* kId = "_id";

/// The types that a cursor or an _id may have, in the order in which the server sorts them (MongoDB manual, "Comparison
/// and Sort Order"): a comparison with a value finds those of its own type alone.
struct TypeRank {
  int rank;
  bson_type_t type;
};
constexpr std::array<TypeRank, 11> kRanks = {{{1, BSON_TYPE_NULL},
                                              {2, BSON_TYPE_INT32},
                                              {2, BSON_TYPE_INT64},
                                              {2, BSON_TYPE_DOUBLE},
                                              {2, BSON_TYPE_DECIMAL128},
                                              {3, BSON_TYPE_UTF8},
                                              {4, BSON_TYPE_DOCUMENT},
                                              {5, BSON_TYPE_BINARY},
                                              {6, BSON_TYPE_OID},
                                              {7, BSON_TYPE_BOOL},
                                              {8, BSON_TYPE_DATE_TIME}}};

int RankOf(bson_type_t type) {
  const auto found = std::ranges::find(kRanks, type, &TypeRank::type);
  return found == kRanks.end() ? 9 : found->rank;
}

/// {member: {$gt: value}} and, for what sorts behind all of its type, {member: {$type: [...]}}.
void AddAfter(BsonConditions& ways, std::string_view member, const bson_iter_t& value) {
  ways.Add([&](bson_t* way) {
    io::AppendNested(way, member, [&](bson_t* is) { bson_append_iter(is, "$gt", -1, &value); });
  });
  const int rank = RankOf(bson_iter_type(&value));
  if (std::ranges::none_of(kRanks, [&](const auto& each) { return each.rank > rank; })) return;
  ways.Add([&](bson_t* way) {
    io::AppendNested(way, member, [&](bson_t* is) {
      bson_t types;
      bson_append_array_begin(is, "$type", -1, &types);
      uint32_t count = 0;
      for (const auto& each : kRanks) {
        if (each.rank > rank) bson_append_int32(&types, std::to_string(count++).c_str(), -1, each.type);
      }
      bson_append_array_end(is, &types);
    });
  });
}

/// Equal in `member`, and behind `id` in _id.
void AddTie(BsonConditions& ways, const std::string& member, const bson_iter_t& value, const bson_iter_t& id) {
  ways.Add([&](bson_t* way) {
    bson_append_iter(way, member.c_str(), -1, &value);
    BsonConditions after(way, "$or");
    AddAfter(after, kId, id);
    after.End();
  });
}

void FromJson(BsonDocument& document, const std::string& json, const std::string& what) {
  bson_error_t error;
  if (bson_init_from_json(document.Uninitialised(), json.data(), static_cast<ssize_t>(json.size()), &error)) return;
  bson_init(document.get());
  throw Error(ErrorCode::kConfig, fmt::format("{} is no JSON document: {}", what, error.message));
}

event::SplitId SplitOf(const MongoSourceOptions& options) {
  const auto form = options.form == BsonForm::kPlain ? "plain" : "extended";
  const auto shape = io::Hex(io::Sha256(options.cursor + "\n" + options.filter + "\n" + form)).substr(0, 16);
  return event::SplitId(fmt::format("mongodb:{}/{}.{}/{}", options.name, options.database, options.collection, shape));
}

}  // namespace

struct MongoSource::Query {
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

MongoSource::MongoSource(MongoSourceOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), clients_(options_.server), split_(SplitOf(options_)) {
  if (options_.filter.empty()) return;
  BsonDocument checked;
  FromJson(checked, options_.filter, "filter");
}

MongoSource::~MongoSource() = default;

void MongoSource::Seek(const event::Positions& positions) {
  query_.reset();
  due_.reset();
  at_ = event::CursorOf(positions, split_);
  count_ = 0;
  if (at_ == event::kStart) return;
  BsonDocument stored;
  bson_iter_t count;
  FromJson(stored, at_.value(), "a stored position");
  if (!bson_iter_init_find(&count, stored.get(), "n")) {
    throw Error(ErrorCode::kStop, fmt::format("the stored position {} is not one of a collection", at_.value()));
  }
  count_ = bson_iter_as_int64(&count);
}

/// What was asked for, and lies behind at_.
void MongoSource::AppendFilter(bson_t* filter) const {
  const auto& member = options_.cursor;
  BsonConditions parts(filter, "$and");
  parts.Add([&](bson_t* part) {
    if (options_.filter.empty()) return;
    BsonDocument given;
    FromJson(given, options_.filter, "filter");
    bson_concat(part, given.get());
  });
  if (!member.empty()) {
    parts.Add([&](bson_t* part) {
      io::AppendNested(part, member, [](bson_t* is) { bson_append_bool(is, "$exists", -1, true); });
    });
  }
  if (at_ != event::kStart) parts.Add([&](bson_t* part) { AppendBehind(part); });
  parts.End();
}

void MongoSource::AppendBehind(bson_t* part) const {
  BsonDocument stored;
  FromJson(stored, at_.value(), "a stored position");
  const auto& member = options_.cursor;
  bson_iter_t id;
  bson_iter_t value;
  if (!bson_iter_init_find(&id, stored.get(), "id") ||
      (!member.empty() && !bson_iter_init_find(&value, stored.get(), "at"))) {
    throw Error(ErrorCode::kStop, fmt::format("the stored position {} is not one of this collection", at_.value()));
  }
  BsonConditions ways(part, "$or");
  if (member.empty()) {
    AddAfter(ways, kId, id);
  } else {
    AddAfter(ways, member, value);
    AddTie(ways, member, value, id);
  }
  ways.End();
}

void MongoSource::Open() {
  auto query = std::make_unique<Query>(clients_);
  query->collection = query->client.Collection(options_.database, options_.collection);
  BsonDocument filter;
  AppendFilter(filter.get());
  BsonDocument options;
  io::AppendNested(options.get(), "sort", [&](bson_t* sort) {
    if (!options_.cursor.empty() && options_.cursor != kId) bson_append_int32(sort, options_.cursor.c_str(), -1, 1);
    bson_append_int32(sort, kId, -1, 1);
  });
  query->cursor.reset(
      io::Mongo().collection_find_with_opts(query->collection.get(), filter.get(), options.get(), nullptr));
  query_ = std::move(query);
}

event::ReadResult MongoSource::Read(const event::ReadLimits& limits, std::stop_token stop) {
  if (due_ && !WaitUntilDue(limits.wait, stop)) {
    return {trouble_.empty() ? event::ReadState::kIdle : event::ReadState::kWaiting, nullptr};
  }
  try {
    if (!query_) Open();
    auto batch = Take(limits);
    failures_ = 0;
    trouble_.clear();
    if (batch) return {event::ReadState::kBatch, std::move(batch)};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    query_.reset();
    trouble_ = error.what();
    const auto delay = std::min(kLongestDelay, kFirstDelay * (1 << std::min(failures_++, 8)));
    LogWarning("source {}: {}; trying again in {} ms", options_.name, trouble_, delay.count());
    due_ = clock_.Steady() + delay;
    return {event::ReadState::kWaiting, nullptr};
  }
  query_.reset();
  if (!options_.every) return {event::ReadState::kExhausted, nullptr};
  due_ = clock_.Steady() + *options_.every;
  return {event::ReadState::kIdle, nullptr};
}

bool MongoSource::WaitUntilDue(milliseconds wait, std::stop_token stop) {
  const auto left = *due_ - clock_.Steady();
  if (left > std::chrono::nanoseconds(0)) {
    clock_.SleepFor(std::min<std::chrono::nanoseconds>(left, wait), std::move(stop));
    if (clock_.Steady() < *due_) return false;
  }
  due_.reset();
  return true;
}

/// Null at the end of the query.
event::EventBatchPtr MongoSource::Take(const event::ReadLimits& limits) {
  std::string payload;
  std::string keys;
  auto batch = std::make_shared<event::EventBatch>();
  const bson_t* document = nullptr;
  while (payload.size() < limits.bytes_max && query_->Next(&document)) {
    const auto json = ToJson(*document, options_.form);
    batch->records.push_back({static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(json.size())});
    payload += json;
    payload += '\n';
    bson_iter_t id;
    const auto key = bson_iter_init_find(&id, document, kId) ? ToKey(id, options_.form) : std::string();
    batch->keys.push_back({static_cast<uint32_t>(keys.size()), static_cast<uint32_t>(key.size())});
    keys += key;
    ++count_;
    batch->end = CursorAfter(*document);
  }
  bson_error_t error{};
  if (io::Mongo().cursor_error(query_->cursor.get(), &error)) {
    if (batch->records.empty()) io::ThrowMongo(error, "reading the collection " + options_.collection);
    query_.reset();  // what came is good; the rest is asked for from there
  }
  if (batch->records.empty()) return nullptr;
  batch->payload = PaddedBuffer::CopyOf(payload);
  batch->key_payload = PaddedBuffer::CopyOf(keys);
  batch->newline_joined = true;
  batch->base_offset = count_ - static_cast<int64_t>(batch->records.size());
  batch->ingested_at = clock_.Now();
  batch->split = split_;
  batch->begin = std::exchange(at_, batch->end);
  batch->topic = options_.name;
  return batch;
}

event::Cursor MongoSource::CursorAfter(const bson_t& document) const {
  BsonDocument position;
  bson_iter_t found;
  bson_iter_t value;
  bson_append_int64(position.get(), "n", -1, count_);
  const bool has = bson_iter_init(&found, &document) && !options_.cursor.empty() &&
                   bson_iter_find_descendant(&found, options_.cursor.c_str(), &value);
  if (has) bson_append_iter(position.get(), "at", -1, &value);
  if (bson_iter_init_find(&found, &document, kId)) bson_append_iter(position.get(), "id", -1, &found);
  size_t size = 0;
  char* text = bson_as_canonical_extended_json(position.get(), &size);
  if (text == nullptr) throw Error(ErrorCode::kData, "an _id that has no JSON");
  event::Cursor cursor(std::string(text, size));
  bson_free(text);
  return cursor;
}

std::string MongoSource::WaitsFor() {
  return trouble_.empty() ? std::string() : fmt::format("the collection cannot be read ({}); trying again", trouble_);
}

}  // namespace millrace::source
