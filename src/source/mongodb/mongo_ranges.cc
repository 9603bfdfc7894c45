#include "source/mongodb/mongo_ranges.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/log.h"

namespace millrace::source {
namespace {

using io::BsonDocument;

constexpr int kSampledPerRange = 100;
// They are stored with each batch of the source's own split.
constexpr size_t kBoundsBytesMax = size_t{64} << 10;

void AppendOrder(bson_t* to, const char* name, const std::string& member, int32_t way) {
  io::AppendNested(to, name, [&](bson_t* by) { bson_append_int32(by, member.c_str(), -1, way); });
}

bool FindMember(const bson_t& document, const std::string& member, bson_iter_t& value) {
  bson_iter_t all;
  return bson_iter_init(&all, &document) && bson_iter_find_descendant(&all, member.c_str(), &value);
}

void CheckEnd(mongoc_cursor_t* cursor, const MongoSourceOptions& options) {
  bson_error_t error{};
  if (io::Mongo().cursor_error(cursor, &error)) {
    io::ThrowMongo(error, "dividing the collection " + options.collection + " into ranges");
  }
}

/// The type of the first value, or of the last.
std::optional<bson_type_t> TypeAtEnd(mongoc_collection_t* collection, const MongoSourceOptions& options, int32_t way) {
  const auto member = options.order();
  BsonDocument filter;
  io::BsonConditions parts(filter.get(), "$and");
  parts.Add([&](bson_t* part) {
    io::AppendNested(part, member, [](bson_t* is) { bson_append_bool(is, "$exists", -1, true); });
  });
  parts.Add([&](bson_t* part) {
    if (options.filter.empty()) return;
    BsonDocument given;
    ParseJson(given, options.filter, "filter");
    bson_concat(part, given.get());
  });
  parts.End();
  BsonDocument find;
  AppendOrder(find.get(), "sort", member, way);
  AppendOrder(find.get(), "projection", member, 1);
  bson_append_int64(find.get(), "limit", -1, 1);
  const io::MongoCursorPtr cursor(io::Mongo().collection_find_with_opts(collection, filter.get(), find.get(), nullptr));
  const bson_t* document = nullptr;
  std::optional<bson_type_t> type;
  bson_iter_t value;
  if (io::Mongo().cursor_next(cursor.get(), &document) && FindMember(*document, member, value)) {
    type = bson_iter_type(&value);
  }
  CheckEnd(cursor.get(), options);
  return type;
}

/// Values of documents drawn at random, in the server's order.
std::vector<BsonValueText> Sample(mongoc_collection_t* collection, const MongoSourceOptions& options) {
  const auto member = options.order();
  BsonDocument pipeline;
  io::BsonConditions stages(pipeline.get(), "pipeline");
  // As the first stage it costs the server little: what has no such member is left out below.
  if (!options.filter.empty()) {
    stages.Add([&](bson_t* stage) {
      io::AppendNested(stage, "$match", [&](bson_t* match) {
        BsonDocument given;
        ParseJson(given, options.filter, "filter");
        bson_concat(match, given.get());
      });
    });
  }
  stages.Add([&](bson_t* stage) {
    io::AppendNested(stage, "$sample",
                     [&](bson_t* sample) { bson_append_int32(sample, "size", -1, kSampledPerRange * options.ranges); });
  });
  stages.Add([&](bson_t* stage) { AppendOrder(stage, "$project", member, 1); });
  stages.Add([&](bson_t* stage) { AppendOrder(stage, "$sort", member, 1); });
  stages.End();
  const io::MongoCursorPtr cursor(
      io::Mongo().collection_aggregate(collection, MONGOC_QUERY_NONE, pipeline.get(), nullptr, nullptr));
  std::vector<BsonValueText> values;
  const bson_t* document = nullptr;
  bson_iter_t value;
  while (io::Mongo().cursor_next(cursor.get(), &document)) {
    if (!FindMember(*document, member, value) || !HasPlace(bson_iter_type(&value))) continue;
    auto text = ValueText(value);
    // Compares with nothing.
    if (text.find("\"NaN\"") == std::string::npos) values.push_back(std::move(text));
  }
  CheckEnd(cursor.get(), options);
  return values;
}

}  // namespace

std::vector<BsonValueText> SampleBounds(io::MongoClients& clients, const MongoSourceOptions& options) {
  auto client = clients.Take();
  const auto collection = client.Collection(options.database, options.collection);
  for (const int32_t way : {1, -1}) {
    const auto type = TypeAtEnd(collection.get(), options, way);
    if (!type) return {};
    if (HasPlace(*type)) continue;
    LogWarning("source {}: {} of some documents has a type that cannot be divided into ranges; they are read in one",
               options.name, options.order());
    return {};
  }
  const auto values = Sample(collection.get(), options);
  std::vector<BsonValueText> bounds;
  size_t bytes = 0;
  const auto count = static_cast<size_t>(options.ranges);
  for (size_t i = 1; i <= count && !values.empty(); ++i) {
    const auto& value = i == count ? values.back() : values[i * values.size() / count];
    if (value == (bounds.empty() ? values.front() : bounds.back())) continue;
    bounds.push_back(value);
    bytes += value.size();
  }
  if (bounds.size() < 2) return {};
  if (bytes <= kBoundsBytesMax) return bounds;
  LogWarning("source {}: values of {} are too long to divide the collection by; it is read in one", options.name,
             options.order());
  return {};
}

void AppendRanges(bson_t* position, const MongoRanges& ranges) {
  if (ranges.bounds.empty()) return;
  bson_append_int64(position, "round", -1, ranges.round);
  bson_t list;
  bson_append_array_begin(position, "ranges", -1, &list);
  uint32_t count = 0;
  for (const auto& bound : ranges.bounds) {
    BsonDocument document;
    ParseJson(document, bound, "a boundary");
    bson_iter_t value;
    if (bson_iter_init_find(&value, document.get(), "v")) {
      bson_append_iter(&list, std::to_string(count++).c_str(), -1, &value);
    }
  }
  bson_append_array_end(position, &list);
}

MongoRanges RangesIn(const event::Cursor& position) {
  MongoRanges ranges;
  if (position == event::kStart) return ranges;
  BsonDocument stored;
  ParseJson(stored, position.value(), "a stored position");
  bson_iter_t found;
  bson_iter_t value;
  if (bson_iter_init_find(&found, stored.get(), "round")) ranges.round = bson_iter_as_int64(&found);
  if (!bson_iter_init_find(&found, stored.get(), "ranges") || !bson_iter_recurse(&found, &value)) return ranges;
  while (bson_iter_next(&value)) ranges.bounds.push_back(ValueText(value));
  return ranges;
}

event::SplitId RangeSplit(const event::SplitId& source, int64_t round, size_t i) {
  return event::SplitId(fmt::format("{}/range/{}/{}", source.value(), round, i));
}

int64_t FreshRound(const event::Positions& positions, const event::SplitId& source) {
  const auto prefix = source.value() + "/range/";
  int64_t last = 0;
  for (const auto& [split, cursor] : positions) {
    const auto& name = split.value();
    int64_t round = 0;
    if (!name.starts_with(prefix)) continue;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), round);
    last = std::max(last, round);
  }
  return last + 1;
}

}  // namespace millrace::source
