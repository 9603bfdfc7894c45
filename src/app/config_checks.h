#pragma once

#include <string>

#include "app/config_model.h"
#include "config/value_parser.h"

/// What the options of one block, or of several together, must satisfy beyond their own types.
namespace millrace::app {

void CheckSource(const SourceConfig& source, const std::string& path, config::ParseContext& context);
/// Empty is for others to judge. `secret`: whether what is sent there must not be overheard.
void CheckAddress(const config::Located& block, const char* member, const std::string& address, bool secret,
                  const std::string& path, config::ParseContext& context);
void CheckHttpPoll(const HttpPollConfig& poll, const std::string& path, config::ParseContext& context);
void CheckHttpIngest(const HttpIngestConfig& ingest, const std::string& path, config::ParseContext& context);
/// No two routes, of whatever sources, may take the same requests.
void CheckIngestPaths(const PipelineConfig& pipeline, config::ParseContext& context);
void CheckCsv(const CsvConfig& csv, const std::string& path, config::ParseContext& context);
void CheckUpsert(const UpsertConfig& upsert, const std::string& path, config::ParseContext& context);
void CheckTable(const TableConfig& table, const std::string& path, config::ParseContext& context);
void CheckRestCatalog(const RestCatalogConfig& rest, const std::string& path, config::ParseContext& context);
void CheckKafkaTls(const KafkaTlsConfig& tls, const std::string& path, config::ParseContext& context);
void CheckKafkaSasl(const KafkaSaslConfig& sasl, const std::string& path, config::ParseContext& context);
void CheckStream(const StreamConfig& stream, const std::string& path, config::ParseContext& context);
void CheckKafka(const KafkaConfig& kafka, const std::string& path, config::ParseContext& context);
void CheckLake(const LakeConfig& lake, const std::string& path, config::ParseContext& context);
void CheckCatalog(const CatalogConfig& catalog, const std::string& path, config::ParseContext& context);
void CheckPipeline(const PipelineConfig& pipeline, const std::string& path, config::ParseContext& context);

void CheckProtobuf(const ProtobufConfig& protobuf, const std::string& path, config::ParseContext& context);
void CheckAvro(const AvroConfig& avro, const std::string& path, config::ParseContext& context);
void CheckSchemaRegistry(const SchemaRegistryConfig& registry, const std::string& path, config::ParseContext& context);

}  // namespace millrace::app
