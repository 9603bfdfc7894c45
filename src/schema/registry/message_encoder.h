#pragma once

#include <nlohmann/json_fwd.hpp>

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "schema/avro/avro_schema.h"
#include "schema/json_schema/json_schema.h"
#include "schema/protobuf/protobuf_schema.h"
#include "schema/registry/registry.h"

namespace millrace::schema {

/// Writes JSON values as messages of one registered schema, in Confluent's wire format: the schema's number, then the
/// value as Avro or Protobuf where the schema is one, else as it came once it was checked. Thread-safe.
class MessageEncoder {
 public:
  /// `message`: which one of a Protobuf schema; empty: its first. Error kData when the schema cannot be read, kConfig
  /// when it has no such message.
  explicit MessageEncoder(RegisteredSchemaPtr schema, const std::string& message = {});

  /// `text` is what `value` was parsed from. Error kData when it is not as the schema says.
  std::string Encode(const nlohmann::json& value, std::string_view text) const;
  const RegisteredSchema& schema() const { return *schema_; }

 private:
  const RegisteredSchemaPtr schema_;
  std::string prefix_;
  std::optional<AvroSchema> avro_;
  std::optional<JsonSchema> json_;
  std::optional<ProtobufSchema> protobuf_;
  const google::protobuf::Descriptor* message_ = nullptr;  // one of protobuf_
  mutable std::mutex mutex_;                               // of json_
};

}  // namespace millrace::schema
