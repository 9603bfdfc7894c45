#include "app/config_blocks.h"

#include "app/aws_access.h"
#include "app/config_checks.h"
#include "app/config_words.h"
#include "app/document_blocks.h"
#include "app/door_blocks.h"
#include "app/files_block.h"
#include "app/glue_block.h"
#include "app/http_ingest_blocks.h"
#include "app/http_poll_blocks.h"
#include "app/kafka_blocks.h"
#include "app/kinesis_blocks.h"
#include "app/rest_proxy_blocks.h"
#include "app/schema_blocks.h"
#include "app/spark_block.h"
#include "app/telemetry_blocks.h"

namespace millrace::app {
namespace {

using config::Block;
using config::ByteSize;
using config::Duration;
using config::Path;
using config::Share;

constexpr int64_t kKiB = int64_t{1} << 10;
constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;

const Block<CsvConfig>& CsvBlock() {
  static const auto block =
      Block<CsvConfig>("How a CSV file is read.")
          .Add(&CsvConfig::delimiter,
               {.name = "delimiter", .doc = "What stands between values; by itself a comma, or a tab in *.tsv."})
          .Add(&CsvConfig::quote,
               {.name = "quote", .doc = "What stands around a value that holds a delimiter.", .fallback = "\""})
          .Add(&CsvConfig::header, {.name = "header", .doc = "Column names of a file without a header line."})
          .Add(&CsvConfig::types,
               {.name = "types", .doc = "Column name to type where what its first values look like is not what it is."})
          .Check(CheckCsv);
  return block;
}

const Block<SourceConfig>& SourceBlock() {
  static const auto block =
      Block<SourceConfig>(
          "Where events come from, by a name of yours. Exactly one kind (file, generator, http_poll, http_ingest, "
          "mongodb).")
          .Nested("file", &SourceConfig::file, FileSourceBlock())
          .Nested("generator", &SourceConfig::generator, GeneratorBlock())
          .Nested("http_poll", &SourceConfig::http_poll, HttpPollBlock())
          .Nested("http_ingest", &SourceConfig::http_ingest, HttpIngestBlock())
          .Nested("mongodb", &SourceConfig::mongodb, MongoSourceBlock())
          .Add(&SourceConfig::topic,
               {.name = "topic",
                .doc =
                    "The topic its events go to. Without one, tables take from the source itself (`from: <source>`)."})
          .Add(&SourceConfig::drop,
               {.name = "drop",
                .doc = "Top-level fields removed before anything is stored: card numbers, passwords. CSV files only."})
          .Reserve("kafka", "reading topics of Kafka")
          .Reserve("kinesis", "reading Kinesis")
          .Reserve("transform", "SQL over each batch")
          .Check(CheckSource);
  return block;
}

const Block<IcebergConfig>& IcebergBlock() {
  static const auto block =
      Block<IcebergConfig>("An Iceberg table of Parquet files.")
          .Add(&IcebergConfig::create, {.name = "create",
                                        .doc = "Make the table when it is not there. `false`: a missing table is an "
                                               "error, as somebody else makes it.",
                                        .fallback = true})
          .Add(&IcebergConfig::partition_by,
               {.name = "partition_by",
                .doc =
                    "Columns or transforms of them: type, day(created_at), hour(t), month(t), year(t), bucket(16, id), "
                    "truncate(4, name). A table that is there takes a change for its new files; absent, it keeps what "
                    "it has."})
          .Add(&IcebergConfig::sort_by,
               {.name = "sort_by",
                .doc = "Columns rows of a file are sorted by; `desc` may follow. Changes as partition_by does."})
          .Add(&IcebergConfig::format_version,
               {.name = "format_version",
                .doc = "2, or 3: rows have ids that they keep, and deletes by position are deletion vectors. A table "
                       "of version 2 that is there is upgraded, once and for all; absent, a table that is made gets 2 "
                       "and any other keeps what it has.",
                .min = 2,
                .max = 3})
          .Add(&IcebergConfig::properties,
               {.name = "properties", .doc = "Table properties, set when the table is made."});
  return block;
}

const Block<ContractConfig>& ContractBlock() {
  static const auto block =
      Block<ContractConfig>(
          "What becomes of what the table does not expect: `evolve` the table, `freeze` (stop), `discard_value` (keep "
          "it in "
          "the row's `_rescued` column), `discard_row` (to quarantine).")
          .Add(&ContractConfig::columns,
               {.name = "columns", .doc = "Columns the table does not have yet.", .fallback = ContractWord::kEvolve})
          .Add(&ContractConfig::types,
               {.name = "types",
                .doc = "Values that do not fit their column. Widening (long to double) is `evolve`.",
                .fallback = ContractWord::kDiscardValue});
  return block;
}

const Block<MaintenanceConfig>& MaintenanceBlock() {
  static const auto block =
      Block<MaintenanceConfig>(
          "How tables are kept quick to read, beside landing in `millrace run` and by `millrace maintain`: small files "
          "are merged and sorted, old snapshots expire. No row changes.")
          .Add(
              &MaintenanceConfig::compact,
              {.name = "compact", .doc = "Merge small files of a partition into files of file_size.", .fallback = true})
          .Add(&MaintenanceConfig::small_file,
               {.name = "small_file",
                .doc = "Files below this size are small; by itself three quarters of file_size.",
                .min = ByteSize{kKiB}})
          .Add(&MaintenanceConfig::small_files,
               {.name = "small_files",
                .doc = "A partition that still receives rows is merged once it has this many small files.",
                .fallback = 16,
                .min = 2})
          .Add(&MaintenanceConfig::cold_after,
               {.name = "cold_after",
                .doc = "A partition that received nothing for this long is merged from two small files on.",
                .fallback = Duration(600'000)})
          .Add(&MaintenanceConfig::delete_ratio,
               {.name = "delete_ratio",
                .doc =
                    "A data file of which this share of rows is deleted is rewritten without them, whatever its size.",
                .fallback = Share{0.2}})
          .Add(&MaintenanceConfig::interval,
               {.name = "interval",
                .doc = "How often `millrace run` looks whether there is something to do; 0 leaves it to `millrace "
                       "maintain`.",
                .fallback = Duration(60'000)})
          .Add(&MaintenanceConfig::manifests,
               {.name = "manifests", .doc = "Small manifests are merged above this number.", .fallback = 100, .min = 1})
          .Add(
              &MaintenanceConfig::snapshots_keep,
              {.name = "snapshots_keep",
               .doc = "Snapshots kept at most: what a commit costs grows with them. Tags, branches, positions and what "
                      "models go on from stay besides.",
               .fallback = 1000,
               .min = 1})
          .Add(
              &MaintenanceConfig::snapshots_age,
              {.name = "snapshots_age",
               .doc = "Snapshots older than this expire; by itself what the table's history.expire.max-snapshot-age-ms "
                      "says, or 5 days.",
               .min = Duration(1000)});
  return block;
}

const Block<UpsertConfig>& UpsertBlock() {
  static const auto block =
      Block<UpsertConfig>(
          "Each key has one row: the last change of it stands, and records delete. A record without a value deletes "
          "the "
          "row that its key names (a tombstone). `{}` is enough for records that are rows. See docs/cdc.md.")
          .Add(&UpsertConfig::envelope,
               {.name = "envelope",
                .doc = "`none`: a record is the row. `debezium`: before, after, op, source, ts_ms, with or without "
                       "schema and payload around them.",
                .fallback = EnvelopeWord::kNone})
          .Add(&UpsertConfig::operation,
               {.name = "operation",
                .doc = "Without an envelope: the field that says what a record does, such as `op`, `__op` or "
                       "`__deleted`. It stays a column of the table."})
          .Add(&UpsertConfig::delete_values, {.name = "delete_values",
                                              .doc = "Values of `operation` that delete, whatever the case of their "
                                                     "letters; every other one is a row.",
                                              .fallback = std::vector<std::string>{"d", "delete"}})
          .Add(&UpsertConfig::add_fields,
               {.name = "add_fields",
                .doc = "Fields of a Debezium envelope that become columns, named as Debezium's flattening names them: "
                       "`op` is `__op`, `source.ts_ms` is `__source_ts_ms`."})
          .Add(&UpsertConfig::order_by,
               {.name = "order_by",
                .doc = "The column that says which change of a key is newer, whenever it comes: a whole number, a "
                       "double, a date or a time. Without it, the later one in the stream. `source.lsn` and other "
                       "fields of the envelope become columns as with add_fields."})
          .Add(&UpsertConfig::write,
               {.name = "write",
                .doc = "`merge_on_read`: replaced rows are deleted by position, quick to write. `copy_on_write`: data "
                       "files that hold them are written again, quick to read. `equality_deletes`: they are deleted "
                       "by the value of their key, without an index of the table, slower to read.",
                .fallback = UpsertWriteWord::kMergeOnRead})
          .Check(CheckUpsert);
  return block;
}

}  // namespace

const Block<TableConfig>& TableBlock() {
  static const auto block =
      Block<TableConfig>(
          "A table of the lake, `layer.name`. `files` keeps events as they came; otherwise it is Iceberg.")
          .Add(&TableConfig::from,
               {.name = "from",
                .doc = "The topic, or the source without a topic, it is made from. Of a Kafka stream also a pattern of "
                       "topic names that begins with ^.",
                .required = true})
          .Add(&TableConfig::format, {.name = "format",
                                      .doc = "What a record is: `json`; `avro` or `protobuf`, by schemas of a registry "
                                             "or of files; `json_schema`, JSON behind "
                                             "the number of its schema, as a registry's serializer writes it.",
                                      .fallback = RecordFormat::kJson})
          .Nested("avro", &TableConfig::avro, AvroBlock())
          .Nested("protobuf", &TableConfig::protobuf, ProtobufBlock())
          .Add(&TableConfig::start,
               {.name = "start",
                .doc =
                    "Where it begins in a topic that nothing was landed from yet; found out at the first run and kept "
                    "from then on. Partitions that come later are read from their beginning.",
                .fallback = StartConfig{}})
          .Add(&TableConfig::on_gap,
               {.name = "on_gap",
                .doc =
                    "When records are gone before they were read: `stop` and say which, or `land` a note about them in "
                    "quarantine and go on.",
                .fallback = GapWord::kStop})
          .Nested("files", &TableConfig::files, FilesBlock())
          .Nested("iceberg", &TableConfig::iceberg, IcebergBlock())
          .Add(&TableConfig::key,
               {.name = "key",
                .doc = "Columns that tell rows apart: a row whose key has landed is dropped as a duplicate, or, with "
                       "`upsert`, replaces the row that is there."})
          .Nested("upsert", &TableConfig::upsert, UpsertBlock())
          .Add(&TableConfig::columns, {.name = "columns",
                                       .doc = "Column name to type where inferring it from the first events is not "
                                              "wanted: long, double, decimal(9, 2), string, "
                                              "boolean, timestamptz, date, list<string>, struct<os: string>, or json "
                                              "for text that keeps any value as it came."})
          .Nested("contract", &TableConfig::contract, ContractBlock())
          .Add(&TableConfig::freshness,
               {.name = "freshness",
                .doc = "Events are to be visible this soon after they arrived. The first ones of a run are, "
                       "after a twentieth of it (half a second at least); the rest of a large "
                       "backlog is as soon as it has been read.",
                .fallback = Duration(10'000),
                .min = Duration(100)})
          .Add(&TableConfig::file_size, {.name = "file_size",
                                         .doc = "The size data files should have.",
                                         .fallback = ByteSize{256 * kMiB},
                                         .min = ByteSize{kMiB},
                                         .max = ByteSize{16 * kGiB}})
          .Add(&TableConfig::metadata, {.name = "metadata",
                                        .doc = "Columns about where a row came from: _topic, _partition, _offset, "
                                               "_event_time, _ingested_at, _key."})
          .Add(&TableConfig::headers, {.name = "headers",
                                       .doc = "A column `_headers` with the headers of each record: a list of {key, "
                                              "value}, the values as bytes."})
          .Nested("maintenance", &TableConfig::maintenance, MaintenanceBlock())
          .Check(CheckTable);
  return block;
}

namespace {

const Block<OAuth2Config>& OAuth2Block() {
  static const auto block =
      Block<OAuth2Config>("Tokens for client credentials, fetched anew before they expire.")
          .Add(&OAuth2Config::client_id, {.name = "client_id", .doc = "Who asks.", .required = true})
          .Add(&OAuth2Config::client_secret, {.name = "client_secret", .doc = "Its secret.", .required = true})
          .Add(
              &OAuth2Config::server_uri,
              {.name = "server_uri", .doc = "Where tokens come from. Without it, `/v1/oauth/tokens` of the catalogue."})
          .Add(&OAuth2Config::scope, {.name = "scope", .doc = "What the token is for.", .fallback = "catalog"})
          .Add(&OAuth2Config::audience, {.name = "audience", .doc = "Whom the token is for, where the server asks."})
          .Add(&OAuth2Config::resource, {.name = "resource", .doc = "A resource URI, where the server asks."});
  return block;
}

const Block<SigV4Config>& SigV4Block() {
  static const auto block =
      Block<SigV4Config>(
          "Requests signed with AWS's Signature Version 4. Keys come from where AWS's own tools look for them.")
          .Add(&SigV4Config::signing_name,
               {.name = "signing_name", .doc = "The service: glue, s3tables, execute-api.", .fallback = "execute-api"})
          .Add(&SigV4Config::region, {.name = "region", .doc = "Without it, AWS_REGION or the region of the profile."});
  return block;
}

const Block<RestCatalogConfig>& RestCatalogBlock() {
  static const auto block =
      Block<RestCatalogConfig>("An Iceberg REST catalogue. At most one of token, oauth2, sigv4 says who asks.")
          .Add(&RestCatalogConfig::uri,
               {.name = "uri", .doc = "Its address, what stands before /v1.", .required = true})
          .Add(&RestCatalogConfig::warehouse,
               {.name = "warehouse", .doc = "The catalogue's name for a warehouse, where it has several."})
          .Add(&RestCatalogConfig::prefix,
               {.name = "prefix", .doc = "Part of every path. Without it, what the catalogue says."})
          .Add(&RestCatalogConfig::token, {.name = "token", .doc = "A bearer token."})
          .Nested("oauth2", &RestCatalogConfig::oauth2, OAuth2Block())
          .Nested("sigv4", &RestCatalogConfig::sigv4, SigV4Block())
          .Add(&RestCatalogConfig::headers, {.name = "headers", .doc = "Headers of every request."})
          .Add(&RestCatalogConfig::vended_credentials,
               {.name = "vended_credentials",
                .doc = "The catalogue is asked for the keys to each table's files, which go before those of `lake.s3`; "
                       "endpoint and region are lake.s3's. The bucket's root is left alone then.",
                .fallback = false})
          .Add(&RestCatalogConfig::timeout, {.name = "timeout",
                                             .doc = "How long one request may take.",
                                             .fallback = Duration(60'000),
                                             .min = Duration(100)})
          .Check(CheckRestCatalog);
  return block;
}

const Block<SqliteCatalogConfig>& SqliteCatalogBlock() {
  static const auto block =
      Block<SqliteCatalogConfig>(
          "A SQLite file elsewhere than in the data directory, so that several workers of one machine share it.")
          .Add(&SqliteCatalogConfig::path,
               {.name = "path", .doc = "The file, on a local disk; made unless it is there.", .required = true});
  return block;
}

const Block<CatalogConfig>& CatalogBlock() {
  static const auto block =
      Block<CatalogConfig>("Who says which files are tables. Without it, a file in the data directory.")
          .Nested("rest", &CatalogConfig::rest, RestCatalogBlock())
          .Nested("sqlite", &CatalogConfig::sqlite, SqliteCatalogBlock())
          .Nested("glue", &CatalogConfig::glue, GlueBlock())
          .Check(CheckCatalog);
  return block;
}

const Block<LakeConfig>& LakeBlock() {
  static const auto block =
      Block<LakeConfig>("Where tables live.")
          .Add(&LakeConfig::warehouse,
               {.name = "warehouse",
                .doc = "The folder of the tables' files, or a bucket: s3://bucket/prefix, gs://bucket/prefix. Without "
                       "it, `lake` in the data directory. With a REST catalogue, where that one puts tables."})
          .Nested("s3", &LakeConfig::s3, S3Block())
          .Add(&LakeConfig::cache_size, {.name = "cache_size",
                                         .doc = "Copies of a bucket's data files that queries keep in the data "
                                                "directory. One query may need more for its time.",
                                         .fallback = ByteSize{10 * kGiB},
                                         .min = ByteSize{64 * kMiB}})
          .Nested("catalog", &LakeConfig::catalog, CatalogBlock())
          .CheckAlways(CheckLake);
  return block;
}

const Block<ServerConfig>& ServerBlock() {
  static const auto block =
      Block<ServerConfig>(
          "The HTTP server of `millrace run`: /metrics, /health/live, /health/ready, /api/v1/status, and /connectors, "
          "Kafka Connect's REST API. Without this block there is none.")
          .Add(&ServerConfig::listen,
               {.name = "listen",
                .doc = "Address and port; port 0 is one that is free. Anything but loopback needs tls and tokens.",
                .fallback = "127.0.0.1:8080"})
          .Nested("tls", &ServerConfig::tls, ServerTlsBlock())
          .MapOf("tokens", &ServerConfig::tokens, ServerTokenBlock(), "name")
          .Nested("oidc", &ServerConfig::oidc, OidcBlock())
          .Nested("limits", &ServerConfig::limits, DoorLimitsBlock())
          .Nested("audit", &ServerConfig::audit, AuditBlock())
          .Add(&ServerConfig::hosts,
               {.name = "hosts",
                .doc = "Names that requests may give as Host. On loopback, besides localhost; elsewhere, any when none "
                       "is listed."})
          .Add(&ServerConfig::connections_max, {.name = "connections_max",
                                                .doc = "Connections at a time; above it one that never sent a request "
                                                       "is closed, or else the one that was idle longest.",
                                                .fallback = 1024,
                                                .min = 8,
                                                .max = 65'536})
          .Nested("rest_proxy", &ServerConfig::rest_proxy, RestProxyBlock())
          .Check(CheckServer);
  return block;
}

const Block<QueryConfig>& QueryBlock() {
  static const auto block =
      Block<QueryConfig>(
          "What one statement from outside may take: SQL sent to the HTTP server's /api/v1/query, and `millrace query "
          "--sandbox`. Each runs in a process of its own.")
          .Add(&QueryConfig::memory, {.name = "memory",
                                      .doc = "Memory of one statement. Nothing is spilled to disk.",
                                      .fallback = ByteSize{512 * kMiB},
                                      .min = ByteSize{64 * kMiB}})
          .Add(&QueryConfig::timeout, {.name = "timeout",
                                       .doc = "From the statement's start to its last row read.",
                                       .fallback = Duration(std::chrono::seconds(60)),
                                       .min = Duration(std::chrono::milliseconds(100))})
          .Add(&QueryConfig::rows, {.name = "rows", .doc = "Rows of a result.", .fallback = 1'000'000, .min = 1})
          .Add(&QueryConfig::result_size, {.name = "result_size",
                                           .doc = "Bytes of a result, as Arrow.",
                                           .fallback = ByteSize{256 * kMiB},
                                           .min = ByteSize{1 * kMiB}});
  return block;
}

}  // namespace

const Block<FileSourceConfig>& FileSourceBlock() {
  static const auto block =
      Block<FileSourceConfig>("Files of JSON lines, a JSON array, or CSV.")
          .Add(&FileSourceConfig::path, {.name = "path",
                                         .doc = "A file, a pattern such as logs/*.jsonl.gz, or a list of them.",
                                         .required = true})
          .Add(&FileSourceConfig::format, {.name = "format",
                                           .doc = "The form of the files; `auto` goes by their names.",
                                           .fallback = FileFormat::kAuto})
          .Add(&FileSourceConfig::compression,
               {.name = "compression",
                .doc = "How the files are compressed; `auto` looks at their first bytes.",
                .fallback = FileCompression::kAuto})
          .Add(&FileSourceConfig::follow,
               {.name = "follow", .doc = "Wait for more at the end of a file, and for new files.", .fallback = false})
          .Add(&FileSourceConfig::record_size_max, {.name = "record_size_max",
                                                    .doc = "A longer record goes to quarantine.",
                                                    .fallback = ByteSize{16 * kMiB},
                                                    .min = ByteSize{kKiB},
                                                    .max = ByteSize{kGiB}})
          .Nested("csv", &FileSourceConfig::csv, CsvBlock());
  return block;
}

const Block<GeneratorConfig>& GeneratorBlock() {
  static const auto block =
      Block<GeneratorConfig>("Made-up events, the same ones for the same seed.")
          .Add(&GeneratorConfig::kind,
               {.name = "kind", .doc = "What is made up.", .fallback = GeneratorKind::kUsers, .required = true})
          .Add(&GeneratorConfig::rows, {.name = "rows", .doc = "How many; without it, without end.", .min = 0})
          .Add(&GeneratorConfig::rate,
               {.name = "rate", .doc = "How many a second at most.", .min = 1, .unit = "events/s"})
          .Add(&GeneratorConfig::seed, {.name = "seed", .doc = "Where the made-up world starts.", .fallback = 1})
          .Add(&GeneratorConfig::duplicates, {.name = "duplicates", .doc = "Events sent twice.", .fallback = Share{0}})
          .Add(&GeneratorConfig::late, {.name = "late", .doc = "Events that come late.", .fallback = Share{0}})
          .Add(&GeneratorConfig::malformed,
               {.name = "malformed", .doc = "Events that are broken.", .fallback = Share{0}});
  return block;
}

const Block<TopicConfig>& TopicBlock() {
  static const auto block =
      Block<TopicConfig>("A topic of the stream. Topics that sources name need no entry here.")
          .Add(&TopicConfig::partitions,
               {.name = "partitions", .doc = "Fixed once the topic exists.", .fallback = 1, .min = 1, .max = 1000})
          .Add(&TopicConfig::retention, {.name = "retention",
                                         .doc = "Events older than this are dropped once every reader has them.",
                                         .min = Duration(1000)})
          .Add(&TopicConfig::retention_size, {.name = "retention_size",
                                              .doc = "The oldest events above this size are dropped, read or not.",
                                              .min = ByteSize{kMiB}})
          .Add(&TopicConfig::replication,
               {.name = "replication",
                .doc = "Of a Kafka stream: on how many brokers each partition lies, when the topic is made.",
                .min = 1,
                .max = 100})
          .Reserve("schema", "schemas of topics");
  return block;
}

const Block<StreamConfig>& StreamBlock() {
  static const auto block = Block<StreamConfig>("Where topics live. Without it, in a file in the data directory.")
                                .Nested("kafka", &StreamConfig::kafka, KafkaBlock())
                                .Nested("kinesis", &StreamConfig::kinesis, KinesisBlock())
                                .Check(CheckStream);
  return block;
}

const Block<PipelineConfig>& PipelineBlock() {
  static const auto block =
      Block<PipelineConfig>("A pipeline: sources -> topics -> tables -> models, in one YAML file.")
          .Add(&PipelineConfig::name,
               {.name = "name",
                .doc = "Names the pipeline in the tables it writes; it must not change once data has landed.",
                .fallback = "main"})
          .Add(&PipelineConfig::data_dir, {.name = "data_dir",
                                           .doc = "Where the stream, the catalogue and the state live.",
                                           .fallback = Path{"millrace-data"}})
          .Add(&PipelineConfig::memory, {.name = "memory",
                                         .doc = "One budget for everything that is buffered.",
                                         .fallback = ByteSize{kGiB},
                                         .min = ByteSize{64 * kMiB}})
          .Nested("stream", &PipelineConfig::stream, StreamBlock())
          .Nested("schema_registry", &PipelineConfig::schema_registry, SchemaRegistryBlock())
          .Nested("lake", &PipelineConfig::lake, LakeBlock())
          .Nested("maintenance", &PipelineConfig::maintenance, MaintenanceBlock())
          .MapOf("sources", &PipelineConfig::sources, SourceBlock(), "source")
          .MapOf("topics", &PipelineConfig::topics, TopicBlock(), "topic")
          .MapOf("tables", &PipelineConfig::tables, TableBlock(), "table")
          .Add(&PipelineConfig::models,
               {.name = "models",
                .doc = "A folder of SQL files, one a table: gold and whatever else is made from tables."})
          .Add(&PipelineConfig::model_engine,
               {.name = "model_engine",
                .doc = "What runs models whose header names no `engine`: `duckdb`, in this process, or `spark`.",
                .fallback = ModelEngineWord::kDuckDb})
          .Nested("spark", &PipelineConfig::spark, SparkBlock())
          .Add(&PipelineConfig::model_lease,
               {.name = "model_lease",
                .doc = "Of several processes that share a lake one runs a model at a time; of one that is not heard of "
                       "for this long another takes it over. It saves work: what is right does not depend on it.",
                .fallback = Duration(30'000),
                .min = Duration(1000)})
          .Add(&PipelineConfig::tests, {.name = "tests",
                                        .doc = "A folder of tests of the pipeline itself, which `millrace test` runs.",
                                        .fallback = Path{"tests"}})
          .Nested("server", &PipelineConfig::server, ServerBlock())
          .Nested("query", &PipelineConfig::query, QueryBlock())
          .Nested("traces", &PipelineConfig::traces, TracesBlock())
          .Nested("lineage", &PipelineConfig::lineage, LineageBlock())
          .MapOf("documents", &PipelineConfig::documents, DocumentsBlock(), "documents")
          .CheckAlways(CheckPipeline);
  return block;
}

const Block<PipelineConfig>& ConnectorBlock() {
  static const auto block = Block<PipelineConfig>("What a connector adds to a pipeline.")
                                .Nested("schema_registry", &PipelineConfig::schema_registry, SchemaRegistryBlock())
                                .Nested("lake", &PipelineConfig::lake, LakeBlock())
                                .MapOf("sources", &PipelineConfig::sources, SourceBlock(), "source")
                                .MapOf("topics", &PipelineConfig::topics, TopicBlock(), "topic")
                                .MapOf("tables", &PipelineConfig::tables, TableBlock(), "table")
                                .MapOf("documents", &PipelineConfig::documents, DocumentsBlock(), "documents");
  return block;
}

}  // namespace millrace::app
