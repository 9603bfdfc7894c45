#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "decode/change_event.h"
#include "event/decoder.h"
#include "schema/evolution.h"
#include "schema/registry/registry.h"

namespace millrace::decode {

struct ProtobufDecoderOptions {
  /// As AvroDecoderOptions have them.
  schema::Contract contract = {.types = schema::ContractMode::kEvolve};
  std::shared_ptr<arrow::Schema> columns = nullptr;
  std::set<std::string> json_columns = {};
  std::set<std::string> reserved_names = {};
  /// Messages begin with a zero, the number of a schema here, and which message of it they are; without it they are of
  /// the message given.
  std::shared_ptr<schema::SchemaLookup> schemas = nullptr;
  /// .proto files, the one with the message last; those before it are what it imports, by their names. Empty where
  /// messages name a registry's, unless columns are wanted from the start.
  std::vector<schema::RegisteredSchema::Used> files = {};
  std::string message = {};  // its name; empty: the first of the last file

  /// Messages change rows by their key, as AvroChangeDecoder has it of the records that are made of them; keys by a
  /// schema of `schemas` may be messages too.
  std::optional<ChangeForm> changes = {};

  int64_t record_bytes_max = int64_t{128} << 20;
  int depth_max = 64;
  int columns_max = 2000;
};

/// Protobuf messages to Arrow columns, one a record, each by the schema it was written with. Columns are those of the
/// Avro record that schema/protobuf/protobuf_avro.h makes of a message, and what AvroDecoder says of contracts, columns
/// that differ and what is rescued goes for them too. What a message holds beyond its schema is rescued, by the numbers
/// of its fields: {"_unknown_fields": {"3.7": "..."}}. A record without bytes is blank, also where messages are not
/// framed and it could be one of defaults only.
///
/// rows + rejects + blank = records. Errors as AvroDecoder has them. One thread at a time.
class ProtobufDecoder final : public event::Decoder {
 public:
  /// Error kConfig when the files hold no such message.
  explicit ProtobufDecoder(ProtobufDecoderOptions options);
  ~ProtobufDecoder() override;
  ProtobufDecoder(const ProtobufDecoder&) = delete;
  ProtobufDecoder& operator=(const ProtobufDecoder&) = delete;

  event::Decoded Decode(const event::EventBatch& events) override;
  std::shared_ptr<arrow::Schema> schema() const override;
  void Adopt(std::shared_ptr<arrow::Schema> schema) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::decode
