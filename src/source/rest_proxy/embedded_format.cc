#include "source/rest_proxy/embedded_format.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/digest.h"
#include "io/http_header.h"
#include "schema/json_object.h"
#include "source/json_fault.h"
#include "source/rest_proxy/json_members.h"
#include "source/rest_proxy/rest_refusal.h"

namespace millrace::source {
namespace {

constexpr size_t kShownBytes = 60;

[[noreturn]] void Refuse(std::string_view json, const char* what) {
  throw RestRefusal(400, fmt::format("data={} is not {}", PrintableExcerpt(json, 0, kShownBytes), what));
}

std::string Decoded(std::string_view json) {
  const auto text = TextOf(json);
  if (!text) Refuse(json, "a base64 string");
  std::string bytes;
  if (!io::DecodeBase64(*text, bytes)) Refuse(json, "a valid base64 string");
  return bytes;
}

/// Without white space between values, as Confluent's proxy writes it: equal keys are equal bytes. Numbers and texts
/// stay as they were written.
std::string Compact(std::string_view json) {
  // minify() may write a vector's width behind what it leaves.
  std::string text(json.size() + simdjson::SIMDJSON_PADDING, '\0');
  size_t size = 0;
  if (simdjson::minify(json.data(), json.size(), text.data(), size) != simdjson::SUCCESS) return std::string(json);
  text.resize(size);
  return text;
}

std::string Encoded(std::string_view json, const schema::MessageEncoder& encoder) {
  const auto value = schema::MaybeParseJson(json);
  if (!value) throw RestRefusal(kNotAsTheSchemaSays, "Conversion of JSON to Object failed: it nests too deep");
  try {
    return encoder.Encode(*value, Compact(json));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kData) throw;
    throw RestRefusal(kNotAsTheSchemaSays, fmt::format("Conversion of JSON to Object failed: {}", error.message()));
  }
}

}  // namespace

std::string_view ToString(EmbeddedFormat format) {
  switch (format) {
    case EmbeddedFormat::kBinary:
      return "BINARY";
    case EmbeddedFormat::kJson:
      return "JSON";
    case EmbeddedFormat::kString:
      return "STRING";
    case EmbeddedFormat::kAvro:
      return "AVRO";
    case EmbeddedFormat::kJsonSchema:
      return "JSONSCHEMA";
  }
  return "";
}

std::optional<EmbeddedFormat> ParseEmbeddedFormat(std::string_view word) {
  for (const auto format : {EmbeddedFormat::kBinary, EmbeddedFormat::kJson, EmbeddedFormat::kString,
                            EmbeddedFormat::kAvro, EmbeddedFormat::kJsonSchema}) {
    if (ToString(format) == word) return format;
  }
  return std::nullopt;
}

EmbeddedFormat FormatOfType(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  const auto is = [&](std::string_view name) { return io::SameHeaderName(type, name); };
  for (const auto& [word, format] :
       {std::pair{"json", EmbeddedFormat::kJson}, std::pair{"binary", EmbeddedFormat::kBinary},
        std::pair{"avro", EmbeddedFormat::kAvro}, std::pair{"jsonschema", EmbeddedFormat::kJsonSchema}}) {
    if (is(fmt::format("application/vnd.kafka.{}.v2+json", word)) ||
        is(fmt::format("application/vnd.kafka.{}+json", word)))
      return format;
  }
  for (const auto* name : {"application/vnd.kafka.v2+json", "application/vnd.kafka+json", "application/json",
                           "application/octet-stream"}) {
    if (is(name)) return EmbeddedFormat::kBinary;
  }
  throw RestRefusal(415,
                    fmt::format("HTTP 415 Unsupported Media Type: '{}'; send application/vnd.kafka.json.v2+json, or "
                                "binary, avro or jsonschema in place of json",
                                PrintableExcerpt(content_type, 0, kShownBytes)));
}

bool NeedsSchema(EmbeddedFormat format) {
  return format == EmbeddedFormat::kAvro || format == EmbeddedFormat::kJsonSchema;
}

EmbeddedFormat FormatOf(schema::SchemaKind kind) {
  return kind == schema::SchemaKind::kAvro ? EmbeddedFormat::kAvro : EmbeddedFormat::kJsonSchema;
}

std::optional<std::string> BytesOf(std::string_view json, EmbeddedFormat format, const EncoderPtr& encoder) {
  if (json.empty() || json == "null") return std::nullopt;
  switch (format) {
    case EmbeddedFormat::kBinary:
      return Decoded(json);
    case EmbeddedFormat::kJson:
      return Compact(json);
    case EmbeddedFormat::kString: {
      auto text = TextOf(json);
      if (!text) Refuse(json, "a string");
      return text;
    }
    case EmbeddedFormat::kAvro:
    case EmbeddedFormat::kJsonSchema:
      return Encoded(json, *encoder);
  }
  return std::nullopt;
}

}  // namespace millrace::source
