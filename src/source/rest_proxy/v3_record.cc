#include "source/rest_proxy/v3_record.h"

#include <fmt/format.h>

#include "io/digest.h"
#include "source/json_fault.h"
#include "source/rest_proxy/json_members.h"
#include "source/rest_proxy/rest_refusal.h"

namespace millrace::source {
namespace {

constexpr size_t kHeadersMax = 1000;

[[noreturn]] void Bad(const std::string& why) { throw RestRefusal(400, "Bad Request: " + why); }

bool IsAbsent(std::string_view value) { return value.empty() || value == "null"; }

JsonMembers ObjectOf(std::string_view name, std::string_view value) {
  auto members = MembersOf(value);
  if (!members) Bad(fmt::format("{} is no object", name));
  return *std::move(members);
}

[[noreturn]] void Unknown(std::string_view where, std::string_view name) {
  Bad(fmt::format("Unrecognized field {}{}", where, PrintableExcerpt(name, 0, 60)));
}

std::optional<int32_t> Number(std::string_view name, std::string_view value) {
  if (IsAbsent(value)) return std::nullopt;
  const auto number = Int32Of(value);
  if (!number) Bad(fmt::format("{} is no whole number of 32 bits", name));
  return number;
}

std::optional<std::string> Text(std::string_view name, std::string_view value) {
  if (IsAbsent(value)) return std::nullopt;
  auto text = TextOf(value);
  if (!text) Bad(fmt::format("{} is no text", name));
  return text;
}

EmbeddedFormat FormatWord(std::string_view value) {
  const auto word = Text("type", value).value_or("");
  const auto format = ParseEmbeddedFormat(word);
  if (!format) Bad(fmt::format("type {} is none of BINARY, JSON, STRING, AVRO, JSONSCHEMA", JsonText(word)));
  return *format;
}

void CheckData(const V3Record::Data& data) {
  const int schemas = data.schema_id.has_value() + data.schema_version.has_value() + data.schema.has_value();
  if (schemas > 1) Bad("Only one of 'schema_id', 'schema_version' or 'schema' can be used.");
  if (data.format && !NeedsSchema(*data.format) && (schemas > 0 || data.subject)) {
    Bad(fmt::format("'type={}' cannot be used with 'schema_id', 'schema_version', 'schema' or 'subject'.",
                    ToString(*data.format)));
  }
  if (data.schema && !data.format) Bad("'schema' needs a 'type': AVRO or JSONSCHEMA.");
}

V3Record::Data DataOf(std::string_view where, std::string_view object) {
  V3Record::Data data;
  if (IsAbsent(object)) return data;
  data.there = true;
  for (const auto& [name, value] : ObjectOf(where, object)) {
    if (name == "type") {
      if (!IsAbsent(value)) data.format = FormatWord(value);
    } else if (name == "data") {
      data.json = value;
    } else if (name == "subject") {
      data.subject = Text(name, value);
    } else if (name == "subject_name_strategy") {
      const auto strategy = Text(name, value).value_or("TOPIC_NAME");
      if (strategy != "TOPIC_NAME") Bad("subject_name_strategy is TOPIC_NAME here; give the `subject` instead");
    } else if (name == "schema_id") {
      data.schema_id = Number(name, value);
    } else if (name == "schema_version") {
      data.schema_version = Number(name, value);
    } else if (name == "schema") {
      data.schema = Text(name, value);
    } else {
      Unknown(fmt::format("{}.", where), name);
    }
  }
  CheckData(data);
  return data;
}

std::pair<std::string, std::optional<std::string>> HeaderOf(std::string_view object) {
  std::optional<std::string> name, value;
  for (const auto& [member, json] : ObjectOf("a header", object)) {
    if (member == "name") {
      name = Text("name", json);
    } else if (member == "value") {
      value = BytesOf(json, EmbeddedFormat::kBinary, nullptr);
    } else {
      Unknown("headers.", member);
    }
  }
  if (!name) Bad("a header has no name");
  return {*std::move(name), std::move(value)};
}

Timestamp TimeOf(std::string_view value) {
  const auto time = ParseTimestamp(Text("timestamp", value).value_or(""));
  if (!time) Bad("timestamp is no time of ISO 8601, as 2021-02-05T19:14:42Z is one");
  return *time;
}

}  // namespace

V3Record ParseV3(std::string_view object) {
  if (const auto fault = FindJsonFault(object)) {
    Bad(fmt::format("no JSON from byte {} of the record on: '{}'", fault->byte, fault->excerpt));
  }
  V3Record record;
  for (const auto& [name, value] : ObjectOf("the record", object)) {
    if (name == "partition_id") {
      record.partition = Number(name, value);
      if (record.partition.value_or(0) < 0) throw RestRefusal(kPartitionNotFound, "Partition not found.");
    } else if (name == "headers") {
      if (IsAbsent(value)) continue;
      const auto headers = ElementsOf(value, kHeadersMax);
      if (!headers) Bad(fmt::format("headers is no array of at most {}", kHeadersMax));
      for (const auto header : *headers) record.headers.push_back(HeaderOf(header));
    } else if (name == "key") {
      record.key = DataOf(name, value);
    } else if (name == "value") {
      record.value = DataOf(name, value);
    } else if (name == "timestamp") {
      if (!IsAbsent(value)) record.time = TimeOf(value);
    } else {
      Unknown("", name);
    }
  }
  return record;
}

}  // namespace millrace::source
