#include "app/config_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "app/document_blocks.h"
#include "app/files_block.h"
#include "app/plan.h"
#include "app/rest_proxy_blocks.h"
#include "app/schemas.h"
#include "app/server_options.h"
#include "app/spark_block.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/split.h"
#include "catalog/catalog.h"
#include "event/topic_name.h"
#include "io/http_url.h"
#include "io/s3_options.h"
#include "schema/schema.h"
#include "stream/kafka/subscription.h"

namespace millrace::app {
namespace {

/// Adds what `body` throws as a problem at a place.
template <typename Body>
void Collect(config::ParseContext& context, const config::Mark& mark, const std::string& path, Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    context.problems.Add(mark, fmt::format("{}: {}", path, error.message()));
  }
}

std::vector<std::string> IngestTopics(const PipelineConfig& pipeline) {
  std::vector<std::string> topics;
  for (const auto& [name, source] : pipeline.sources) {
    if (!source.http_ingest) continue;
    for (const auto& [path, route] : source.http_ingest->routes) topics.push_back(route.topic);
  }
  for (auto& name : ProxyTopicNames(pipeline)) topics.push_back(std::move(name));
  return topics;
}

/// What a table may take from: topics, and sources that have none.
std::vector<std::string> Origins(const PipelineConfig& pipeline) {
  std::set<std::string> origins;
  for (const auto& [name, topic] : pipeline.topics) origins.insert(name);
  for (const auto& [name, source] : pipeline.sources) {
    if (!source.http_ingest) origins.insert(source.topic.empty() ? name : source.topic);
  }
  for (auto& topic : IngestTopics(pipeline)) origins.insert(std::move(topic));
  return {origins.begin(), origins.end()};
}

/// Topics of a cluster need no entry here. True: it is one, or was said to be none.
bool CheckTopicName(const std::string& where, const TableConfig& table, config::ParseContext& context) {
  const auto& topic = table.from;
  if (stream::IsPattern(topic)) {
    Collect(context, table.MarkOf("from"), where + ".from", [&] { stream::CheckPattern(topic); });
    if (table.start.start.at == event::Start::At::kOffsets) {
      context.problems.Add(table.MarkOf("start"),
                           fmt::format("{}.start: offsets are for one topic, not for a pattern", where));
    }
    return true;
  }
  return false;
}

/// Streams of Kinesis need no entry here either; they are named one by one, and have no offsets.
void CheckKinesisTopic(const std::string& where, const TableConfig& table, config::ParseContext& context) {
  Collect(context, table.MarkOf("from"), where + ".from", [&] { event::CheckTopicName(table.from); });
  if (table.start.start.at == event::Start::At::kOffsets) {
    context.problems.Add(
        table.MarkOf("start"),
        fmt::format("{}.start: Kinesis has no offsets to start at; take earliest, latest or a time", where));
  }
}

/// `start` and `on_gap` are about topics.
void CheckStart(const PipelineConfig& pipeline, const std::string& where, const TableConfig& table,
                config::ParseContext& context) {
  const auto source = pipeline.sources.find(table.from);
  if (source == pipeline.sources.end() || !source->second.topic.empty()) return;
  for (const auto* word : {"start", "on_gap"}) {
    if (table.Given(word)) {
      context.problems.Add(
          table.MarkOf(word),
          fmt::format("{}.{}: is for tables from a topic; the source '{}' has none", where, word, table.from));
    }
  }
}

/// `where`: the path of what takes from there.
void CheckOrigin(const PipelineConfig& pipeline, const std::string& where, const TableConfig& table,
                 config::ParseContext& context) {
  if (table.from.empty()) return;
  if (pipeline.stream.kafka && CheckTopicName(where, table, context)) return;
  const auto origins = Origins(pipeline);
  if (std::find(origins.begin(), origins.end(), table.from) != origins.end()) return;
  const auto source = pipeline.sources.find(table.from);
  if (pipeline.stream.kinesis && source == pipeline.sources.end()) return CheckKinesisTopic(where, table, context);
  if (pipeline.stream.kafka && source == pipeline.sources.end()) return;  // a topic of the cluster
  const auto path = where + ".from";
  if (source != pipeline.sources.end() && source->second.http_ingest) {
    context.problems.Add(table.MarkOf("from"),
                         fmt::format("{}: the source '{}' has a topic for each of its routes; take "
                                     "from one of these",
                                     path, table.from));
    return;
  }
  if (source != pipeline.sources.end()) {
    context.problems.Add(table.MarkOf("from"),
                         fmt::format("{}: the source '{}' goes to a topic; take from that: `from: {}`", path,
                                     table.from, source->second.topic));
    return;
  }
  context.problems.Add(table.MarkOf("from"), fmt::format("{}: there is no topic or source '{}'{}", path, table.from,
                                                         Suggest(table.from, origins)));
}

void CheckTableName(const std::string& name, const TableConfig& table, config::ParseContext& context) {
  Collect(context, table.mark, "tables." + name, [&] {
    if (catalog::ParseTableName(name).name_space == "quarantine") {
      throw Error(ErrorCode::kConfig,
                  "the layer 'quarantine' is where millrace keeps rejected records; choose another");
    }
  });
}

}  // namespace

