#include "schema/registry/message_encoder.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "schema/avro/avro_encode.h"
#include "schema/registry/registered_avro.h"

namespace millrace::schema {

MessageEncoder::MessageEncoder(RegisteredSchemaPtr schema)
    : schema_(std::move(schema)), prefix_(SchemaPrefix(schema_->id)) {
  switch (schema_->kind) {
    case SchemaKind::kAvro:
      avro_ = ParseAvro(*schema_, AvroSchema::Rules::kLenient);
      return;
    case SchemaKind::kJson:
      json_.emplace(schema_->text, schema_->references);
      return;
    case SchemaKind::kProtobuf:
      throw Error(ErrorCode::kConfig, "records are written as Avro or JSON in this version, not as Protobuf");
  }
}

std::string MessageEncoder::Encode(const nlohmann::json& value, std::string_view text) const {
  if (avro_) {
    AvroEncoder out;
    EncodeAvro(value, avro_->root(), out);
    return prefix_ + std::string(out.bytes());
  }
  {
    const std::lock_guard lock(mutex_);
    if (const auto why = json_->WhyInvalid(value); !why.empty()) throw Error(ErrorCode::kData, why);
  }
  return prefix_ + std::string(text);
}

}  // namespace millrace::schema
