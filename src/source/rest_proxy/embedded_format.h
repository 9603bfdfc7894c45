#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "schema/registry/message_encoder.h"

namespace millrace::source {

/// What keys and values are in the JSON of a request, and what becomes of them.
enum class EmbeddedFormat {
  kBinary,      // Base64: its bytes
  kJson,        // any JSON: its text
  kString,      // text: its bytes
  kAvro,        // JSON: Avro behind its schema's number
  kJsonSchema,  // JSON: its text behind its schema's number
};
/// "BINARY", "JSON", "STRING", "AVRO", "JSONSCHEMA": the words of the v3 API.
std::string_view ToString(EmbeddedFormat format);
std::optional<EmbeddedFormat> ParseEmbeddedFormat(std::string_view word);
/// The format of a body of the v2 API, by its Content-Type: "application/vnd.kafka.avro.v2+json". Binary where it does
/// not say. Throws RestRefusal 415 for others, Protobuf among them.
EmbeddedFormat FormatOfType(std::string_view content_type);
bool NeedsSchema(EmbeddedFormat format);
EmbeddedFormat FormatOf(schema::SchemaKind kind);

using EncoderPtr = std::shared_ptr<const schema::MessageEncoder>;

/// The bytes of a value as it stands in a request, padded; nullopt of null, and where there is none ("").
/// Throws RestRefusal for what is not of the format, or not as the schema of `encoder` says.
std::optional<std::string> BytesOf(std::string_view json, EmbeddedFormat format, const EncoderPtr& encoder);

}  // namespace millrace::source