void CheckAddress(const config::Located& block, const char* member, const std::string& address, bool secret,
                  const std::string& path, config::ParseContext& context) {
  if (address.empty() || address.starts_with("https://")) return;
  if (!address.starts_with("http://")) {
    context.problems.Add(block.MarkOf(member),
                         fmt::format("{}.{}: '{}' is no http:// or https:// address", path, member, address));
    return;
  }
  if (secret && !io::MaySendSecretsTo(address)) {
    context.problems.Add(block.MarkOf(member),
                         fmt::format("{}.{}: secrets go over https:// only; give the https address", path, member));
  }
}

void CheckSource(const SourceConfig& source, const std::string& path, config::ParseContext& context) {
  const int kinds = source.file.has_value() + source.generator.has_value() + source.http_poll.has_value() +
                    source.http_ingest.has_value() + source.mongodb.has_value();
  if (kinds != 1) {
    context.problems.Add(
        source.mark,
        fmt::format("{}: needs exactly one kind of source: file, generator, http_poll, http_ingest or mongodb", path));
  }
  if (source.mongodb) CheckMongoSource(source, path, context);
  if (source.http_ingest && !source.topic.empty()) {
    context.problems.Add(source.MarkOf("topic"),
                         fmt::format("{}.topic: each of http_ingest's routes has its topic", path));
  }
  if (source.http_poll && source.topic.empty()) {
    context.problems.Add(source.mark, fmt::format("{}: needs a `topic`: an API does not answer twice alike, so what it "
                                                  "said is kept before tables are made from it",
                                                  path));
  }
  if (!source.drop.empty() &&
      !(source.file && source.file->format != FileFormat::kJson && source.file->format != FileFormat::kJsonLines)) {
    context.problems.Add(source.MarkOf("drop"), fmt::format("{}.drop: works on CSV files only in this version", path));
  }
}

void CheckCsv(const CsvConfig& csv, const std::string& path, config::ParseContext& context) {
  for (const auto& [word, value] : {std::pair{"delimiter", csv.delimiter}, std::pair{"quote", csv.quote}}) {
    if (value.size() <= 1) continue;
    context.problems.Add(csv.MarkOf(word), fmt::format("{}.{}: expected one character, found '{}'", path, word, value));
  }
}

void CheckUpsert(const UpsertConfig& upsert, const std::string& path, config::ParseContext& context) {
  const auto refuse = [&](const char* word, const char* why) {
    if (upsert.Given(word)) context.problems.Add(upsert.MarkOf(word), fmt::format("{}.{}: {}", path, word, why));
  };
  if (upsert.envelope == EnvelopeWord::kDebezium) {
    refuse("operation", "an envelope says itself what it does (op); leave it out");
    refuse("delete_values", "an envelope says itself what it does (op); leave it out");
  } else {
    refuse("add_fields", "needs an envelope to take them from: `envelope: debezium`");
    if (upsert.operation.empty()) refuse("delete_values", "needs `operation`, the field that has them");
  }
  if (upsert.write == UpsertWriteWord::kEqualityDeletes) {
    refuse("order_by",
           "needs a look at the row that is there, which `write: equality_deletes` does without; say "
           "`write: merge_on_read`, or leave it out where the topic is keyed and its order counts");
  }
}

