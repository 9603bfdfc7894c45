#include "document/dynamodb/dynamo_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "document/members.h"
#include "document/record_parser.h"
#include "io/digest.h"
#include "io/outage_patience.h"
#include "io/several_at_once.h"

namespace millrace::document {
namespace {

using io::AwsRefusal;
using nlohmann::json;
namespace dom = simdjson::dom;

// Of a record in quarantine: an item has 400 KiB, and text in it is as long as its bytes.
constexpr size_t kHeldValueBytesMax = size_t{300} << 10;
constexpr size_t kHeldKeyBytesMax = size_t{32} << 10;
constexpr size_t kHeldDetailBytesMax = size_t{4} << 10;

/// Its item is older than this version, or nobody's; a table has no item, no member.
constexpr const char* kIsOlder =
    "attribute_not_exists(#m.#s) OR (#m.#s = :s AND #m.#o < :o) OR (#m.#s <> :s AND #m.#t < :t) OR "
    "(#m.#s < :s AND #m.#t = :t)";

DynamoStoreOptions Completed(DynamoStoreOptions options) {
  options.server.service = "dynamodb";
  options.server.target = "DynamoDB_20120810";
  if (options.quarantine_table.empty()) options.quarantine_table = options.table + "_quarantine";
  return options;
}

bool IsNotMet(const AwsRefusal& refusal) { return refusal.code == "ConditionalCheckFailedException"; }

/// The fault of one item. That its key does not fit is not: it did when the table was looked at.
bool IsOfItem(const AwsRefusal& refusal) {
  if (refusal.code == "ItemCollectionSizeLimitExceededException") return true;
  const bool of_table = refusal.message.find("Missing the key") != std::string::npos ||
                        refusal.message.find("Type mismatch for key") != std::string::npos;
  return refusal.code == "ValidationException" && !of_table;
}

json Text(std::string_view text) { return {{"S", text}}; }
json Whole(int64_t value) { return {{"N", std::to_string(value)}}; }

/// Text where it is UTF-8, else bytes; no more than `bytes_max` of it.
json Cut(std::string_view bytes, size_t bytes_max) {
  const auto held = FirstOf(bytes, bytes_max);
  return held.text ? Text(held.bytes) : json{{"B", io::Base64(held.bytes)}};
}

json HeldItem(const HeldRecord& record) {
  return {{"place", Text(PlaceOf(record.split, record.offset))},
          {"topic", Text(record.topic)},
          {"partition", Whole(record.partition)},
          {"offset", Whole(record.offset)},
          {"cause", Text(event::ToString(record.cause))},
          {"detail", Cut(record.detail, kHeldDetailBytesMax)},
          {"value", Cut(record.value, kHeldValueBytesMax)},
          {"value_bytes", Whole(static_cast<int64_t>(record.value.size()))},
          {"key", Cut(record.key, kHeldKeyBytesMax)},
          {"time", Text(FormatTimestamp(record.time))}};
}

}  // namespace

DynamoStore::DynamoStore(DynamoStoreOptions options, const Clock& clock)
    : options_(Completed(std::move(options))), clock_(clock), client_(options_.server) {}

const DynamoTable& DynamoStore::Table() {
  std::call_once(opened_,
                 [&] { table_ = io::OutagePatience::Ask([&] { return OpenDynamoTables(client_, options_); }); });
  return table_;
}

void DynamoStore::RequireOurs(dom::object record) {
  RequireFree(record, kVersionMember);
  if (!Table().expires_is_records) RequireFree(record, Table().expires);
}

Encoded DynamoStore::Encode(const JsonRecord& record, std::span<const std::string>, const Version& version) {
  RequireOurs(record.object);
  DynamoItem item;
  for (const auto& key : Table().keys) item.Key(key, KeyMember(record.object, key.name));
  auto id = item.Attributes();
  item.Members(record, Table().keys);
  item.Version(version, std::nullopt);
  return {std::move(id), item.Finish()};
}

Encoded DynamoStore::EncodeAtPlace(const JsonRecord& record, const Version& version) {
  RequireOurs(record.object);
  const auto& name = Table().keys.at(0).name;
  RequireFree(record.object, name);
  DynamoItem item;
  item.Text(name, PlaceOf(version.split, version.offset));
  auto id = item.Attributes();
  item.Members(record, {});
  item.Version(version, std::nullopt);
  return {std::move(id), item.Finish()};
}

Encoded DynamoStore::EncodeDeleted(std::span<const dom::element> key, std::span<const std::string> names,
                                   const Version& version) {
  DynamoItem item;
  for (const auto& member : Table().keys) {
    item.Key(member, key[static_cast<size_t>(std::ranges::find(names, member.name) - names.begin())]);
  }
  auto id = item.Attributes();
  const auto now = clock_.Now();
  item.Flag(kDeletedMember);
  item.Version(version, now);
  item.Whole(Table().expires,
             std::chrono::ceil<std::chrono::seconds>(now + options_.deleted_for).time_since_epoch().count());
  return {std::move(id), item.Finish()};
}

std::string DynamoStore::PutRequest(const Change& change) {
  json names;
  json values;
  const char* condition = "attribute_not_exists(#k)";
  if (change.keyed) {
    condition = kIsOlder;
    names = {{"#m", kVersionMember}, {"#s", "split"}, {"#o", "offset"}, {"#t", "time"}};
    values = {{":s", Text(change.version.split.value())},
              {":o", Whole(change.version.offset)},
              {":t", Whole(Milliseconds(change.version.time))}};
  } else {
    names = {{"#k", Table().keys.at(0).name}};
  }
  return fmt::format(R"({{"TableName":{},"Item":{},"ConditionExpression":"{}","ExpressionAttributeNames":{}{}{}}})",
                     json(options_.table).dump(), change.body, condition, names.dump(),
                     values.empty() ? "" : R"(,"ExpressionAttributeValues":)", values.empty() ? "" : values.dump());
}

std::vector<DynamoStore::Refusal> DynamoStore::Write(std::span<const Change> changes) {
  std::vector<Refusal> refused;
  std::mutex mutex;
  Table();  // before threads ask
  io::SeveralPatiently(changes.size(), static_cast<size_t>(options_.writers), [&](size_t i) {
    const auto request = PutRequest(changes[i]);
    FaultPoint("documents.before_request");
    const auto answer = client_.Send("PutItem", request);
    FaultPoint("documents.after_request");
    if (answer.ok() || IsNotMet(answer.refusal)) return;  // what is there is newer, or this
    if (!IsOfItem(answer.refusal)) throw io::ErrorOf(answer.refusal, "PutItem into the table " + options_.table);
    const std::lock_guard lock(mutex);
    refused.push_back({i, answer.refusal.message});
  });
  return refused;
}

void DynamoStore::Hold(std::span<const HeldRecord> records) {
  Table();
  io::SeveralPatiently(records.size(), static_cast<size_t>(options_.writers), [&](size_t i) {
    const json request = {{"TableName", options_.quarantine_table},
                          {"Item", HeldItem(records[i])},
                          {"ConditionExpression", "attribute_not_exists(place)"}};
    const auto answer = client_.Send("PutItem", request.dump());
    if (answer.ok() || IsNotMet(answer.refusal)) return;
    throw io::ErrorOf(answer.refusal,
                      fmt::format("the table {} does not take a record that is to be kept", options_.quarantine_table));
  });
}

event::Positions DynamoStore::ReadPositions() {
  Table();
  return io::OutagePatience::Ask([&] {
    event::Positions positions;
    json request = {{"TableName", options_.positions_table},
                    {"ConsistentRead", true},
                    {"KeyConditionExpression", "#s = :s"},
                    {"ExpressionAttributeNames", {{"#s", "scope"}}},
                    {"ExpressionAttributeValues", {{":s", Text(options_.scope)}}}};
    for (;;) {
      const auto answer = client_.Send("Query", request.dump());
      if (!answer.ok()) throw io::ErrorOf(answer.refusal, "reading the positions in " + options_.positions_table);
      const auto page = json::parse(answer.body);
      for (const auto& item : page.at("Items")) {
        positions[event::SplitId(item.at("split").at("S").get<std::string>())] =
            event::Cursor(item.at("cursor").at("S").get<std::string>());
      }
      if (!page.contains("LastEvaluatedKey")) return positions;
      request["ExclusiveStartKey"] = page["LastEvaluatedKey"];
    }
  });
}

bool DynamoStore::SwapPosition(const event::SplitId& split, const event::Cursor& from, const event::Cursor& to) {
  Table();
  json request = {
      {"TableName", options_.positions_table},
      {"Item", {{"scope", Text(options_.scope)}, {"split", Text(split.value())}, {"cursor", Text(to.value())}}},
      {"ExpressionAttributeNames", {{"#c", "cursor"}}}};
  if (from == event::kStart) {
    request["ConditionExpression"] = "attribute_not_exists(#c)";
  } else {
    request["ConditionExpression"] = "#c = :from";
    request["ExpressionAttributeValues"] = {{":from", Text(from.value())}};
  }
  const auto answer = client_.Send("PutItem", request.dump());
  if (answer.ok()) return true;
  if (!IsNotMet(answer.refusal)) throw io::ErrorOf(answer.refusal, "moving a position in " + options_.positions_table);
  return false;
}

void DynamoStore::Forget(Timestamp) {}

}  // namespace millrace::document
