#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "app/config_model.h"
#include "config/value_parser.h"

/// How the enums of the configuration are written. Frozen: they stand in people's files.
namespace millrace::config {

template <>
struct Choices<app::FileFormat> {
  static constexpr std::array<std::pair<std::string_view, app::FileFormat>, 4> kWords = {
      {{"auto", app::FileFormat::kAuto},
       {"jsonl", app::FileFormat::kJsonLines},
       {"json", app::FileFormat::kJson},
       {"csv", app::FileFormat::kCsv}}};
};

template <>
struct Choices<app::FileCompression> {
  static constexpr std::array<std::pair<std::string_view, app::FileCompression>, 4> kWords = {
      {{"auto", app::FileCompression::kAuto},
       {"none", app::FileCompression::kNone},
       {"gzip", app::FileCompression::kGzip},
       {"zstd", app::FileCompression::kZstd}}};
};

template <>
struct Choices<app::CsvTypeWord> {
  static constexpr std::array<std::pair<std::string_view, app::CsvTypeWord>, 3> kWords = {
      {{"text", app::CsvTypeWord::kText},
       {"number", app::CsvTypeWord::kNumber},
       {"boolean", app::CsvTypeWord::kBoolean}}};
};

template <>
struct Choices<app::ContractWord> {
  static constexpr std::array<std::pair<std::string_view, app::ContractWord>, 4> kWords = {
      {{"evolve", app::ContractWord::kEvolve},
       {"freeze", app::ContractWord::kFreeze},
       {"discard_value", app::ContractWord::kDiscardValue},
       {"discard_row", app::ContractWord::kDiscardRow}}};
};

template <>
struct Choices<app::EnvelopeWord> {
  static constexpr std::array<std::pair<std::string_view, app::EnvelopeWord>, 2> kWords = {
      {{"none", app::EnvelopeWord::kNone}, {"debezium", app::EnvelopeWord::kDebezium}}};
};

template <>
struct Choices<app::ModelEngineWord> {
  static constexpr std::array<std::pair<std::string_view, app::ModelEngineWord>, 2> kWords = {
      {{"duckdb", app::ModelEngineWord::kDuckDb}, {"spark", app::ModelEngineWord::kSpark}}};
};

template <>
struct Choices<app::UpsertWriteWord> {
  static constexpr std::array<std::pair<std::string_view, app::UpsertWriteWord>, 3> kWords = {
      {{"merge_on_read", app::UpsertWriteWord::kMergeOnRead},
       {"copy_on_write", app::UpsertWriteWord::kCopyOnWrite},
       {"equality_deletes", app::UpsertWriteWord::kEqualityDeletes}}};
};

template <>
struct Choices<app::MongoChangesWord> {
  static constexpr std::array<std::pair<std::string_view, app::MongoChangesWord>, 3> kWords = {
      {{"none", app::MongoChangesWord::kNone},
       {"documents", app::MongoChangesWord::kDocuments},
       {"envelope", app::MongoChangesWord::kEnvelope}}};
};

template <>
struct Choices<app::BsonFormWord> {
  static constexpr std::array<std::pair<std::string_view, app::BsonFormWord>, 2> kWords = {
      {{"plain", app::BsonFormWord::kPlain}, {"extended", app::BsonFormWord::kExtended}}};
};

template <>
struct Choices<app::PlainKeysWord> {
  static constexpr std::array<std::pair<std::string_view, app::PlainKeysWord>, 2> kWords = {
      {{"json", app::PlainKeysWord::kJson}, {"text", app::PlainKeysWord::kText}}};
};

template <>
struct Choices<app::LongNumbersWord> {
  static constexpr std::array<std::pair<std::string_view, app::LongNumbersWord>, 2> kWords = {
      {{"refuse", app::LongNumbersWord::kRefuse}, {"text", app::LongNumbersWord::kText}}};
};

template <>
struct Choices<app::FirestoreApiWord> {
  static constexpr std::array<std::pair<std::string_view, app::FirestoreApiWord>, 2> kWords = {
      {{"grpc", app::FirestoreApiWord::kGrpc}, {"rest", app::FirestoreApiWord::kRest}}};
};

template <>
struct Choices<app::FilesEncoding> {
  static constexpr std::array<std::pair<std::string_view, app::FilesEncoding>, 3> kWords = {
      {{"jsonl", app::FilesEncoding::kJsonLines},
       {"parquet", app::FilesEncoding::kParquet},
       {"avro", app::FilesEncoding::kAvro}}};
};

template <>
struct Choices<app::FilesCompressionWord> {
  static constexpr std::array<std::pair<std::string_view, app::FilesCompressionWord>, 4> kWords = {
      {{"none", app::FilesCompressionWord::kNone},
       {"gzip", app::FilesCompressionWord::kGzip},
       {"zstd", app::FilesCompressionWord::kZstd},
       {"snappy", app::FilesCompressionWord::kSnappy}}};
};

template <>
struct Choices<app::SerdeWord> {
  static constexpr std::array<std::pair<std::string_view, app::SerdeWord>, 2> kWords = {
      {{"openx", app::SerdeWord::kOpenx}, {"hcatalog", app::SerdeWord::kHcatalog}}};
};

template <>
struct Choices<app::FilesRecordWord> {
  static constexpr std::array<std::pair<std::string_view, app::FilesRecordWord>, 5> kWords = {
      {{"origin", app::FilesRecordWord::kOrigin},
       {"json", app::FilesRecordWord::kJson},
       {"payload", app::FilesRecordWord::kPayload},
       {"text", app::FilesRecordWord::kText},
       {"bytes", app::FilesRecordWord::kBytes}}};
};

template <>
struct Choices<app::DocumentIdWord> {
  static constexpr std::array<std::pair<std::string_view, app::DocumentIdWord>, 2> kWords = {
      {{"value", app::DocumentIdWord::kValue}, {"record_key", app::DocumentIdWord::kRecordKey}}};
};

template <>
struct Choices<app::GeneratorKind> {
  static constexpr std::array<std::pair<std::string_view, app::GeneratorKind>, 4> kWords = {
      {{"users", app::GeneratorKind::kUsers},
       {"cards", app::GeneratorKind::kCards},
       {"clicks", app::GeneratorKind::kClicks},
       {"events", app::GeneratorKind::kEvents}}};
};

template <>
struct Choices<app::RecordFormat> {
  static constexpr std::array<std::pair<std::string_view, app::RecordFormat>, 4> kWords = {
      {{"json", app::RecordFormat::kJson},
       {"avro", app::RecordFormat::kAvro},
       {"protobuf", app::RecordFormat::kProtobuf},
       {"json_schema", app::RecordFormat::kJsonSchema}}};
};

template <>
struct Choices<app::ProtobufFramingWord> {
  static constexpr std::array<std::pair<std::string_view, app::ProtobufFramingWord>, 2> kWords = {
      {{"confluent", app::ProtobufFramingWord::kConfluent}, {"none", app::ProtobufFramingWord::kNone}}};
};

template <>
struct Choices<app::FramingWord> {
  static constexpr std::array<std::pair<std::string_view, app::FramingWord>, 3> kWords = {
      {{"confluent", app::FramingWord::kConfluent},
       {"single_object", app::FramingWord::kSingleObject},
       {"none", app::FramingWord::kNone}}};
};

template <>
struct Choices<app::PaginationWord> {
  static constexpr std::array<std::pair<std::string_view, app::PaginationWord>, 5> kWords = {
      {{"none", app::PaginationWord::kNone},
       {"page", app::PaginationWord::kPage},
       {"offset", app::PaginationWord::kOffset},
       {"cursor", app::PaginationWord::kCursor},
       {"link", app::PaginationWord::kLink}}};
};

template <>
struct Choices<app::GapWord> {
  static constexpr std::array<std::pair<std::string_view, app::GapWord>, 2> kWords = {
      {{"stop", app::GapWord::kStop}, {"land", app::GapWord::kLand}}};
};

template <>
struct Choices<app::SaslWord> {
  static constexpr std::array<std::pair<std::string_view, app::SaslWord>, 4> kWords = {
      {{"PLAIN", app::SaslWord::kPlain},
       {"SCRAM-SHA-256", app::SaslWord::kScramSha256},
       {"SCRAM-SHA-512", app::SaslWord::kScramSha512},
       {"OAUTHBEARER", app::SaslWord::kOAuthBearer}}};
};

template <>
struct Choices<app::IsolationWord> {
  static constexpr std::array<std::pair<std::string_view, app::IsolationWord>, 2> kWords = {
      {{"read_committed", app::IsolationWord::kReadCommitted},
       {"read_uncommitted", app::IsolationWord::kReadUncommitted}}};
};

template <>
struct Choices<app::CodecWord> {
  static constexpr std::array<std::pair<std::string_view, app::CodecWord>, 5> kWords = {
      {{"none", app::CodecWord::kNone},
       {"gzip", app::CodecWord::kGzip},
       {"snappy", app::CodecWord::kSnappy},
       {"lz4", app::CodecWord::kLz4},
       {"zstd", app::CodecWord::kZstd}}};
};

}  // namespace millrace::config