void CheckWordsOfFiles(const TableConfig& table, const std::string& path, config::ParseContext& context) {
  const auto refuse = [&](const char* word, std::string_view why) {
    if (table.Given(word)) context.problems.Add(table.MarkOf(word), fmt::format("{}.{}: {}", path, word, why));
  };
  if (HasColumns(*table.files)) {
    for (const auto* word : {"key", "upsert"}) refuse(word, "files are never changed; it needs `iceberg`");
    refuse("metadata", "is `files.record: origin` of files");
    return;
  }
  if (table.files->record != FilesRecordWord::kOrigin) {
    refuse("headers", "lines have headers beside where a record came from: leave out `files.record`, or give `origin`");
  }
  for (const auto* word : {"key", "upsert", "columns", "contract", "metadata"}) {
    refuse(word,
           "files keep events as they came and have no columns; it needs `iceberg`, or `files.encoding: parquet` or "
           "`avro`");
  }
  if (table.format != RecordFormat::kJsonSchema) {
    refuse("format", "files keep events as they came; it needs `iceberg`, or `files.encoding: parquet` or `avro`");
  }
}

void CheckTable(const TableConfig& table, const std::string& path, config::ParseContext& context) {
  if (table.upsert && table.key.empty() && !table.files) {
    context.problems.Add(table.MarkOf("upsert"),
                         fmt::format("{}.upsert: needs `key`, the columns that tell rows apart", path));
  }
  if (table.upsert && table.upsert->write == UpsertWriteWord::kEqualityDeletes) {
    for (const auto& column : table.key) {
      if (column.find('.') == std::string::npos) continue;
      context.problems.Add(
          table.MarkOf("key"),
          fmt::format("{}.key: `write: equality_deletes` compares columns at the top of the table, and "
                      "{} is a member of one; say `write: merge_on_read`",
                      path, column));
    }
  }
  if (table.files && table.iceberg) {
    context.problems.Add(table.MarkOf("iceberg"), fmt::format("{}: is either `files` or `iceberg`, not both", path));
  }
  if (table.Given("avro") && table.format != RecordFormat::kAvro) {
    context.problems.Add(table.MarkOf("avro"), fmt::format("{}.avro: is for `format: avro`", path));
  }
  if (table.Given("protobuf") && table.format != RecordFormat::kProtobuf) {
    context.problems.Add(table.MarkOf("protobuf"), fmt::format("{}.protobuf: is for `format: protobuf`", path));
  }
  if (table.files) CheckWordsOfFiles(table, path, context);
  for (const auto& [column, type] : table.columns) {
    if (type == kJsonType) continue;
    Collect(context, table.MarkOf("columns"), fmt::format("{}.columns.{}", path, column),
            [&type = type] { schema::ParseType(type); });
  }
}

void CheckAvro(const AvroConfig& avro, const std::string& path, config::ParseContext& context) {
  if (avro.framing == FramingWord::kConfluent) return;
  const auto count = avro.schemas.size();
  if (count == 0 || (avro.framing == FramingWord::kNone && count > 1)) {
    context.problems.Add(avro.MarkOf("framing"),
                         fmt::format("{}.schemas: messages do not name a registry's schema, so it needs {}", path,
                                     avro.framing == FramingWord::kNone ? "the file of the one they are written by"
                                                                        : "the files of those they are written by"));
  }
}

void CheckProtobuf(const ProtobufConfig& protobuf, const std::string& path, config::ParseContext& context) {
  if (!protobuf.schemas.empty()) return;
  if (protobuf.framing == ProtobufFramingWord::kNone) {
    context.problems.Add(
        protobuf.MarkOf("framing"),
        fmt::format("{}.schemas: messages do not name a registry's schema, so it needs the .proto file they are "
                    "written by",
                    path));
  } else if (!protobuf.message.empty()) {
    context.problems.Add(protobuf.MarkOf("message"), fmt::format("{}.message: is one of `schemas`; give those", path));
  }
}

