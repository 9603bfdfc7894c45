#include "source/rest_proxy/v2_request.h"

#include <fmt/format.h>

#include "source/json_fault.h"
#include "source/json_values.h"
#include "source/rest_proxy/json_members.h"
#include "source/rest_proxy/rest_refusal.h"

namespace millrace::source {
namespace {

bool IsAbsent(std::string_view value) { return value.empty() || value == "null"; }

[[noreturn]] void Unknown(std::string_view name) {
  throw RestRefusal(422, fmt::format("Unrecognized field: {}", PrintableExcerpt(name, 0, 60)));
}

std::optional<int32_t> Number(std::string_view name, std::string_view value) {
  if (IsAbsent(value)) return std::nullopt;
  const auto number = Int32Of(value);
  if (!number) throw RestRefusal(422, fmt::format("{} is no whole number of 32 bits", name));
  return number;
}

std::optional<std::string> Text(std::string_view name, std::string_view value) {
  if (IsAbsent(value)) return std::nullopt;
  auto text = TextOf(value);
  if (!text) throw RestRefusal(422, fmt::format("{} is no text", name));
  return text;
}

V2Request::Record RecordOf(std::string_view element, size_t index) {
  const auto members = MembersOf(element);
  if (!members) throw RestRefusal(422, fmt::format("records[{}] is no object", index));
  V2Request::Record record;
  for (const auto& [name, value] : *members) {
    if (name == "key") {
      record.key = value;
    } else if (name == "value") {
      record.value = value;
    } else if (name == "partition") {
      record.partition = Number("partition", value);
      if (record.partition.value_or(0) < 0) throw RestRefusal(kPartitionNotFound, "Partition not found.");
    } else {
      Unknown(name);
    }
  }
  return record;
}

std::vector<V2Request::Record> RecordsOf(std::string_view value, size_t records_max) {
  if (IsAbsent(value)) return {};
  if (!value.starts_with('[')) throw RestRefusal(422, "records is no array");
  const auto elements = ElementsOf(value, records_max);
  if (!elements) throw RestRefusal(413, fmt::format("more than the {} records that one request may have", records_max));
  std::vector<V2Request::Record> records;
  records.reserve(elements->size());
  for (size_t i = 0; i < elements->size(); ++i) records.push_back(RecordOf((*elements)[i], i));
  return records;
}

}  // namespace

V2Request ParseV2(std::string_view body, size_t records_max) {
  const auto text = TrimmedJson(body);
  if (text.empty()) throw RestRefusal(kInvalidPayload, "Payload error. Request body is empty. Data is required.");
  if (const auto fault = FindJsonFault(text)) {
    throw RestRefusal(400, fmt::format("Bad Request: no JSON from byte {} on: '{}'", fault->byte, fault->excerpt));
  }
  const auto members = MembersOf(text);
  if (!members) throw RestRefusal(400, "Bad Request: the body is no JSON object");
  V2Request request;
  for (const auto& [name, value] : *members) {
    if (name == "records") {
      request.records = RecordsOf(value, records_max);
    } else if (name == "key_schema") {
      request.key_schema.text = Text(name, value);
    } else if (name == "key_schema_id") {
      request.key_schema.id = Number(name, value);
    } else if (name == "value_schema") {
      request.value_schema.text = Text(name, value);
    } else if (name == "value_schema_id") {
      request.value_schema.id = Number(name, value);
    } else {
      Unknown(name);
    }
  }
  if (request.records.empty()) throw RestRefusal(422, "records may not be empty");
  return request;
}

}  // namespace millrace::source
