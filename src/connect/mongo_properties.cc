#include "connect/mongo_properties.h"

#include <utility>

#include "connect/common_properties.h"
#include "connect/declarations.h"

namespace millrace::connect {
namespace {

using enum PropertyType;
using enum Importance;

const char* const kStrategies = "com.mongodb.kafka.connect.sink.writemodel.strategy.";
const char* const kIds = "com.mongodb.kafka.connect.sink.processor.id.strategy.";
const char* const kUseSql = "make the document by `transform` of a documents block, which is SQL (docs/documents.md)";
const char* const kTimeSeries = "time series collections are not written";
const char* const kOneNamespace = "a topic goes to one collection: name it by topic.override.<topic>.collection";
const char* const kStores = "files of Java's key stores are not read; give tlsCAFile in connection.uri";

void AddConnection(Declarations& list) {
  list.Group("Connection")
      .Add("topics", kList, "", kHigh, {"MEDIUM", "The Kafka topics"},
           Honoured("`from`: one block of `documents:` a topic"), "The topics to read, between commas.")
      .Add("topics.regex", kString, "", kHigh, {"MEDIUM", "Topics regex"},
           Honoured("`from: ^(...)$`; needs `collection` and a Kafka stream"), "A regular expression of the topics.")
      .Add("connection.uri", kPassword, "[hidden]", kHigh, {"MEDIUM", "MongoDB Connection URI"},
           Honoured("`mongodb.uri`, as a secret; without it mongodb://localhost:27017"), "Where the server is.");
  list.Group("Server Api")
      .Add("server.api.version", kString, "", kMedium, {"MEDIUM", "The server API version."},
           Refused("the API's version is not pinned"), "The version of the server's API.")
      .Add("server.api.deprecation.errors", kBoolean, "false", kMedium, {"MEDIUM", "Deprecation errors"},
           Refused("the API's version is not pinned"), "Whether what is deprecated is an error.")
      .Add("server.api.strict", kBoolean, "false", kMedium, {"MEDIUM", "Strict"},
           Refused("the API's version is not pinned"), "Whether what is outside of the API is an error.");
  list.Group("SSL")
      .Add("connection.ssl.truststore", kString, "", kMedium, {"LONG", "SSL TrustStore"}, Refused(kStores),
           "Certificates that the server's is checked against.")
      .Add("connection.ssl.truststorePassword", kPassword, "[hidden]", kMedium, {"MEDIUM", "SSL TrustStore Password"},
           Refused(kStores), "The password of that file.")
      .Add("connection.ssl.keystore", kString, "", kMedium, {"LONG", "SSL KeyStore"},
           Refused("give tlsCertificateKeyFile in connection.uri"), "The client's own certificate.")
      .Add("connection.ssl.keystorePassword", kPassword, "[hidden]", kMedium, {"MEDIUM", "SSL KeyStore Password"},
           Refused("give tlsCertificateKeyFilePassword in connection.uri"), "The password of that file.");
  list.Group("Overrides")
      .Add("topic.override.%s.%s", kString, "", kLow, {"MEDIUM", "Per topic configuration overrides."},
           Honoured("`topic.override.<topic>.collection` and `.database`"), "Settings of one topic.")
      .Hidden();
  list.Group("").Add("provider", kString, "", kLow, {}, NoMeaning("it tells the server who wrote the client"),
                     "The name of who runs the connector.");
}

void AddNamespace(Declarations& list) {
  list.Group("Namespace")
      .Add("database", kString, std::nullopt, kHigh, {"MEDIUM", "The MongoDB database name."},
           Honoured("`mongodb.database`"), "The database.")
      .Required()
      .Add("collection", kString, "", kHigh, {"MEDIUM", "The default MongoDB collection name"},
           Honoured("`mongodb.collection`; without it, the topic's name"), "The collection.");
  const char* const kDefault = "com.mongodb.kafka.connect.sink.namespace.mapping.DefaultNamespaceMapper";
  const auto field = [&](const char* name, const char* display) {
    list.Add(std::string("namespace.mapper.") + name, kString, "", kMedium, {"MEDIUM", display}, Refused(kOneNamespace),
             "A field that names where a record goes.");
  };
  list.Group("Namespace mapping")
      .Add("namespace.mapper", kString, kDefault, kHigh, {"LONG", "The namespace mapper class"}, Refused(kOneNamespace),
           "The class that says where a record goes.");
  field("key.database.field", "The key field to use as the destination database name.");
  field("key.collection.field", "The key field to use as the destination collection name.");
  field("value.database.field", "The value field to use as the destination database name.");
  field("value.collection.field", "The value field to use as the destination collection name.");
  list.Add("namespace.mapper.error.if.invalid", kBoolean, "false", kMedium,
           {"MEDIUM", "Throw an error if the mapped field is missing or invalid."}, Refused(kOneNamespace),
           "Whether a record without such a field is an error.");
}

void AddWrites(Declarations& list) {
  const std::string strategies = kStrategies;
  list.Group("Writes")
      .Add("delete.on.null.values", kBoolean, "false", kMedium, {"MEDIUM", "Delete on null values"},
           Honoured("`deletes`: whether a record without a value deletes what its key names"),
           "Whether a record without a value deletes.")
      .Add("writemodel.strategy", kString, strategies + "DefaultWriteModelStrategy", kLow,
           {"MEDIUM", "The writeModel strategy"},
           Honoured("DefaultWriteModelStrategy, ReplaceOneDefaultStrategy: the last change of an id stands; "
                    "InsertOneDefaultStrategy where ids are made; others are refused: documents are replaced whole"),
           "How a document is written.")
      .Add("delete.writemodel.strategy", kString, strategies + "DeleteOneDefaultStrategy", kLow,
           {"MEDIUM", "The delete writeModel strategy"}, Refused("the document of the id is deleted"),
           "How a document is deleted.")
      .Add("max.batch.size", kInt, "0", kMedium, {"MEDIUM", "The maximum batch size"},
           NoMeaning("requests are as large as the server takes them"), "How many records are written at a time.")
      .AtLeast(0)
      .Add("bulk.write.ordered", kBoolean, "true", kMedium, {"MEDIUM", "Use ordered bulk writes"},
           NoMeaning("of each id the newest change is written, so their order does not matter"),
           "Whether writes stay in order.")
      .Add("rate.limiting.timeout", kInt, "0", kLow, {"MEDIUM", "The rate limiting timeout"},
           Refused("writes are not slowed down; `mongodb.writers` says how many are under way"),
           "A pause between batches.")
      .AtLeast(0)
      .Add("rate.limiting.every.n", kInt, "0", kLow, {"MEDIUM", "The rate limiting batch number"},
           Refused("writes are not slowed down; `mongodb.writers` says how many are under way"),
           "After how many batches there is a pause.")
      .AtLeast(0);
}

void AddPostProcessing(Declarations& list) {
  list.Group("Post Processing")
      .Add("post.processor.chain", kList, "com.mongodb.kafka.connect.sink.processor.DocumentIdAdder", kLow,
           {"MEDIUM", "The post processor chain"}, Refused(kUseSql), "Classes that change each document.")
      .Add("key.projection.type", kString, "none", kLow, {"MEDIUM", "The key projection type"}, Refused(kUseSql),
           "Which fields of the key stay.")
      .Add("key.projection.list", kString, "", kLow, {"MEDIUM", "The key projection list"}, Refused(kUseSql),
           "Those fields.")
      .Dependents({"key.projection.type"})
      .Add("value.projection.type", kString, "none", kLow,
           {"MEDIUM", "The type of value projection to use Use either `AllowList` or `BlockList`."}, Refused(kUseSql),
           "Which fields of the value stay.")
      .Add("value.projection.list", kString, "", kLow, {"MEDIUM", "The value projection list"}, Refused(kUseSql),
           "Those fields.")
      .Dependents({"value.projection.type"})
      .Add("field.renamer.mapping", kString, "[]", kLow, {"MEDIUM", "The field renamer mapping"}, Refused(kUseSql),
           "New names of fields.")
      .Add("field.renamer.regexp", kString, "[]", kLow, {"MEDIUM", "The field renamer regex"}, Refused(kUseSql),
           "New names of fields by patterns.");
}

void AddIds(Declarations& list) {
  const char* const kFromKey = "an id is made of the value: take ProvidedInValueStrategy or PartialValueStrategy";
  list.Group("Id Strategies")
      .Add("document.id.strategy", kString, std::string(kIds) + "BsonOidStrategy", kHigh,
           {"MEDIUM", "The document id strategy"},
           Honoured(
               "ProvidedInValueStrategy: `key: [_id]`; PartialValueStrategy with an AllowList: `key` of its fields; "
               "FullKeyStrategy: `id: record_key`; BsonOidStrategy: `_id` is the place of the record, so that a "
               "record is there once, and records bring no `_id` of their own; others are refused"),
           "What becomes the document's _id.")
      .Add("document.id.strategy.overwrite.existing", kBoolean, "false", kHigh,
           {"MEDIUM", "The document id strategy overwrite existing setting"},
           Refused("an `_id` that a record brings is not thrown away"), "Whether an _id that is there is replaced.")
      .Add("document.id.strategy.uuid.format", kString, "string", kHigh,
           {"MEDIUM", "The document id strategy uuid format"}, NoMeaning("strategies of UUIDs are refused"),
           "How UUIDs are stored.")
      .Add("document.id.strategy.partial.key.projection.type", kString, "", kLow,
           {"MEDIUM", "The document id strategy key projection"}, Refused(kFromKey),
           "Which fields of the key are the id.")
      .Add("document.id.strategy.partial.key.projection.list", kString, "", kLow,
           {"MEDIUM", "The document id strategy key projection list"}, Refused(kFromKey), "Those fields.")
      .Dependents({"document.id.strategy.partial.key.projection.type"})
      .Add("document.id.strategy.partial.value.projection.type", kString, "", kLow,
           {"MEDIUM", "The document id strategy value projection"}, Honoured("AllowList (whitelist): see above"),
           "Which fields of the value are the id.")
      .Add("document.id.strategy.partial.value.projection.list", kString, "", kLow,
           {"MEDIUM", "The document id strategy value projection list"}, Honoured("`key`"), "Those fields.")
      .Dependents({"document.id.strategy.partial.value.projection.type"});
}

void AddErrors(Declarations& list) {
  const char* const kQuarantine = "what cannot become a document is in `<collection>_quarantine`, whichever it says";
  list.Group("Errors")
      .Add("errors.tolerance", kString, "none", kMedium, {"SHORT", "Error Tolerance"}, Honoured(kQuarantine),
           "Whether a record that cannot be written stops the connector.")
      .Enumerator({"none", "data", "all"})
      .Add("mongo.errors.tolerance", kString, "none", kMedium, {"SHORT", "Error Tolerance"}, Honoured(kQuarantine),
           "The same, for this connector alone.")
      .Enumerator({"none", "data", "all"})
      .Add("errors.log.enable", kBoolean, "false", kMedium, {"SHORT", "Log Errors"},
           NoMeaning("quarantine holds every record and why; the log counts them"), "Whether each error is logged.")
      .Add("mongo.errors.log.enable", kBoolean, "false", kMedium, {"SHORT", "Log Errors"},
           NoMeaning("quarantine holds every record and why; the log counts them"),
           "The same, for this connector alone.");
  list.Group("Change Data Capture")
      .Add(
          "change.data.capture.handler", kString, "", kLow, {"MEDIUM", "The CDC handler"},
          Refused("envelopes of changes are read into tables (`upsert`, docs/cdc.md), not into documents; take the row "
                  "itself by `transform`"),
          "The class that reads envelopes of changes.");
}

void AddTimeSeries(Declarations& list) {
  const auto add = [&](const char* name, PropertyType type, const char* value, const char* display, const char* doc) {
    list.Add(std::string("timeseries.") + name, type, value, kLow, {"MEDIUM", display}, Refused(kTimeSeries), doc);
  };
  list.Group("Time series");
  add("timefield", kString, "", "The field used for time", "The field with the time.");
  add("metafield", kString, "", "The field describing the series", "The field that tells series apart.");
  add("expire.after.seconds", kLong, "0", "The data expiry time in seconds", "When documents expire.");
  add("granularity", kString, "", "The data expiry time", "How far apart times are.");
  add("timefield.auto.convert", kBoolean, "false", "Convert the field to a BSON datetime type.",
      "Whether text becomes a time.");
  add("timefield.auto.convert.date.format", kString,
      "yyyy-MM-dd[['T'][ ]][HH:mm:ss[[.][SSSSSS][SSS]][ ]VV[ ]'['VV']'][HH:mm:ss[[.][SSSSSS][SSS]][ ]X][HH:mm:ss[[.]"
      "[SSSSSS][SSS]]]",
      "The DateTimeFormatter pattern for the date.", "How times are written.");
  add("timefield.auto.convert.locale.language.tag", kString, "",
      "The DateTimeFormatter locale language tag to use: Defaults to using the neutral Locale.ROOT.",
      "In which language.");
}

}  // namespace

std::vector<Property> MongoProperties() {
  Declarations list(SinkProperties(kMongoVersion));
  AddConnection(list);
  AddNamespace(list);
  AddWrites(list);
  AddPostProcessing(list);
  AddIds(list);
  AddErrors(list);
  AddTimeSeries(list);
  return std::move(list).Take();
}

std::vector<Property> MongoFamilies() {
  Declarations list;
  list.Add("topic.override.<topic>.collection", kString, std::nullopt, kLow, {},
           Honoured("`mongodb.collection` of this topic's block"), "The collection of one topic.")
      .Add("topic.override.<topic>.database", kString, std::nullopt, kLow, {},
           Honoured("`mongodb.database` of this topic's block"), "The database of one topic.")
      .Add("topic.override.*", kString, std::nullopt, kLow, {}, Refused("give the topic a connector of its own"),
           "Other settings of one topic.");
  return SinkFamilies(std::move(list).Take());
}

}  // namespace millrace::connect
