#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/door_config.h"
#include "app/start_config.h"
#include "app/telemetry_config.h"
#include "config/mark.h"
#include "config/value_types.h"

/// A pipeline as people write it. Only app/ sees these; components get plain structs of their own.
namespace millrace::app {

/// A declared column type beside those of tables: text that keeps any value as its own JSON.
inline constexpr const char* kJsonType = "json";

enum class FileFormat { kAuto, kJsonLines, kJson, kCsv };
enum class FileCompression { kAuto, kNone, kGzip, kZstd };
enum class CsvTypeWord { kText, kNumber, kBoolean };
enum class ContractWord { kEvolve, kFreeze, kDiscardValue, kDiscardRow };
enum class EnvelopeWord { kNone, kDebezium };
enum class UpsertWriteWord { kMergeOnRead, kCopyOnWrite, kEqualityDeletes };
enum class FilesEncoding { kJsonLines, kParquet, kAvro };
enum class FilesCompressionWord { kNone, kGzip, kZstd, kSnappy };
enum class FilesRecordWord { kOrigin, kJson, kPayload, kText, kBytes };
enum class GapWord { kStop, kLand };
enum class RecordFormat { kJson, kAvro, kProtobuf, kJsonSchema };
enum class FramingWord { kConfluent, kSingleObject, kNone };
enum class ProtobufFramingWord { kConfluent, kNone };
enum class PaginationWord { kNone, kPage, kOffset, kCursor, kLink };
enum class GeneratorKind { kUsers, kCards, kClicks, kEvents };

struct CsvConfig : config::Located {
  std::string delimiter;
  std::string quote;
  std::vector<std::string> header;
  std::map<std::string, CsvTypeWord> types;
};

struct FileSourceConfig : config::Located {
  std::vector<config::Path> path;
  FileFormat format = FileFormat::kAuto;
  FileCompression compression = FileCompression::kAuto;
  bool follow = false;
  config::ByteSize record_size_max;
  CsvConfig csv;
};

struct GeneratorConfig : config::Located {
  GeneratorKind kind = GeneratorKind::kUsers;
  std::optional<int64_t> rows;
  std::optional<int64_t> rate;
  int64_t seed = 1;
  config::Share duplicates;
  config::Share late;
  config::Share malformed;
};

struct BasicAuthConfig : config::Located {
  std::string username;
  config::Secret password;
};

struct ApiKeyConfig : config::Located {
  std::string header;
  std::string param;
  config::Secret value;
};

struct HttpAuthConfig : config::Located {
  std::optional<config::Secret> bearer;
  std::optional<BasicAuthConfig> basic;
  std::optional<ApiKeyConfig> api_key;
};

struct PaginationConfig : config::Located {
  PaginationWord kind = PaginationWord::kNone;
  std::string param;
  std::optional<int64_t> first;
  std::string size_param;
  int64_t size = 0;
  std::string next;
  std::string total;
  std::optional<int64_t> end_status;
  bool unique_rows = false;
  int64_t pages_max = 0;
};

struct IncrementalConfig : config::Located {
  std::string field;
  std::string param;
  std::string initial;
};

struct HttpPollConfig : config::Located {
  std::string url;
  std::string method;
  std::map<std::string, std::string> headers;
  std::string body;
  std::optional<HttpAuthConfig> auth;
  std::string rows;
  std::optional<PaginationConfig> pagination;
  std::optional<IncrementalConfig> incremental;
  std::optional<config::Duration> every;
  std::optional<config::Duration> run_for;
  std::optional<int64_t> until_rows;
  config::Duration timeout{};
  config::Duration retry_time{};
  config::ByteSize response_size_max;
  int64_t redirects_max = 0;
  bool allow_private = false;
  std::vector<std::string> allow_addresses;
  std::optional<config::Path> ca_file;
};

struct IngestRouteConfig {
  std::string topic;
  std::string key;  // a JSON path
};

struct IntakeLimitsConfig : config::Located {
  config::ByteSize body_size_max;
  int64_t records_max = 0;
  int64_t expansion_max = 0;
  int64_t in_flight_max = 0;
};

struct HttpIngestConfig : IntakeLimitsConfig {
  std::map<std::string, IngestRouteConfig> routes;
};

struct RestProxyConfig : IntakeLimitsConfig {
  std::vector<std::string> topics;
  bool create_topics = false;
};

enum class BsonFormWord { kPlain, kExtended };
enum class MongoChangesWord { kNone, kDocuments, kEnvelope };

struct MongoSourceConfig : config::Located {
  config::Secret uri;
  std::string database;
  std::string collection;
  std::string cursor;
  std::string filter;
  BsonFormWord form = BsonFormWord::kPlain;
  MongoChangesWord changes = MongoChangesWord::kNone;
  int64_t ranges = 1;
  std::optional<config::Duration> every;
  config::Duration timeout{};
};

struct SourceConfig : config::Located {
  std::optional<FileSourceConfig> file;
  std::optional<GeneratorConfig> generator;
  std::optional<HttpPollConfig> http_poll;
  std::optional<HttpIngestConfig> http_ingest;
  std::optional<MongoSourceConfig> mongodb;
  std::string topic;  // empty: feeds tables directly
  std::vector<std::string> drop;
};

struct TopicConfig : config::Located {
  int64_t partitions = 1;
  std::optional<config::Duration> retention;
  std::optional<config::ByteSize> retention_size;
  std::optional<int64_t> replication;
};

/// Where a service of AWS is, or what speaks its protocol, and as whom it is asked.
struct AwsAccessConfig : config::Located {
  std::string endpoint;
  std::string region;
  std::optional<config::Secret> access_key;
  std::optional<config::Secret> secret_key;
  std::optional<config::Secret> session_token;
  std::string profile;
  std::optional<config::Path> ca_file;
};

struct S3Config : AwsAccessConfig {
  std::optional<bool> path_style;
};

struct GlueConfig : AwsAccessConfig {
  std::string catalog_id;
  config::Duration timeout{};
};

enum class SerdeWord { kOpenx, kHcatalog };

/// A table of Glue over plain files.
struct GlueTableConfig : config::Located {
  std::string name;  // "database.table"; empty: as the table is called
  SerdeWord serde = SerdeWord::kOpenx;
  std::optional<GlueConfig> server;  // absent: lake.catalog.glue
};

struct FilesConfig : config::Located {
  std::optional<config::Path> location;  // absent: the table's folder in the warehouse
  std::optional<S3Config> s3;            // absent: the lake's
  FilesEncoding encoding = FilesEncoding::kJsonLines;
  FilesRecordWord record = FilesRecordWord::kOrigin;
  std::string separator;
  FilesCompressionWord compression = FilesCompressionWord::kGzip;  // not given: as the encoding is mostly packed
  int64_t level = 1;
  std::string path;
  std::string time_zone;
  std::string name;
  std::string extension;
  std::optional<int64_t> file_rows;
  std::optional<config::Duration> file_span;
  std::optional<std::string> error_path;
  config::ByteSize buffer_size;
  config::Duration buffer_time{};
  std::optional<GlueTableConfig> glue;
};

struct IcebergConfig : config::Located {
  bool create = true;
  std::vector<std::string> partition_by;
  std::vector<std::string> sort_by;
  std::optional<int64_t> format_version;  // absent: 2 for a table that is made, else what the table has
  std::map<std::string, std::string> properties;
};

struct ContractConfig : config::Located {
  ContractWord columns = ContractWord::kEvolve;
  ContractWord types = ContractWord::kDiscardValue;
};

struct MaintenanceConfig : config::Located {
  bool compact = true;
  std::optional<config::ByteSize> small_file;
  int64_t small_files = 16;
  config::Duration cold_after{};
  config::Share delete_ratio;
  config::Duration interval{};
  int64_t manifests = 100;
  int64_t snapshots_keep = 1000;
  std::optional<config::Duration> snapshots_age;
};

struct UpsertConfig : config::Located {
  EnvelopeWord envelope = EnvelopeWord::kNone;
  std::string operation;
  std::vector<std::string> delete_values;
  std::vector<std::string> add_fields;
  std::string order_by;
  UpsertWriteWord write = UpsertWriteWord::kMergeOnRead;
};

struct AvroConfig : config::Located {
  FramingWord framing = FramingWord::kConfluent;
  std::vector<config::Path> schemas;
};

struct ProtobufConfig : config::Located {
  ProtobufFramingWord framing = ProtobufFramingWord::kConfluent;
  std::vector<config::Path> schemas;
  std::string message;
};

struct SchemaRegistryConfig : config::Located {
  std::string url;
  std::string username;
  std::optional<config::Secret> password;
  std::optional<config::Secret> token;
  std::optional<config::Path> ca_file;
  config::Duration timeout{};
};

struct TableConfig : config::Located {
  std::string from;
  RecordFormat format = RecordFormat::kJson;
  AvroConfig avro;
  ProtobufConfig protobuf;
  StartConfig start;
  GapWord on_gap = GapWord::kStop;
  std::optional<FilesConfig> files;
  std::optional<IcebergConfig> iceberg;  // absent with files absent: an Iceberg table without partitions
  std::vector<std::string> key;
  std::optional<UpsertConfig> upsert;  // absent: of each key the first row stays
  std::map<std::string, std::string> columns;
  ContractConfig contract;
  config::Duration freshness{};
  config::ByteSize file_size;
  bool metadata = false;
  bool headers = false;
  MaintenanceConfig maintenance;  // where an option is given; else the pipeline's
};

enum class PlainKeysWord { kJson, kText };

struct DynamoDbConfig : AwsAccessConfig {
  std::string table;
  std::string quarantine_table;
  std::string positions_table;
  bool create = false;
  std::vector<std::string> number_keys;
  int64_t writers = 16;
  config::Duration timeout{};
};

struct MongoDbConfig : config::Located {
  config::Secret uri;
  std::string database;
  std::string collection;
  int64_t writers = 4;
  config::Duration timeout{};
};

enum class LongNumbersWord { kRefuse, kText };
enum class FirestoreApiWord { kGrpc, kRest };

struct FirestoreConfig : config::Located {
  std::string project;
  std::string database;
  std::string collection;
  std::string quarantine_collection;
  std::string positions_collection;
  std::string endpoint;
  FirestoreApiWord api = FirestoreApiWord::kGrpc;
  std::optional<config::Secret> credentials;
  std::optional<config::Path> ca_file;
  LongNumbersWord long_numbers = LongNumbersWord::kRefuse;
  int64_t writers = 8;
  config::Duration timeout{};
};

enum class DocumentIdWord { kValue, kRecordKey };

struct DocumentsConfig : config::Located {
  std::string from;  // empty: the topic of the same name
  StartConfig start;
  GapWord on_gap = GapWord::kStop;
  DocumentIdWord id = DocumentIdWord::kValue;
  std::vector<std::string> key;
  PlainKeysWord plain_keys = PlainKeysWord::kJson;
  bool deletes = true;
  bool headers = false;
  config::Duration freshness{};
  config::Duration keep_deleted{};
  std::string where;
  std::string transform;
  std::optional<MongoDbConfig> mongodb;
  std::optional<DynamoDbConfig> dynamodb;
  std::optional<FirestoreConfig> firestore;
};

struct OAuth2Config : config::Located {
  std::string client_id;
  config::Secret client_secret;
  std::string server_uri;
  std::string scope;
  std::string audience;
  std::string resource;
};

struct SigV4Config : config::Located {
  std::string signing_name;
  std::string region;
};

struct RestCatalogConfig : config::Located {
  std::string uri;
  std::string warehouse;
  std::string prefix;
  std::optional<config::Secret> token;
  std::optional<OAuth2Config> oauth2;
  std::optional<SigV4Config> sigv4;
  std::map<std::string, std::string> headers;
  bool vended_credentials = false;
  config::Duration timeout{};
};

struct SqliteCatalogConfig : config::Located {
  config::Path path;
};

struct CatalogConfig : config::Located {
  std::optional<RestCatalogConfig> rest;
  std::optional<GlueConfig> glue;
  std::optional<SqliteCatalogConfig> sqlite;  // all absent: a file in the data directory
};

struct LakeConfig : config::Located {
  std::optional<config::Path> warehouse;
  S3Config s3;
  config::ByteSize cache_size;
  CatalogConfig catalog;
};

struct ServerConfig : config::Located {
  std::string listen;
  std::optional<ServerTlsConfig> tls;
  std::map<std::string, ServerTokenConfig> tokens;
  std::optional<OidcConfig> oidc;
  DoorLimitsConfig limits;
  std::optional<AuditConfig> audit;
  std::vector<std::string> hosts;
  int64_t connections_max = 1024;
  std::optional<RestProxyConfig> rest_proxy;
};

enum class SaslWord { kPlain, kScramSha256, kScramSha512, kOAuthBearer };
enum class IsolationWord { kReadCommitted, kReadUncommitted };
enum class CodecWord { kNone, kGzip, kSnappy, kLz4, kZstd };

struct KafkaTlsConfig : config::Located {
  std::optional<config::Path> ca_file;
  std::optional<config::Path> certificate_file;
  std::optional<config::Path> key_file;
  std::optional<config::Secret> key_password;
  bool verify = true;
};

struct KafkaSaslConfig : config::Located {
  SaslWord mechanism = SaslWord::kPlain;
  std::string username;
  std::optional<config::Secret> password;
  std::optional<OAuth2Config> oauth2;
};

struct KafkaConfig : config::Located {
  std::string brokers;
  std::string client_id;
  std::optional<KafkaTlsConfig> tls;
  std::optional<KafkaSaslConfig> sasl;
  std::string group_prefix;
  std::string worker;
  config::Duration session_timeout{};
  config::Duration revoke_patience{};
  config::Duration refresh{};
  IsolationWord isolation = IsolationWord::kReadCommitted;
  CodecWord compression = CodecWord::kLz4;
  std::optional<int64_t> replication;
  config::Duration timeout{};
  std::map<std::string, std::string> properties;
};

struct KinesisConfig : AwsAccessConfig {
  std::string prefix;
  config::Duration poll{};
  config::Duration refresh{};
  config::Duration delivery_timeout{};
  config::Duration timeout{};
};

/// None: the embedded one.
struct StreamConfig : config::Located {
  std::optional<KafkaConfig> kafka;
  std::optional<KinesisConfig> kinesis;
  bool is_remote() const { return kafka || kinesis; }
};

/// What one statement from outside may take.
struct QueryConfig : config::Located {
  config::ByteSize memory;
  config::Duration timeout{};
  int64_t rows = 0;
  config::ByteSize result_size;
};

enum class ModelEngineWord { kDuckDb, kSpark };

struct SparkConfig : config::Located {
  std::string remote;
  std::optional<config::Secret> token;
  std::optional<config::Path> ca_file;
  std::string catalog;
  std::map<std::string, std::string> settings;
  config::Duration timeout{};
};

struct PipelineConfig : config::Located {
  std::string name;
  config::Path data_dir;
  config::ByteSize memory;
  StreamConfig stream;
  std::optional<SchemaRegistryConfig> schema_registry;  // absent: the built-in one
  LakeConfig lake;
  MaintenanceConfig maintenance;
  std::map<std::string, SourceConfig> sources;
  std::map<std::string, TopicConfig> topics;
  std::map<std::string, TableConfig> tables;
  std::map<std::string, DocumentsConfig> documents;
  std::optional<config::Path> models;
  ModelEngineWord model_engine = ModelEngineWord::kDuckDb;
  config::Duration model_lease{};
  std::optional<SparkConfig> spark;
  config::Path tests;
  std::optional<ServerConfig> server;
  QueryConfig query;
  std::optional<TracesConfig> traces;
  std::optional<LineageConfig> lineage;

  std::string warehouse() const { return lake.warehouse ? lake.warehouse->value : data_dir.value + "/lake"; }
};

}  // namespace millrace::app
