#include "document/mongodb/mongo_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "document/members.h"
#include "document/mongodb/json_to_bson.h"
#include "document/record_parser.h"
#include "io/outage_patience.h"
#include "io/several_at_once.h"

namespace millrace::document {
namespace {

using event::RejectCause;
using io::BsonDocument;
using io::BsonView;
namespace dom = simdjson::dom;

constexpr const char* kPositions = "_millrace_positions";
constexpr std::string_view kId = "_id";
constexpr uint32_t kDuplicateKey = 11000;

// What one request carries at most: the server's own limits are 100,000 writes and 48 MB.
constexpr size_t kPieceChanges = 1000;
constexpr size_t kPieceBytes = size_t{8} << 20;
/// Of a document, by the server's limit (16 MiB) and with room for what stands around it.
constexpr size_t kDocumentBytesMax = (size_t{16} << 20) - 4096;
constexpr size_t kHeldBytesMax = size_t{4} << 20;

/// Errors of a single write that another try may mend: the server steps down, is overloaded, or gave up in between.
bool IsPassing(uint32_t code) {
  constexpr uint32_t kCodes[] = {6,   7,   50,   64,    89,    91,    112,   134,   189,   251,
                                 262, 317, 9001, 10107, 11600, 11602, 13435, 13436, 16500, 50915};
  return std::ranges::find(kCodes, code) != std::end(kCodes);
}

/// What is there already: "... index: _id_ dup key ...", in older servers "... index: db.collection.$_id_ dup key ...".
enum class Taken { kTheId, kAnother, kNotSaid };
Taken WhatIsTaken(std::string_view why) {
  constexpr std::string_view kIndex = "index: ";
  const auto at = why.find(kIndex);
  if (at == std::string_view::npos) return Taken::kNotSaid;
  const auto name = why.substr(at + kIndex.size());
  return name.substr(0, name.find(' ')).ends_with("_id_") ? Taken::kTheId : Taken::kAnother;
}

void AppendText(bson_t* document, const char* name, std::string_view text) {
  bson_append_utf8(document, name, -1, text.data(), static_cast<int>(text.size()));
}

/// `deleted`: when; none: it stands.
void AppendVersion(bson_t* document, const Version& version, std::optional<Timestamp> deleted) {
  io::AppendNested(document, kVersionMember, [&](bson_t* members) {
    AppendText(members, "split", version.split.value());
    bson_append_int64(members, "offset", -1, version.offset);
    bson_append_date_time(members, "time", -1, Milliseconds(version.time));
    if (deleted) bson_append_date_time(members, "deleted", -1, Milliseconds(*deleted));
  });
}

/// {_id: ...} of the values of its members.
void AppendId(bson_t* document, std::span<const dom::element> values, std::span<const std::string> names) {
  if (std::ranges::any_of(values, [](const auto& value) { return value.is_array(); })) {
    throw Unfit{RejectCause::kMissingKey, "a list makes no id"};
  }
  if (values.size() == 1) return AppendJson(document, kId, values[0]);
  io::AppendNested(document, kId, [&](bson_t* members) {
    for (size_t i = 0; i < values.size(); ++i) AppendJson(members, names[i], values[i]);
  });
}

std::string Finished(const BsonDocument& document) {
  if (document.bytes().size() > kDocumentBytesMax) {
    throw Unfit{RejectCause::kTooLarge,
                fmt::format("{} bytes, and a document may have 16 MiB", document.bytes().size())};
  }
  return std::string(document.bytes());
}

/// `$or` of what is older than `version`, and of what has none.
void AppendOlder(bson_t* selector, const Version& version) {
  const auto& split = version.split.value();
  const int64_t time = Milliseconds(version.time);
  io::BsonConditions ways(selector, "$or");
  ways.Add([&](bson_t* way) {
    AppendText(way, "_millrace.split", split);
    io::AppendNested(way, "_millrace.offset", [&](bson_t* is) { bson_append_int64(is, "$lt", -1, version.offset); });
  });
  ways.Add([&](bson_t* way) {
    io::AppendNested(way, "_millrace.split", [&](bson_t* is) { AppendText(is, "$ne", split); });
    io::AppendNested(way, "_millrace.time", [&](bson_t* is) { bson_append_date_time(is, "$lt", -1, time); });
  });
  ways.Add([&](bson_t* way) {
    io::AppendNested(way, "_millrace.split", [&](bson_t* is) { AppendText(is, "$lt", split); });
    bson_append_date_time(way, "_millrace.time", -1, time);
  });
  ways.Add([&](bson_t* way) {
    io::AppendNested(way, "_millrace.split", [](bson_t* is) { bson_append_bool(is, "$exists", -1, false); });
  });
  ways.End();
}

struct WriteFailure {
  size_t index = 0;
  uint32_t code = 0;
  std::string why;
};

std::vector<WriteFailure> WriteFailures(const bson_t* reply) {
  std::vector<WriteFailure> failures;
  bson_iter_t found;
  bson_iter_t each;
  if (!bson_iter_init_find(&found, reply, "writeErrors") || !bson_iter_recurse(&found, &each)) return failures;
  while (bson_iter_next(&each)) {
    bson_iter_t member;
    if (!bson_iter_recurse(&each, &member)) continue;
    WriteFailure failure;
    while (bson_iter_next(&member)) {
      const std::string_view name = bson_iter_key(&member);
      if (name == "index") failure.index = static_cast<size_t>(bson_iter_as_int64(&member));
      if (name == "code") failure.code = static_cast<uint32_t>(bson_iter_as_int64(&member));
      if (name == "errmsg" && BSON_ITER_HOLDS_UTF8(&member)) failure.why = bson_iter_utf8(&member, nullptr);
    }
    failures.push_back(std::move(failure));
  }
  return failures;
}

bool HasConcernErrors(const bson_t* reply) {
  bson_iter_t found;
  bson_iter_t each;
  return bson_iter_init_find(&found, reply, "writeConcernErrors") && bson_iter_recurse(&found, &each) &&
         bson_iter_next(&each);
}

/// What became of the writes of a request, but for those that a server took.
std::vector<WriteFailure> Execute(mongoc_bulk_operation_t* bulk, const std::string& collection,
                                  size_t* made = nullptr) {
  const auto what = "writing to the collection " + collection;
  BsonDocument reply;
  bson_error_t error{};
  const bool done = io::Mongo().bulk_operation_execute(bulk, reply.Uninitialised(), &error) != 0;
  bson_iter_t found;
  if (made != nullptr && bson_iter_init_find(&found, reply.get(), "nUpserted")) {
    *made = static_cast<size_t>(bson_iter_as_int64(&found));
  }
  if (done) return {};
  auto failures = WriteFailures(reply.get());
  const bool on_the_way = error.domain == MONGOC_ERROR_STREAM || error.domain == MONGOC_ERROR_SERVER_SELECTION;
  if (failures.empty() || on_the_way || HasConcernErrors(reply.get())) io::ThrowMongo(error, what);
  for (const auto& failure : failures) {
    if (IsPassing(failure.code)) throw Error(ErrorCode::kUnavailable, fmt::format("{}: {}", what, failure.why));
  }
  return failures;
}

io::MongoBulkPtr UnorderedBulk(mongoc_collection_t* collection) {
  BsonDocument options;
  bson_append_bool(options.get(), "ordered", -1, false);
  return io::MongoBulkPtr(io::Mongo().collection_create_bulk_operation_with_opts(collection, options.get()));
}

void Must(bool added, const bson_error_t& error) {
  if (!added)
    throw Error(ErrorCode::kInternal, fmt::format("a write that MongoDB's driver does not take: {}", error.message));
}

void AddReplace(mongoc_bulk_operation_t* bulk, const Change& change) {
  bson_error_t error{};
  BsonDocument options;
  bson_append_bool(options.get(), "upsert", -1, true);
  bson_append_bool(options.get(), "validate", -1, false);  // names are the server's to judge
  BsonDocument selector;
  const BsonView id(change.id);
  bson_concat(selector.get(), id.get());
  AppendOlder(selector.get(), change.version);
  const BsonView body(change.body);
  Must(io::Mongo().bulk_operation_replace_one_with_opts(bulk, selector.get(), body.get(), options.get(), &error),
       error);
}

void AddInsert(mongoc_bulk_operation_t* bulk, const bson_t* document) {
  bson_error_t error{};
  BsonDocument options;
  bson_append_bool(options.get(), "validate", -1, false);
  Must(io::Mongo().bulk_operation_insert_with_opts(bulk, document, options.get(), &error), error);
}

bool Finds(mongoc_collection_t* collection, const bson_t* filter) {
  BsonDocument options;
  bson_append_int64(options.get(), "limit", -1, 1);
  const io::MongoCursorPtr cursor(io::Mongo().collection_find_with_opts(collection, filter, options.get(), nullptr));
  const bson_t* found = nullptr;
  const bool there = io::Mongo().cursor_next(cursor.get(), &found);
  bson_error_t error{};
  if (io::Mongo().cursor_error(cursor.get(), &error)) io::ThrowMongo(error, "looking for a document");
  return there;
}

std::vector<std::vector<size_t>> Pieces(std::span<const Change> changes, std::span<const size_t> indexes) {
  std::vector<std::vector<size_t>> pieces;
  size_t bytes = kPieceBytes;
  for (const size_t index : indexes) {
    bytes += changes[index].id.size() + changes[index].body.size();
    if (bytes > kPieceBytes || pieces.back().size() == kPieceChanges) {
      pieces.emplace_back();
      bytes = changes[index].id.size() + changes[index].body.size();
    }
    pieces.back().push_back(index);
  }
  return pieces;
}

std::string TextOf(const bson_t* document, const char* name) {
  bson_iter_t found;
  if (!bson_iter_init_find(&found, document, name) || !BSON_ITER_HOLDS_UTF8(&found)) {
    throw Error(ErrorCode::kStop,
                fmt::format("a document of {} has no text `{}`: something else wrote it", kPositions, name));
  }
  return bson_iter_utf8(&found, nullptr);
}

void AppendBytes(bson_t* document, const char* name, std::string_view bytes) {
  const auto held = FirstOf(bytes, kHeldBytesMax);
  if (held.text) return AppendText(document, name, held.bytes);
  bson_append_binary(document, name, -1, BSON_SUBTYPE_BINARY, reinterpret_cast<const uint8_t*>(held.bytes.data()),
                     static_cast<uint32_t>(held.bytes.size()));
}

/// A value that no document can hold is cut; all of it is still in the stream, as long as that keeps it.
void AddHeld(mongoc_bulk_operation_t* bulk, const HeldRecord& record) {
  BsonDocument document;
  bson_t* to = document.get();
  AppendText(to, kId.data(), PlaceOf(record.split, record.offset));
  AppendText(to, "topic", record.topic);
  bson_append_int32(to, "partition", -1, record.partition);
  bson_append_int64(to, "offset", -1, record.offset);
  AppendText(to, "cause", event::ToString(record.cause));
  AppendBytes(to, "detail", record.detail);
  AppendBytes(to, "value", record.value);
  bson_append_int64(to, "value_bytes", -1, static_cast<int64_t>(record.value.size()));
  AppendBytes(to, "key", record.key);
  bson_append_date_time(to, "time", -1, Milliseconds(record.time));
  AddInsert(bulk, document.get());
}

}  // namespace

MongoStore::MongoStore(MongoStoreOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), clients_(options_.server) {}

Encoded MongoStore::Encode(const JsonRecord& record, std::span<const std::string> key, const Version& version) {
  RequireFree(record.object, kVersionMember);
  const bool own_id = key.size() == 1 && key[0] == kId;
  if (!own_id) RequireFree(record.object, kId);
  std::vector<dom::element> values;
  for (const auto& name : key) values.push_back(KeyMember(record.object, name));
  BsonDocument id;
  AppendId(id.get(), values, key);
  BsonDocument document;
  bson_concat(document.get(), id.get());
  AppendMembers(document.get(), record.object, own_id ? kId : std::string_view{});
  AppendVersion(document.get(), version, std::nullopt);
  return {std::string(id.bytes()), Finished(document)};
}

Encoded MongoStore::EncodeAtPlace(const JsonRecord& record, const Version& version) {
  RequireFree(record.object, kVersionMember);
  RequireFree(record.object, kId);
  BsonDocument id;
  AppendText(id.get(), kId.data(), PlaceOf(version.split, version.offset));
  BsonDocument document;
  bson_concat(document.get(), id.get());
  AppendMembers(document.get(), record.object, {});
  AppendVersion(document.get(), version, std::nullopt);
  return {std::string(id.bytes()), Finished(document)};
}

Encoded MongoStore::EncodeDeleted(std::span<const dom::element> key, std::span<const std::string> names,
                                  const Version& version) {
  BsonDocument id;
  AppendId(id.get(), key, names);
  BsonDocument document;
  bson_concat(document.get(), id.get());
  bson_append_bool(document.get(), kDeletedMember.data(), -1, true);
  AppendVersion(document.get(), version, clock_.Now());
  return {std::string(id.bytes()), Finished(document)};
}

std::vector<MongoStore::Refusal> MongoStore::Write(std::span<const Change> changes) {
  std::vector<size_t> left(changes.size());
  std::iota(left.begin(), left.end(), 0);
  const bool keyed = !changes.empty() && changes[0].keyed;
  std::vector<Way> looks = {Way::kInsert};
  // An id that is there has a newer document, or an older one that came between our look and our insert: of two looks
  // that say so, the second is right.
  if (keyed) looks = {Way::kReplace, Way::kReplace};
  if (keyed && first_way_ == Way::kInsert) looks.insert(looks.begin(), Way::kInsert);
  std::vector<Refusal> refused;
  std::map<size_t, std::string> unsure;
  for (size_t look = 0; look < looks.size() && !left.empty(); ++look) {
    auto result = WriteAll(changes, left, looks[look]);
    std::ranges::move(result.refused, std::back_inserter(refused));
    if (look == 0) {
      const size_t made = looks[0] == Way::kInsert ? left.size() - result.there.size() : result.made;
      first_way_ = 2 * made > left.size() ? Way::kInsert : Way::kReplace;
    }
    left = std::move(result.there);
    unsure = std::move(result.unsure);
  }
  std::ranges::move(RefusedAfterAll(changes, unsure), std::back_inserter(refused));
  return refused;
}

/// Those that another unique index of the collection keeps out, where the server does not say which index it was:
/// nothing newer is there under their id.
std::vector<MongoStore::Refusal> MongoStore::RefusedAfterAll(std::span<const Change> changes,
                                                             const std::map<size_t, std::string>& unsure) {
  std::vector<Refusal> refused;
  for (const auto& [index, why] : unsure) {
    const auto& change = changes[index];
    const bool there = io::OutagePatience::Ask([&] {
      auto client = clients_.Take();
      const auto collection = client.Collection(options_.database, options_.collection);
      BsonDocument older;
      bson_concat(older.get(), BsonView(change.id).get());
      if (change.keyed) AppendOlder(older.get(), change.version);
      return Finds(collection.get(), BsonView(change.id).get()) &&
             !(change.keyed && Finds(collection.get(), older.get()));
    });
    if (!there) refused.push_back({index, why});
  }
  return refused;
}

MongoStore::PieceResult MongoStore::WriteAll(std::span<const Change> changes, std::span<const size_t> indexes,
                                             Way way) {
  const auto pieces = Pieces(changes, indexes);
  PieceResult all;
  std::mutex mutex;
  io::SeveralPatiently(pieces.size(), static_cast<size_t>(options_.writers), [&](size_t i) {
    auto result = WritePiece(changes, pieces[i], way);
    const std::lock_guard lock(mutex);
    all.there.insert(all.there.end(), result.there.begin(), result.there.end());
    all.unsure.merge(result.unsure);
    std::ranges::move(result.refused, std::back_inserter(all.refused));
    all.made += result.made;
  });
  return all;
}

MongoStore::PieceResult MongoStore::WritePiece(std::span<const Change> changes, const std::vector<size_t>& piece,
                                               Way way) {
  auto client = clients_.Take();
  const auto collection = client.Collection(options_.database, options_.collection);
  const auto bulk = UnorderedBulk(collection.get());
  for (const size_t index : piece) {
    if (way == Way::kReplace) {
      AddReplace(bulk.get(), changes[index]);
    } else {
      AddInsert(bulk.get(), BsonView(changes[index].body).get());
    }
  }
  FaultPoint("documents.before_request");
  PieceResult result;
  for (auto& failure : Execute(bulk.get(), options_.collection, &result.made)) {
    const size_t index = piece.at(failure.index);
    const auto taken = WhatIsTaken(failure.why);
    if (failure.code == kDuplicateKey && taken != Taken::kAnother) {
      result.there.push_back(index);
      if (taken == Taken::kNotSaid) result.unsure.emplace(index, std::move(failure.why));
    } else {
      result.refused.push_back({index, std::move(failure.why)});
    }
  }
  FaultPoint("documents.after_request");
  return result;
}

void MongoStore::Hold(std::span<const HeldRecord> records) {
  const auto name = options_.collection + "_quarantine";
  constexpr size_t kAtOnce = 100;
  for (size_t first = 0; first < records.size(); first += kAtOnce) {
    const auto some = records.subspan(first, std::min(kAtOnce, records.size() - first));
    io::OutagePatience::Ask([&] {
      auto client = clients_.Take();
      const auto collection = client.Collection(options_.database, name);
      const auto bulk = UnorderedBulk(collection.get());
      for (const auto& record : some) AddHeld(bulk.get(), record);
      for (const auto& failure : Execute(bulk.get(), name)) {
        if (failure.code == kDuplicateKey) continue;
        throw Error(ErrorCode::kStop,
                    fmt::format("the collection {} does not take a record that is to be kept: {}", name, failure.why));
      }
      return true;
    });
  }
}

std::string MongoStore::PositionId(const event::SplitId& split) const {
  return fmt::format("{}|{}", options_.scope, split.value());
}

event::Positions MongoStore::ReadPositions() {
  return io::OutagePatience::Ask([&] {
    auto client = clients_.Take();
    const auto collection = client.Collection(options_.database, kPositions);
    BsonDocument filter;
    AppendText(filter.get(), "scope", options_.scope);
    const io::MongoCursorPtr cursor(
        io::Mongo().collection_find_with_opts(collection.get(), filter.get(), nullptr, nullptr));
    event::Positions positions;
    const bson_t* document = nullptr;
    while (io::Mongo().cursor_next(cursor.get(), &document)) {
      positions[event::SplitId(TextOf(document, "split"))] = event::Cursor(TextOf(document, "cursor"));
    }
    bson_error_t error{};
    if (io::Mongo().cursor_error(cursor.get(), &error)) io::ThrowMongo(error, "reading the positions");
    return positions;
  });
}

bool MongoStore::SwapPosition(const event::SplitId& split, const event::Cursor& from, const event::Cursor& to) {
  auto client = clients_.Take();
  const auto collection = client.Collection(options_.database, kPositions);
  bson_error_t error{};
  BsonDocument id;
  AppendText(id.get(), kId.data(), PositionId(split));
  if (from == event::kStart) {
    BsonDocument document;
    bson_concat(document.get(), id.get());
    AppendText(document.get(), "scope", options_.scope);
    AppendText(document.get(), "split", split.value());
    AppendText(document.get(), "cursor", to.value());
    if (io::Mongo().collection_insert_one(collection.get(), document.get(), nullptr, nullptr, &error)) return true;
    if (error.code != kDuplicateKey) io::ThrowMongo(error, "moving a position");
  } else {
    AppendText(id.get(), "cursor", from.value());
    BsonDocument update;
    io::AppendNested(update.get(), "$set", [&](bson_t* members) { AppendText(members, "cursor", to.value()); });
    BsonDocument reply;
    if (!io::Mongo().collection_update_one(collection.get(), id.get(), update.get(), nullptr, reply.Uninitialised(),
                                           &error)) {
      io::ThrowMongo(error, "moving a position");
    }
    bson_iter_t matched;
    if (bson_iter_init_find(&matched, reply.get(), "matchedCount") && bson_iter_as_int64(&matched) == 1) return true;
  }
  return false;
}

void MongoStore::Forget(Timestamp before) {
  auto client = clients_.Take();
  const auto collection = client.Collection(options_.database, options_.collection);
  BsonDocument filter;
  bson_append_bool(filter.get(), kDeletedMember.data(), -1, true);
  io::AppendNested(filter.get(), "_millrace.deleted",
                   [&](bson_t* is) { bson_append_date_time(is, "$lt", -1, Milliseconds(before)); });
  bson_error_t error{};
  if (!io::Mongo().collection_delete_many(collection.get(), filter.get(), nullptr, nullptr, &error)) {
    io::ThrowMongo(error, "forgetting deleted documents");
  }
}

}  // namespace millrace::document