void CheckSchemaRegistry(const SchemaRegistryConfig& registry, const std::string& path, config::ParseContext& context) {
  const bool secret = registry.password || registry.token;
  for (const auto& address : SplitByCommas(registry.url)) CheckAddress(registry, "url", address, secret, path, context);
  if (registry.token && !registry.username.empty()) {
    context.problems.Add(registry.mark, fmt::format("{}: give either username and password, or token", path));
  }
  if (registry.username.empty() != !registry.password) {
    context.problems.Add(registry.mark, fmt::format("{}: username and password go together", path));
  }
}

void CheckRestCatalog(const RestCatalogConfig& rest, const std::string& path, config::ParseContext& context) {
  CheckAddress(rest, "uri", rest.uri, rest.token || rest.oauth2, path, context);
  if (rest.oauth2) CheckAddress(*rest.oauth2, "server_uri", rest.oauth2->server_uri, true, path + ".oauth2", context);
  if (rest.token.has_value() + rest.oauth2.has_value() + rest.sigv4.has_value() > 1) {
    context.problems.Add(rest.mark, fmt::format("{}: give one of token, oauth2, sigv4", path));
  }
}

void CheckCatalog(const CatalogConfig& catalog, const std::string& path, config::ParseContext& context) {
  if (catalog.rest.has_value() + catalog.glue.has_value() + catalog.sqlite.has_value() > 1) {
    context.problems.Add(catalog.mark, fmt::format("{}: is one of `rest`, `glue` and `sqlite`", path));
  }
}

void CheckStream(const StreamConfig& stream, const std::string& path, config::ParseContext& context) {
  if (stream.kafka && stream.kinesis) {
    context.problems.Add(stream.mark, fmt::format("{}: takes one of kafka and kinesis", path));
  }
}

void CheckLake(const LakeConfig& lake, const std::string& path, config::ParseContext& context) {
  const auto warehouse = lake.warehouse ? lake.warehouse->value : std::string();
  const auto scheme = warehouse.find("://");
  bool bucket = false;
  Collect(context, lake.MarkOf("warehouse"), path + ".warehouse",
          [&] { bucket = io::ParseS3Uri(warehouse).has_value(); });
  if (scheme != std::string::npos && !bucket && !warehouse.starts_with("s3") && !warehouse.starts_with("gs")) {
    context.problems.Add(
        lake.MarkOf("warehouse"),
        fmt::format("{}.warehouse: '{}://' is not supported by this version of millrace; give a local folder, "
                    "s3://bucket/prefix or gs://bucket/prefix",
                    path, warehouse.substr(0, scheme)));
  }
}

void CheckPipeline(const PipelineConfig& pipeline, const std::string&, config::ParseContext& context) {
  CheckIngestPaths(pipeline, context);
  CheckSparkOfPipeline(pipeline, context);
  for (const auto& [name, source] : pipeline.sources) {
    if (source.http_ingest && !pipeline.server) {
      context.problems.Add(source.mark,
                           fmt::format("sources.{}: http_ingest needs the HTTP server: add `server: {{}}`, "
                                       "which listens on 127.0.0.1:8080",
                                       name));
    }
    if (pipeline.topics.contains(name) && source.topic != name) {
      context.problems.Add(source.mark, fmt::format("sources.{}: a topic has this name too; rename one", name));
    }
  }
  for (const auto& [name, table] : pipeline.tables) {
    CheckTableName(name, table, context);
    CheckOrigin(pipeline, "tables." + name, table, context);
    CheckStart(pipeline, "tables." + name, table, context);
  }
  for (const auto& [name, documents] : pipeline.documents) {
    const auto feed = FeedOf(name, documents);
    CheckOrigin(pipeline, "documents." + name, feed, context);
    CheckStart(pipeline, "documents." + name, feed, context);
    if (const auto source = pipeline.sources.find(feed.from);
        source != pipeline.sources.end() && source->second.topic.empty()) {
      context.problems.Add(documents.MarkOf("from"),
                           fmt::format("documents.{}.from: documents are made from topics: give the source '{}' a "
                                       "`topic`, and take from that",
                                       name, feed.from));
    }
    if (pipeline.tables.contains(FeedName(name))) {
      context.problems.Add(documents.mark,
                           fmt::format("documents.{}: a table has the name {}; rename one", name, FeedName(name)));
    }
  }
}

}  // namespace millrace::app
