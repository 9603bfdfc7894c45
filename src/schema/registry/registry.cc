#include "schema/registry/registry.h"

#include <fmt/format.h>

#include "base/error.h"

namespace millrace::schema {

std::string_view ToString(SchemaKind kind) {
  switch (kind) {
    case SchemaKind::kAvro:
      return "AVRO";
    case SchemaKind::kJson:
      return "JSON";
    case SchemaKind::kProtobuf:
      return "PROTOBUF";
  }
  return "AVRO";
}

std::optional<SchemaKind> ParseSchemaKind(std::string_view word) {
  for (const auto kind : {SchemaKind::kAvro, SchemaKind::kJson, SchemaKind::kProtobuf}) {
    if (ToString(kind) == word) return kind;
  }
  return std::nullopt;
}

std::string SubjectFor(SubjectNaming naming, const std::string& topic, const std::string& record, bool is_key) {
  if (naming == SubjectNaming::kTopic) return topic + (is_key ? "-key" : "-value");
  if (record.empty()) {
    throw Error(ErrorCode::kConfig, fmt::format("the schema of topic {} has no name to call its subject by; use the "
                                                "subject naming `topic`",
                                                topic));
  }
  return naming == SubjectNaming::kRecord ? record : topic + "-" + record;
}

std::optional<int32_t> SchemaIdOf(std::string_view message) {
  if (message.size() < kSchemaPrefixBytes || message[0] != '\0') return std::nullopt;
  uint32_t id = 0;
  for (size_t i = 1; i < kSchemaPrefixBytes; ++i) id = id << 8 | static_cast<uint8_t>(message[i]);
  return static_cast<int32_t>(id);
}

std::string SchemaPrefix(int32_t id) {
  std::string prefix(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) prefix += static_cast<char>(static_cast<uint32_t>(id) >> shift & 0xff);
  return prefix;
}

}  // namespace millrace::schema
