#include "source/mongodb/mongo_conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace millrace::source {
namespace {

using io::BsonConditions;
using io::BsonDocument;

constexpr const char* kId = "_id";

/// The types that a cursor or an _id may have, in the order in which the server sorts them (MongoDB manual, "Comparison
/// and Sort Order"): a comparison with a value finds those of its own type alone.
struct TypeRank {
  int rank;
  bson_type_t type;
};
constexpr std::array<TypeRank, 12> kRanks = {{{1, BSON_TYPE_NULL},
                                              {2, BSON_TYPE_INT32},
                                              {2, BSON_TYPE_INT64},
                                              {2, BSON_TYPE_DOUBLE},
                                              {2, BSON_TYPE_DECIMAL128},
                                              {3, BSON_TYPE_UTF8},
                                              {4, BSON_TYPE_DOCUMENT},
                                              {5, BSON_TYPE_BINARY},
                                              {6, BSON_TYPE_OID},
                                              {7, BSON_TYPE_BOOL},
                                              {8, BSON_TYPE_DATE_TIME},
                                              {9, BSON_TYPE_TIMESTAMP}}};

int RankOf(bson_type_t type) {
  const auto found = std::ranges::find(kRanks, type, &TypeRank::type);
  return found == kRanks.end() ? 10 : found->rank;
}

bool IsLastType(bson_type_t type) {
  return std::ranges::none_of(kRanks, [&](const auto& each) { return each.rank > RankOf(type); });
}

/// $type: [those that sort behind all of `type`]
void AppendTypesBehind(bson_t* is, bson_type_t type) {
  bson_t types;
  bson_append_array_begin(is, "$type", -1, &types);
  uint32_t count = 0;
  for (const auto& each : kRanks) {
    if (each.rank > RankOf(type)) bson_append_int32(&types, std::to_string(count++).c_str(), -1, each.type);
  }
  bson_append_array_end(is, &types);
}

/// {member: {$gt: value}} (or $gte) and, for what sorts behind all of its type, {member: {$type: [...]}}.
void AddAfter(BsonConditions& ways, std::string_view member, const char* compared, const bson_iter_t& value) {
  ways.Add([&](bson_t* way) {
    io::AppendNested(way, member, [&](bson_t* is) { bson_append_iter(is, compared, -1, &value); });
  });
  if (IsLastType(bson_iter_type(&value))) return;
  ways.Add([&](bson_t* way) {
    io::AppendNested(way, member, [&](bson_t* is) { AppendTypesBehind(is, bson_iter_type(&value)); });
  });
}

/// Equal in `member`, and behind `id` in _id.
void AddTie(BsonConditions& ways, const std::string& member, const bson_iter_t& value, const bson_iter_t& id) {
  ways.Add([&](bson_t* way) {
    bson_append_iter(way, member.c_str(), -1, &value);
    BsonConditions after(way, "$or");
    AddAfter(after, kId, "$gt", id);
    after.End();
  });
}

bson_iter_t ValueIn(const BsonDocument& document) {
  bson_iter_t value;
  if (!bson_iter_init_find(&value, document.get(), "v")) {
    throw Error(ErrorCode::kInternal, "a boundary without a value");
  }
  return value;
}

}  // namespace

std::string CanonicalJson(const bson_t& document) {
  size_t size = 0;
  char* text = bson_as_canonical_extended_json(&document, &size);
  if (text == nullptr) throw Error(ErrorCode::kData, "an _id that has no JSON");
  std::string json(text, size);
  bson_free(text);
  return json;
}

BsonValueText ValueText(const bson_iter_t& value) {
  BsonDocument document;
  bson_append_iter(document.get(), "v", -1, &value);
  return CanonicalJson(*document.get());
}

void ParseJson(BsonDocument& document, const std::string& json, const std::string& what) {
  bson_error_t error;
  if (bson_init_from_json(document.Uninitialised(), json.data(), static_cast<ssize_t>(json.size()), &error)) return;
  bson_init(document.get());
  throw Error(ErrorCode::kConfig, fmt::format("{} is no JSON document: {}", what, error.message));
}

bool HasPlace(bson_type_t type) { return std::ranges::find(kRanks, type, &TypeRank::type) != kRanks.end(); }

void AppendFrom(bson_t* part, const std::string& member, const BsonValueText& value) {
  BsonDocument stored;
  ParseJson(stored, value, "a boundary");
  BsonConditions ways(part, "$or");
  AddAfter(ways, member, "$gte", ValueIn(stored));
  ways.End();
}

void AppendBefore(bson_t* part, const std::string& member, const BsonValueText& value) {
  BsonDocument stored;
  ParseJson(stored, value, "a boundary");
  const auto from = ValueIn(stored);
  // The complement, not $lt: so each document is in one range, also one that compares with nothing (NaN).
  BsonConditions all(part, "$and");
  const auto add = [&](const auto& fill) {
    all.Add(
        [&](bson_t* one) { io::AppendNested(one, member, [&](bson_t* is) { io::AppendNested(is, "$not", fill); }); });
  };
  add([&](bson_t* what) { bson_append_iter(what, "$gte", -1, &from); });
  if (!IsLastType(bson_iter_type(&from))) {
    add([&](bson_t* what) { AppendTypesBehind(what, bson_iter_type(&from)); });
  }
  all.End();
}

void AppendBehind(bson_t* part, const std::string& member, const event::Cursor& at) {
  BsonDocument stored;
  ParseJson(stored, at.value(), "a stored position");
  bson_iter_t id;
  bson_iter_t value;
  const bool by_id = member == kId;
  if (!bson_iter_init_find(&id, stored.get(), "id") || (!by_id && !bson_iter_init_find(&value, stored.get(), "at"))) {
    throw Error(ErrorCode::kStop, fmt::format("the stored position {} is not one of this collection", at.value()));
  }
  BsonConditions ways(part, "$or");
  if (by_id) {
    AddAfter(ways, kId, "$gt", id);
  } else {
    AddAfter(ways, member, "$gt", value);
    AddTie(ways, member, value, id);
  }
  ways.End();
}

}  // namespace millrace::source
