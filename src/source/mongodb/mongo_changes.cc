#include "source/mongodb/mongo_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "source/mongodb/mongo_record.h"

namespace millrace::source {
namespace {

using event::ReadState;
using io::BsonDocument;
using std::chrono::milliseconds;

constexpr const char* kId = "_id";
/// A quiet collection's place moves so often, so that it stays within what the server still knows.
constexpr std::chrono::seconds kMovesEvery{60};

// Of the server's own list of codes (error_codes.yml).
constexpr uint32_t kInvalidResumeToken = 260;
constexpr uint32_t kChangeStreamFatalError = 280;
constexpr uint32_t kChangeStreamHistoryLost = 286;
constexpr uint32_t kObjectTooLarge = 10334;
/// Of elections, ends and disturbed networks (specification "Change Streams", resumable errors; and those of time).
constexpr std::array<uint32_t, 23> kPassing = {6,   7,   43,  50,   63,    89,    91,    112,   133,   150,   189,  202,
                                               234, 237, 262, 9001, 10107, 11600, 11601, 11602, 13388, 13435, 13436};

bool FindDocument(const bson_t& in, const char* name, bson_t& view) {
  bson_iter_t found;
  if (!bson_iter_init_find(&found, &in, name) || !BSON_ITER_HOLDS_DOCUMENT(&found)) return false;
  uint32_t size = 0;
  const uint8_t* bytes = nullptr;
  bson_iter_document(&found, &size, &bytes);
  return bson_init_static(&view, bytes, size);
}

std::string_view TextOf(const bson_t& in, const char* name) {
  bson_iter_t found;
  if (!bson_iter_init_find(&found, &in, name) || !BSON_ITER_HOLDS_UTF8(&found)) return {};
  uint32_t size = 0;
  const char* text = bson_iter_utf8(&found, &size);
  return {text, size};
}

/// `clusterTime`, and more exactly `wallTime` where the server has it.
MongoChangeTime TimeOf(const bson_t& event) {
  MongoChangeTime time;
  bson_iter_t found;
  if (bson_iter_init_find(&found, &event, "clusterTime") && BSON_ITER_HOLDS_TIMESTAMP(&found)) {
    uint32_t seconds = 0;
    bson_iter_timestamp(&found, &seconds, &time.ordinal);
    time.milliseconds = int64_t{seconds} * 1000;
  }
  if (bson_iter_init_find(&found, &event, "wallTime") && BSON_ITER_HOLDS_DATE_TIME(&found)) {
    time.milliseconds = bson_iter_date_time(&found);
  }
  return time;
}

std::string PlaceOf(const bson_t* token) {
  if (token == nullptr) return {};
  BsonDocument place;
  bson_append_document(place.get(), "token", -1, token);
  return CanonicalJson(*place.get());
}

/// What a token says of its place, which sorts as places do; empty where that is not known.
std::string OrderOf(const std::string& place) {
  if (place.empty()) return {};
  BsonDocument parsed;
  ParseJson(parsed, place, "a place in a change stream");
  bson_t token;
  return FindDocument(*parsed.get(), "token", token) ? std::string(TextOf(token, "_data")) : std::string();
}

}  // namespace

void ThrowChanges(const MongoSourceOptions& options, const bson_error_t& error, bool passing, bool first) {
  const auto what = fmt::format("reading the changes of the collection {}", options.collection);
  const bool server = error.domain == MONGOC_ERROR_SERVER || error.domain == MONGOC_ERROR_QUERY;
  const bool login = error.code == 13 || error.code == 18;
  if (!server || login || passing || std::ranges::find(kPassing, error.code) != kPassing.end()) {
    io::ThrowMongo(error, what);
  }
  if (error.code == kObjectTooLarge) {
    throw Error(ErrorCode::kStop,
                fmt::format("{}: a change is larger than the server can tell ({}); leave it behind by another name of "
                            "the source, which begins with the documents as they are now",
                            what, error.message));
  }
  if (first) {
    throw Error(ErrorCode::kConfig,
                fmt::format("{}: the server gives no change stream ({}). It takes a replica set or a sharded cluster "
                            "(of one member too: mongod --replSet, then rs.initiate()); without one, read by `cursor`",
                            options.changes_asked, error.message));
  }
  const bool lost = error.code == kChangeStreamHistoryLost || error.code == kInvalidResumeToken ||
                    error.code == kChangeStreamFatalError;
  throw Error(ErrorCode::kStop,
              fmt::format("{}: {} ({}, error {}). Give the source another name, and what is made of its topic another "
                          "topic: it then begins with the documents as they are now. {}",
                          what,
                          lost ? "the server no longer has what came behind the place that was reached, so changes are "
                                 "missing"
                               : "the server cannot go on behind the place that was reached",
                          error.message, error.code,
                          lost ? "A larger oplog (replSetResizeOplog) lets runs be further apart"
                               : "See the server's log for why"));
}

struct MongoChanges::Stream {
  explicit Stream(io::MongoClients& clients) : client(clients.Take()) {}
  io::MongoClients::Lease client;
  io::MongoCollectionPtr collection;
  io::MongoOwned<mongoc_change_stream_t, &io::MongoDriver::change_stream_destroy> stream;

