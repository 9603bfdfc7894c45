#include "schema/registry/compatibility.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "schema/avro/avro_compatibility.h"
#include "schema/json_object.h"
#include "schema/json_schema/json_compatibility.h"
#include "schema/json_schema/json_schema.h"
#include "schema/protobuf/protobuf_compatibility.h"
#include "schema/protobuf/protobuf_schema.h"
#include "schema/registry/registered_avro.h"

namespace millrace::schema {
namespace {

constexpr std::array<std::pair<std::string_view, Compatibility>, 7> kLevels = {
    {{"NONE", Compatibility::kNone},
     {"BACKWARD", Compatibility::kBackward},
     {"BACKWARD_TRANSITIVE", Compatibility::kBackwardTransitive},
     {"FORWARD", Compatibility::kForward},
     {"FORWARD_TRANSITIVE", Compatibility::kForwardTransitive},
     {"FULL", Compatibility::kFull},
     {"FULL_TRANSITIVE", Compatibility::kFullTransitive}}};

bool ReadsOld(Compatibility level) {
  return level == Compatibility::kBackward || level == Compatibility::kBackwardTransitive ||
         level == Compatibility::kFull || level == Compatibility::kFullTransitive;
}
bool ReadByOld(Compatibility level) {
  return level == Compatibility::kForward || level == Compatibility::kForwardTransitive ||
         level == Compatibility::kFull || level == Compatibility::kFullTransitive;
}
bool IsTransitive(Compatibility level) {
  return level == Compatibility::kBackwardTransitive || level == Compatibility::kForwardTransitive ||
         level == Compatibility::kFullTransitive;
}

std::vector<std::string> WhyUnreadable(const RegisteredSchema& reader, const RegisteredSchema& writer) {
  if (reader.kind == SchemaKind::kAvro) {
    const auto reads = ParseAvro(reader, AvroSchema::Rules::kStrict);
    const auto wrote = ParseAvro(writer, AvroSchema::Rules::kStrict);
    return WhyAvroUnreadable(reads.root(), wrote.root());
  }
  if (reader.kind == SchemaKind::kProtobuf) {
    return WhyProtobufUnreadable(ProtobufSchema::Parse(reader.text, reader.references),
                                 ProtobufSchema::Parse(writer.text, writer.references));
  }
  std::vector<nlohmann::json> kept;
  kept.reserve(2 + reader.references.size() + writer.references.size());
  const auto documents = [&](const RegisteredSchema& schema) {
    JsonSchemaDocuments parsed;
    parsed.root = &kept.emplace_back(ParseJson(schema.text, "JSON Schema"));
    for (const auto& used : schema.references) {
      parsed.references[used.name] = &kept.emplace_back(ParseJson(used.text, used.name));
    }
    return parsed;
  };
  const auto reads = documents(reader), wrote = documents(writer);
  return WhyJsonUnreadable(reads, wrote);
}

}  // namespace

std::string_view ToString(Compatibility level) {
  for (const auto& [word, known] : kLevels) {
    if (known == level) return word;
  }
  return "NONE";
}

std::optional<Compatibility> ParseCompatibility(std::string_view word) {
  for (const auto& [known, level] : kLevels) {
    if (known == word) return level;
  }
  return std::nullopt;
}

void CheckSchema(const RegisteredSchema& schema) {
  switch (schema.kind) {
    case SchemaKind::kAvro:
      ParseAvro(schema, AvroSchema::Rules::kStrict);
      return;
    case SchemaKind::kJson:
      JsonSchema(schema.text, schema.references);
      return;
    case SchemaKind::kProtobuf:
      ProtobufSchema::Parse(schema.text, schema.references);
      return;
  }
}

std::vector<std::string> WhyIncompatible(Compatibility level, const RegisteredSchema& added,
                                         const std::vector<RegisteredSchemaPtr>& before) {
  std::vector<std::string> whys;
  if (level == Compatibility::kNone) return whys;
  for (auto old = before.rbegin(); old != before.rend() && whys.empty(); ++old) {
    const auto note = [&](const char* direction, const std::vector<std::string>& found) {
      for (const auto& why : found) whys.push_back(fmt::format("{} ({})", why, direction));
    };
    if ((*old)->kind != added.kind) {
      whys.push_back(
          fmt::format("the schemas before it are {}, this one is {}", ToString((*old)->kind), ToString(added.kind)));
      break;
    }
    if (ReadsOld(level)) note("the new schema reads what an earlier one wrote", WhyUnreadable(added, **old));
    if (ReadByOld(level)) note("an earlier schema reads what the new one wrote", WhyUnreadable(**old, added));
    if (!IsTransitive(level)) break;
  }
  return whys;
}

}  // namespace millrace::schema
