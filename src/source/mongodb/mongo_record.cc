#include "source/mongodb/mongo_record.h"

#include <fmt/format.h>

#include "io/mongo_client.h"
#include "source/file/csv_rows.h"

namespace millrace::source {
namespace {

/// As Debezium writes it, but for `after`, which is an object here and a text of JSON there.
std::string Envelope(const MongoSourceOptions& options, char operation, const std::string& after,
                     MongoChangeTime time) {
  std::string database;
  std::string collection;
  AppendJsonString(options.database, &database);
  AppendJsonString(options.collection, &collection);
  return fmt::format(
      R"({{"before":null,"after":{},"op":"{}","ts_ms":{},"source":{{"connector":"mongodb","db":{},"collection":{},)"
      R"("ts_ms":{},"ord":{},"snapshot":"{}"}}}})",
      after, operation, time.milliseconds, database, collection, time.milliseconds, time.ordinal, operation == 'r');
}

}  // namespace

std::string RecordOf(const MongoSourceOptions& options, const bson_t& document, MongoChangeTime read_at) {
  auto json = ToJson(document, options.form);
  return options.changes == MongoChangesForm::kEnvelope ? Envelope(options, 'r', json, read_at) : json;
}

std::string RecordOf(const MongoSourceOptions& options, char operation, const bson_t* after, MongoChangeTime time) {
  if (options.changes != MongoChangesForm::kEnvelope) return after == nullptr ? "" : ToJson(*after, options.form);
  return Envelope(options, operation, after == nullptr ? "null" : ToJson(*after, options.form), time);
}

std::string KeyOf(const MongoSourceOptions& options, const bson_iter_t& id) {
  if (options.changes == MongoChangesForm::kNone) return ToKey(id, options.form);
  io::BsonDocument key;
  bson_append_iter(key.get(), "_id", -1, &id);
  return ToJson(*key.get(), options.form);
}

}  // namespace millrace::source