  std::string Place() const { return PlaceOf(io::Mongo().change_stream_get_resume_token(stream.get())); }
};

struct MongoChanges::Records {
  std::string payload;
  std::string keys;
  std::shared_ptr<event::EventBatch> batch = std::make_shared<event::EventBatch>();

  void Add(const std::string& record, const std::string& key, MongoChangeTime time) {
    batch->records.push_back({static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(record.size())});
    payload += record;
    payload += '\n';
    batch->keys.push_back({static_cast<uint32_t>(keys.size()), static_cast<uint32_t>(key.size())});
    keys += key;
    batch->timestamps.emplace_back(milliseconds(time.milliseconds));
  }
  std::shared_ptr<event::EventBatch> Finish() {
    batch->payload = PaddedBuffer::CopyOf(payload);
    batch->key_payload = PaddedBuffer::CopyOf(keys);
    batch->newline_joined = true;
    return std::move(batch);
  }
};

MongoChanges::MongoChanges(const MongoSourceOptions& options, io::MongoClients& clients, const Clock& clock,
                           event::SplitId split, event::Cursor at)
    : options_(options),
      clients_(clients),
      clock_(clock),
      split_(std::move(split)),
      at_(std::move(at)),
      moved_(clock.Steady()) {
  if (at_ == event::kStart) return;
  BsonDocument stored;
  ParseJson(stored, at_.value(), "a stored position");
  bson_iter_t count;
  bson_iter_t found;
  BsonDocument place;
  const char* const member = bson_has_field(stored.get(), "token") ? "token" : "time";
  if (!bson_iter_init_find(&count, stored.get(), "n") || !bson_iter_init_find(&found, stored.get(), member)) {
    throw Error(ErrorCode::kStop, fmt::format("the stored position {} is none of a change stream", at_.value()));
  }
  bson_append_iter(place.get(), member, -1, &found);
  place_ = CanonicalJson(*place.get());
  count_ = bson_iter_as_int64(&count);
  documents_first_ = bson_has_field(stored.get(), "snapshot");
}

MongoChanges::~MongoChanges() = default;

void MongoChanges::LetGo() { stream_.reset(); }

event::Cursor MongoChanges::Position() const {
  BsonDocument position;
  BsonDocument place;
  ParseJson(place, place_, "a place in a change stream");
  bson_append_int64(position.get(), "n", -1, count_);
  bson_concat(position.get(), place.get());
  if (documents_first_) bson_append_bool(position.get(), "snapshot", -1, true);
  return event::Cursor(CanonicalJson(*position.get()));
}

event::EventBatchPtr MongoChanges::HandOn(std::shared_ptr<event::EventBatch> batch) {
  batch->base_offset = count_ - static_cast<int64_t>(batch->size());
  batch->ingested_at = clock_.Now();
  batch->split = split_;
  batch->end = Position();
  batch->begin = std::exchange(at_, batch->end);
  batch->topic = options_.name;
  moved_ = clock_.Steady();
  return batch;
}

std::unique_ptr<MongoChanges::Stream> MongoChanges::OpenAt(const std::string& place, milliseconds wait) {
  auto opened = std::make_unique<Stream>(clients_);
  opened->collection = opened->client.Collection(options_.database, options_.collection);
  BsonDocument every_change;
  BsonDocument how;
  bson_append_utf8(how.get(), "fullDocument", -1, "updateLookup", -1);
  bson_append_int64(how.get(), "maxAwaitTimeMS", -1, std::clamp<int64_t>(wait.count(), 1, 1000));
  if (!place.empty()) {
    BsonDocument parsed;
    ParseJson(parsed, place, "a place in a change stream");
    bson_iter_t found;
    const bool token = bson_iter_init_find(&found, parsed.get(), "token");
    if (!token && !bson_iter_init_find(&found, parsed.get(), "time")) {
      throw Error(ErrorCode::kInternal, "a place in a change stream without one");
    }
    bson_append_iter(how.get(), token ? "resumeAfter" : "startAtOperationTime", -1, &found);
  }
  opened->stream.reset(io::Mongo().collection_watch(opened->collection.get(), every_change.get(), how.get()));
  return opened;
}

void MongoChanges::CheckError(Stream& stream, bool first) const {
  bson_error_t error{};
  const bson_t* reply = nullptr;
  if (!io::Mongo().change_stream_error_document(stream.stream.get(), &error, &reply)) return;
  const bool passing = reply != nullptr && io::Mongo().error_has_label(reply, "ResumableChangeStreamError");
  ThrowChanges(options_, error, passing, first);
}

/// Where a stream that is opened now stands; empty where the server says that only with the first change.
std::string MongoChanges::FreshPlace() {
  const auto fresh = OpenAt({}, milliseconds(1));
  CheckError(*fresh, true);
  auto place = fresh->Place();
  if (!place.empty()) return place;
  const bson_t* event = nullptr;
  io::Mongo().change_stream_next(fresh->stream.get(), &event);
  CheckError(*fresh, true);
  return fresh->Place();
}

event::EventBatchPtr MongoChanges::Start() {
  // Before a stream is asked for: what the clock says is not later than where that stands.
  BsonDocument ask;
  BsonDocument said;
  bson_append_int32(ask.get(), "isMaster", -1, 1);
  bson_error_t error{};
  {
    auto client = clients_.Take();
    if (!io::Mongo().client_command_simple(client.get(), "admin", ask.get(), nullptr, said.Uninitialised(), &error)) {
      io::ThrowMongo(error, "asking for the server's time");
    }
  }
  place_ = FreshPlace();
  if (place_.empty()) {
    BsonDocument time;
    bson_iter_t found;
    if (bson_iter_init_find(&found, said.get(), "operationTime")) {
      bson_append_iter(time.get(), "time", -1, &found);
    } else if (bson_iter_init_find(&found, said.get(), "localTime") && BSON_ITER_HOLDS_DATE_TIME(&found)) {
      bson_append_timestamp(time.get(), "time", -1, static_cast<uint32_t>(bson_iter_date_time(&found) / 1000), 0);
    } else {
      throw Error(ErrorCode::kConfig,
                  fmt::format("{}: the server does not say where its change stream stands; without one, read by "
                              "`cursor`",
                              options_.changes_asked));
    }
    place_ = CanonicalJson(*time.get());
  }
  documents_first_ = true;
  return HandOn(std::make_shared<event::EventBatch>());
}

event::EventBatchPtr MongoChanges::EndDocuments() {
  documents_first_ = false;
  return HandOn(std::make_shared<event::EventBatch>());
}

/// False: it was the last.
bool MongoChanges::Add(const bson_t& event, Records& records) {
  const auto operation = TextOf(event, "operationType");
  bson_t document;
  bson_iter_t id;
  const auto add = [&](char word, const bson_t* after) {
    const auto time = TimeOf(event);
    records.Add(RecordOf(options_, word, after, time), KeyOf(options_, id), time);
    ++count_;
  };
  if (operation == "insert" || operation == "update" || operation == "replace") {
    if (!FindDocument(event, "fullDocument", document) || !bson_iter_init_find(&id, &document, kId)) return true;
    add(operation == "insert" ? 'c' : 'u', &document);
    return true;
  }
  if (operation == "delete") {
    if (!FindDocument(event, "documentKey", document) || !bson_iter_init_find(&id, &document, kId)) {
      throw Error(ErrorCode::kStop, "the server tells of a delete without saying of which document");
    }
    add('d', nullptr);
    return true;
  }
  last_event_ = operation;
  return false;
}

void MongoChanges::ReadSome(const event::ReadLimits& limits, const std::stop_token& stop, Records& records) {
  if (!stream_) stream_ = OpenAt(place_, limits.wait);
  const auto enough = clock_.Steady() + limits.wait;
  const bson_t* event = nullptr;
  bool more = true;
  while (more && records.payload.size() < limits.bytes_max && !stop.stop_requested()) {
    if (!io::Mongo().change_stream_next(stream_->stream.get(), &event)) break;
    more = Add(*event, records);
    // The last one's own place is not kept: whoever starts there again is told again.
    if (more) place_ = stream_->Place();
    more = more && clock_.Steady() < enough;
  }
  if (more && records.batch->size() == 0) {
    CheckError(*stream_, false);
    if (auto place = stream_->Place(); !place.empty()) place_ = std::move(place);
  }
}

/// Asked when nothing comes, as it seems: a server that has a long way to look through says nothing either.
bool MongoChanges::AtItsEnd() {
  if (end_place_.empty()) end_place_ = FreshPlace();
  return OrderOf(end_place_).empty() || OrderOf(place_) >= OrderOf(end_place_);
}

event::ReadResult MongoChanges::Take(const event::ReadLimits& limits, const std::stop_token& stop) {
  if (ended_) return {ReadState::kExhausted, nullptr};
  if (!last_event_.empty()) {
    throw Error(ErrorCode::kStop,
                fmt::format("the collection {} is gone (its change stream ends with `{}`): all that changed before was "
                            "taken. Is there one of this name again? Give the source another name: it then begins with "
                            "the documents as they are now; what was made of the old ones stays until you delete it",
                            options_.collection, last_event_));
  }
  const auto began = clock_.Steady();
  Records records;
  ReadSome(limits, stop, records);
  if (records.batch->size() > 0) return {ReadState::kBatch, HandOn(records.Finish())};
  if (!last_event_.empty()) return {ReadState::kWaiting, nullptr};
  const bool moves = Position() != at_;
  if (options_.ends && AtItsEnd()) {
    ended_ = true;
    if (!moves) return {ReadState::kExhausted, nullptr};
    return {ReadState::kBatch, HandOn(std::move(records.batch))};
  }
  if (moves && clock_.Steady() - moved_ >= kMovesEvery) {
    return {ReadState::kBatch, HandOn(std::move(records.batch))};
  }
  // Some servers do not wait themselves.
  const auto left = began + limits.wait - clock_.Steady();
  if (left.count() > 0) clock_.SleepFor(left, stop);
  return {options_.ends ? ReadState::kWaiting : ReadState::kIdle, nullptr};
}

}  // namespace millrace::source
