#include "schema/registry/message_encoder.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "schema/avro/avro_encode.h"
#include "schema/registry/registered_avro.h"

namespace millrace::schema {

MessageEncoder::MessageEncoder(RegisteredSchemaPtr schema, const std::string& message)
    : schema_(std::move(schema)), prefix_(SchemaPrefix(schema_->id)) {
  switch (schema_->kind) {
    case SchemaKind::kAvro:
      avro_ = ParseAvro(*schema_, AvroSchema::Rules::kLenient);
      return;
    case SchemaKind::kJson:
      json_.emplace(schema_->text, schema_->references);
      return;
    case SchemaKind::kProtobuf:
      protobuf_ = ProtobufSchema::Parse(schema_->text, schema_->references);
      message_ = protobuf_->Find(message);
      if (message_ == nullptr) {
        throw Error(ErrorCode::kConfig, fmt::format("the Protobuf schema has no message {}", message));
      }
      prefix_ += MessageIndexBytes(*message_);
      return;
  }
}

std::string MessageEncoder::Encode(const nlohmann::json& value, std::string_view text) const {
  if (avro_) {
    AvroEncoder out;
    EncodeAvro(value, avro_->root(), out);
    return prefix_ + std::string(out.bytes());
  }
  if (message_ != nullptr) return prefix_ + protobuf_->Encode(text, *message_);
  {
    const std::lock_guard lock(mutex_);
    if (const auto why = json_->WhyInvalid(value); !why.empty()) throw Error(ErrorCode::kData, why);
  }
  return prefix_ + std::string(text);
}

}  // namespace millrace::schema
