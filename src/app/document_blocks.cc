#include "app/document_blocks.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/aws_access.h"
#include "app/config_words.h"
#include "app/firestore_block.h"
#include "app/plan.h"
#include "base/error.h"
#include "document/document_sink.h"
#include "document/dynamodb/dynamo_store.h"
#include "document/mongodb/mongo_store.h"
#include "land/header_json.h"
#include "query/record_sql.h"
#include "source/mongodb/mongo_source.h"

namespace millrace::app {
namespace {

using config::Block;
using config::Duration;

const Block<MongoDbConfig>& MongoDbBlock() {
  static const auto block =
      Block<MongoDbConfig>("A collection of MongoDB, or of what speaks its protocol.")
          .Add(&MongoDbConfig::uri, {.name = "uri",
                                     .doc = "mongodb://user:password@host:port/?options, or mongodb+srv://. Writes are "
                                            "acknowledged by a majority and journalled, whatever it says.",
                                     .required = true})
          .Add(&MongoDbConfig::database, {.name = "database", .doc = "The database.", .required = true})
          .Add(&MongoDbConfig::collection,
               {.name = "collection", .doc = "The collection; without it, named as the block is."})
          .Add(&MongoDbConfig::writers,
               {.name = "writers", .doc = "Requests under way at a time.", .fallback = 4, .min = 1, .max = 64})
          .Add(&MongoDbConfig::timeout,
               {.name = "timeout",
                .doc = "How long one request may take; socketTimeoutMS of the uri goes before.",
                .fallback = Duration(30'000),
                .min = Duration(100)});
  return block;
}

const Block<DynamoDbConfig>& DynamoDbBlock() {
  static const auto block = [] {
    Block<DynamoDbConfig> dynamo(
        "A table of DynamoDB, or of what speaks its protocol. Without keys or a profile, AWS's own places are looked "
        "into, as for a bucket.");
    AddAwsAccess(dynamo, {.endpoint = "http(s)://host:port of what is not AWS's own.",
                          .region = "The table's region; without it, AWS_REGION or the profile's."});
    dynamo.Add(&DynamoDbConfig::table, {.name = "table", .doc = "The table; without it, named as the block is."})
        .Add(&DynamoDbConfig::quarantine_table,
             {.name = "quarantine_table", .doc = "The table of what is no item; without it, `<table>_quarantine`."})
        .Add(&DynamoDbConfig::positions_table, {.name = "positions_table",
                                                .doc = "The table of positions; all pipelines may share one.",
                                                .fallback = "millrace_positions"})
        .Add(&DynamoDbConfig::create,
             {.name = "create",
              .doc = "Make tables that are missing, billed by request, and turn on their TTL. Else a missing table is "
                     "an error that says how to make it.",
              .fallback = false})
        .Add(&DynamoDbConfig::number_keys,
             {.name = "number_keys",
              .doc = "Members of `key` that are numbers in a table that is made; the others are text."})
        .Add(&DynamoDbConfig::writers,
             {.name = "writers", .doc = "Requests under way at a time.", .fallback = 16, .min = 1, .max = 256})
        .Add(&DynamoDbConfig::timeout, {.name = "timeout",
                                        .doc = "How long one request may take.",
                                        .fallback = Duration(30'000),
                                        .min = Duration(100)});
    return std::move(dynamo).Check(CheckAwsAccess);
  }();
  return block;
}

void CheckDynamoDb(const DocumentsConfig& documents, const std::string& path, config::ParseContext& context) {
  const auto& key = documents.key;
  if (key.size() > 2) {
    context.problems.Add(documents.MarkOf("key"),
                         fmt::format("{}.key: a key of DynamoDB has one or two members; make one of several with "
                                     "`transform`",
                                     path));
  }
  for (const auto& name : documents.dynamodb->number_keys) {
    if (std::ranges::find(key, name) != key.end()) continue;
    context.problems.Add(documents.dynamodb->MarkOf("number_keys"),
                         fmt::format("{}.dynamodb.number_keys: {} is no member of `key`", path, name));
  }
}

void CheckDocuments(const DocumentsConfig& documents, const std::string& path, config::ParseContext& context) {
  if (!documents.where.empty() || !documents.transform.empty()) {
    const auto* word = documents.where.empty() ? "transform" : "where";
    try {
      const query::RecordSql checked(documents.where, documents.transform);
    } catch (const Error& error) {
      context.problems.Add(documents.MarkOf(word), fmt::format("{}.{}: {}", path, word, error.message()));
    }
  }
  if (documents.mongodb.has_value() + documents.dynamodb.has_value() + documents.firestore.has_value() != 1) {
    context.problems.Add(documents.mark,
                         fmt::format("{}: needs exactly one store: mongodb, dynamodb or firestore", path));
  }
  if (documents.dynamodb) CheckDynamoDb(documents, path, context);
  if (documents.id == DocumentIdWord::kRecordKey && (!documents.key.empty() || !documents.mongodb)) {
    context.problems.Add(documents.MarkOf("id"),
                         fmt::format("{}.id: `record_key` is for mongodb, and without `key`", path));
  }
}

/// Records without a value are deletes, which no SQL looks at.
document::Shape ShapeBy(const std::string& where, const std::string& transform) {
  auto sql = std::make_shared<query::RecordSql>(where, transform);
  return [sql](const event::EventBatch& events) {
    std::vector<std::string_view> records(events.size());
    for (uint32_t i = 0; i < events.size(); ++i) records[i] = events.record(i);
    auto made = sql->Run(records);
    document::Shaped shaped;
    for (auto& row : made.rows) shaped.rows.push_back({row.record, std::move(row.json)});
    for (auto& failure : made.failures) {
      shaped.rejects.push_back({failure.record, event::RejectCause::kContract, std::move(failure.why)});
    }
    return shaped;
  };
}

source::MongoChangesForm ChangesOf(MongoChangesWord word) {
  switch (word) {
    case MongoChangesWord::kNone:
      return source::MongoChangesForm::kNone;
    case MongoChangesWord::kDocuments:
      return source::MongoChangesForm::kDocuments;
    case MongoChangesWord::kEnvelope:
      return source::MongoChangesForm::kEnvelope;
  }
  return source::MongoChangesForm::kNone;
}

std::string ScopeOf(const PipelineConfig& pipeline, const std::string& name) { return pipeline.name + "/" + name; }

std::unique_ptr<document::DocumentStore> MakeDynamoStore(const std::string& scope, const std::string& name,
                                                         const DocumentsConfig& documents) {
  const auto& config = *documents.dynamodb;
  document::DynamoStoreOptions options;
  options.server.endpoint = config.endpoint;
  options.server.region = config.region;
  if (config.ca_file) options.server.ca_file = config.ca_file->value;
  options.server.credentials = CredentialsOf(config);
  options.server.timeout = config.timeout;
  options.table = config.table.empty() ? name : config.table;
  options.quarantine_table = config.quarantine_table;
  options.positions_table = config.positions_table;
  options.key = documents.key;
  options.create = config.create;
  options.number_keys = config.number_keys;
  // All tables of a region may share one of positions.
  options.scope = options.table + "/" + scope;
  options.deleted_for = documents.keep_deleted;
  options.writers = static_cast<int>(config.writers);
  return std::make_unique<document::DynamoStore>(std::move(options));
}

}  // namespace

const Block<DocumentsConfig>& DocumentsBlock() {
  static const auto block =
      Block<DocumentsConfig>(
          "Records of a topic as documents of a store, by a name of yours. With `key`, the last change of each stands "
          "and "
          "a record without a value deletes; without, each record is a document. See docs/documents.md.")
          .Add(&DocumentsConfig::from,
               {.name = "from", .doc = "The topic; without it, the one that has the name of the block."})
          .Add(&DocumentsConfig::start,
               {.name = "start",
                .doc =
                    "Where it begins in a topic that nothing was taken from yet; found out at the first run and kept.",
                .fallback = StartConfig{}})
          .Add(&DocumentsConfig::on_gap,
               {.name = "on_gap",
                .doc = "When records are gone before they were read: `stop` and say which, or `land` a note about them "
                       "in the quarantine collection and go on.",
                .fallback = GapWord::kStop})
          .Add(&DocumentsConfig::id,
               {.name = "id",
                .doc = "What makes a document's id: `value`, the members of the record that `key` names; `record_key`, "
                       "the record's own key, whole, as `_id` (MongoDB).",
                .fallback = DocumentIdWord::kValue})
          .Add(&DocumentsConfig::key,
               {.name = "key",
                .doc = "Members of the record that make the document's id: of one the value, of several a document."})
          .Add(&DocumentsConfig::plain_keys,
               {.name = "plain_keys",
                .doc =
                    "What the key of a record without a value is when it is no JSON object: `json`, 7 is a number and "
                    "x7 is text; `text` always.",
                .fallback = PlainKeysWord::kJson})
          .Add(&DocumentsConfig::deletes,
               {.name = "deletes",
                .doc = "With an id: whether a record without a value deletes the document that its key names; else it "
                       "is left out.",
                .fallback = true})
          .Add(&DocumentsConfig::headers,
               {.name = "headers",
                .doc = "A member `_headers` with the headers of each record: a list of {key, value}, or value_base64 "
                       "where a value is no text.",
                .fallback = false})
          .Add(&DocumentsConfig::freshness, {.name = "freshness",
                                             .doc = "Records are to be in the store this soon after they arrived.",
                                             .fallback = Duration(1000),
                                             .min = Duration(10)})
          .Add(&DocumentsConfig::keep_deleted,
               {.name = "keep_deleted",
                .doc = "A deleted document leaves `_deleted: true` in its place for as long, so that no older change "
                       "brings it back.",
                .fallback = Duration(24 * 3'600'000),
                .min = Duration(60'000)})
          .Nested("mongodb", &DocumentsConfig::mongodb, MongoDbBlock())
          .Nested("dynamodb", &DocumentsConfig::dynamodb, DynamoDbBlock())
          .Nested("firestore", &DocumentsConfig::firestore, FirestoreBlock())
          .Add(&DocumentsConfig::where,
               {.name = "where",
                .doc = "A condition in SQL (DuckDB's) over the members of a record: what does not meet it is left out. "
                       "`length(value) > 0`, `customer.country = 'DE'`."})
          .Add(&DocumentsConfig::transform,
               {.name = "transform",
                .doc =
                    "A SELECT from `batch`, which has the records: each becomes the document that the SELECT makes of "
                    "it. It looks at one record at a time, and may leave some out by WHERE."})
          .Check(CheckDocuments);
  return block;
}

document::MongoStoreOptions MongoStoreOptionsFor(const PipelineConfig& pipeline, const std::string& name,
                                                 const MongoDbConfig& config) {
  document::MongoStoreOptions options;
  options.server = {.uri = config.uri.Reveal(), .timeout = config.timeout};
  options.database = config.database;
  options.collection = config.collection.empty() ? name : config.collection;
  options.scope = ScopeOf(pipeline, name);
  options.writers = static_cast<int>(config.writers);
  return options;
}

std::unique_ptr<document::DocumentStore> MakeDocumentStore(const PipelineConfig& pipeline, const std::string& name,
                                                           const DocumentsConfig& documents) {
  if (documents.mongodb) {
    return std::make_unique<document::MongoStore>(MongoStoreOptionsFor(pipeline, name, *documents.mongodb));
  }
  if (documents.dynamodb) return MakeDynamoStore(ScopeOf(pipeline, name), name, documents);
  return MakeFirestoreStore(ScopeOf(pipeline, name), name, documents);
}

const Block<MongoSourceConfig>& MongoSourceBlock() {
  static const auto block =
      Block<MongoSourceConfig>(
          "Documents of a collection of MongoDB, or of what speaks its protocol, each as a JSON record with its _id as "
          "the "
          "key. See docs/documents.md.")
          .Add(&MongoSourceConfig::uri, {.name = "uri",
                                         .doc = "mongodb://user:password@host:port/?options, or mongodb+srv://.",
                                         .required = true})
          .Add(&MongoSourceConfig::database, {.name = "database", .doc = "The database.", .required = true})
          .Add(&MongoSourceConfig::collection, {.name = "collection", .doc = "The collection.", .required = true})
          .Add(
              &MongoSourceConfig::cursor,
              {.name = "cursor",
               .doc = "A member that rises with every change of a document, such as updated_at: what was changed comes "
                      "again. Without it, documents are read in the order of _id, and later ones as they come."})
          .Add(&MongoSourceConfig::filter, {.name = "filter", .doc = "Which documents, as MongoDB writes it, in JSON."})
          .Add(
              &MongoSourceConfig::form,
              {.name = "form",
               .doc =
                   "`plain`: what JSON has (an ObjectId is its digits, a date ISO 8601). `extended`: MongoDB's relaxed "
                   "Extended JSON, which keeps every type; `documents` reads it back.",
               .fallback = BsonFormWord::kPlain})
          .Add(&MongoSourceConfig::changes,
               {.name = "changes",
                .doc = "The documents first, then every change as the server's change stream tells it, deletes too: "
                       "`documents`, each record the document after the change, a delete one without a value; "
                       "`envelope`, Debezium's (`upsert: { envelope: debezium }`). Needs a `topic`, and a replica set.",
                .fallback = MongoChangesWord::kNone})
          .Add(&MongoSourceConfig::ranges,
               {.name = "ranges",
                .doc = "So many parts of the collection are read at a time, each over a connection of its own, when it "
                       "is read for the first time; what comes later is read in one. A part takes up to 8 MiB.",
                .fallback = 1,
                .min = 1,
                .max = 32})
          .Add(&MongoSourceConfig::every,
               {.name = "every",
                .doc = "How often it looks for more; without it, the source ends with the last document.",
                .min = Duration(10)})
          .Add(&MongoSourceConfig::timeout,
               {.name = "timeout",
                .doc = "How long one request may take; socketTimeoutMS of the uri goes before.",
                .fallback = Duration(30'000),
                .min = Duration(100)});
  return block;
}

void CheckMongoSource(const SourceConfig& source, const std::string& path, config::ParseContext& context) {
  const auto& mongodb = *source.mongodb;
  if (mongodb.changes == MongoChangesWord::kNone) return;
  const auto refuse = [&](const char* word, const char* why) {
    if (!mongodb.Given(word)) return;
    context.problems.Add(mongodb.MarkOf(word), fmt::format("{}.mongodb.{}: {}", path, word, why));
  };
  refuse("cursor", "the change stream tells what changed; leave out `cursor`, or `changes`");
  refuse("every", "changes come as they are made; leave out `every`, or `changes`");
  refuse("filter", "the change stream is of all documents; choose behind it, by `where` of `documents` or in a model");
  if (!source.topic.empty()) return;
  context.problems.Add(mongodb.MarkOf("changes"),
                       fmt::format("{}.mongodb.changes: needs a `topic`: a server does not tell a change twice alike, "
                                   "so what it said is kept before tables are made from it",
                                   path));
}

std::unique_ptr<event::Source> MakeMongoSource(const std::string& name, const MongoSourceConfig& config, bool ends) {
  source::MongoSourceOptions options;
  options.name = name;
  options.server = {.uri = config.uri.Reveal(), .timeout = config.timeout};
  options.database = config.database;
  options.collection = config.collection;
  options.cursor = config.cursor;
  options.filter = config.filter;
  options.form = config.form == BsonFormWord::kPlain ? source::BsonForm::kPlain : source::BsonForm::kExtended;
  options.ranges = static_cast<int>(config.ranges);
  options.changes = ChangesOf(config.changes);
  options.ends = ends;
  options.changes_asked =
      fmt::format("{}: sources.{}.mongodb.changes", config::ToString(config.MarkOf("changes")), name);
  if (!ends) options.every = config.every;
  return WithContext("source " + name, [&] { return std::make_unique<source::MongoSource>(std::move(options)); });
}

std::shared_ptr<event::Sink> MakeDocumentSink(const PipelineConfig& pipeline, const std::string& name,
                                              const DocumentsConfig& documents, ByteBudget& budget) {
  document::DocumentSinkOptions options;
  options.name = "documents " + name;
  options.key = documents.key;
  options.id_is_record_key = documents.id == DocumentIdWord::kRecordKey;
  if (options.id_is_record_key) options.key = {"_id"};
  options.deletes = documents.deletes;
  options.plain_keys =
      documents.plain_keys == PlainKeysWord::kText ? document::PlainKeys::kText : document::PlainKeys::kJson;
  options.buffer_time = documents.freshness;
  if (!documents.where.empty() || !documents.transform.empty()) {
    options.shape = ShapeBy(documents.where, documents.transform);
  }
  options.deleted_for = documents.keep_deleted;
  if (documents.headers) options.headers = land::AppendHeadersJson;
  return WithContext(options.name, [&] {
    return std::make_shared<document::DocumentSink>(MakeDocumentStore(pipeline, name, documents), std::move(options),
                                                    budget);
  });
}

}  // namespace millrace::app
