#include "source/http_ingest/ingest_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "io/http_routes.h"
#include "source/joined_records.h"
#include "source/json_fault.h"
#include "source/json_values.h"

namespace millrace::source {
namespace {

namespace ondemand = simdjson::ondemand;

void CheckCount(size_t count, int64_t records_max) {
  if (count < static_cast<size_t>(records_max)) return;
  throw io::HttpRefusal(413, fmt::format("more than the {} events that one request may have", records_max));
}

[[noreturn]] void RefuseFault(const JsonFault& fault, std::string_view where) {
  throw io::HttpRefusal(400, fmt::format("no JSON from byte {}{} on: '{}'; nothing of this request was taken",
                                         fault.byte, where, fault.excerpt));
}

/// Spans of the lines of a body that holds a document a line.
std::vector<std::string_view> Lines(std::string_view body, int64_t records_max) {
  std::vector<std::string_view> lines;
  for (size_t number = 1; !body.empty(); ++number) {
    const auto end = std::min(body.find('\n'), body.size());
    const auto line = TrimmedJson(body.substr(0, end));
    body.remove_prefix(std::min(end + 1, body.size()));
    if (line.empty()) continue;
    if (const auto fault = FindJsonFault(line)) RefuseFault(*fault, fmt::format(" of line {}", number));
    CheckCount(lines.size(), records_max);
    lines.push_back(line);
  }
  return lines;
}

/// The elements of an array, or the whole document.
std::vector<std::string_view> Elements(std::string_view document, int64_t records_max) {
  if (const auto fault = FindJsonFault(document)) RefuseFault(*fault, "");
  if (!document.starts_with('[')) return {document};
  thread_local ondemand::parser parser;
  ondemand::document parsed;
  ondemand::array array;
  if (parser.iterate(Padded(document)).get(parsed) != simdjson::SUCCESS ||
      parsed.get_array().get(array) != simdjson::SUCCESS) {
    throw io::HttpRefusal(400, "the array cannot be read");
  }
  std::vector<std::string_view> elements;
  const bool whole = ForEachElement(array, [&](std::string_view element) {
    CheckCount(elements.size(), records_max);
    elements.push_back(element);
  });
  if (!whole) throw io::HttpRefusal(400, "the array cannot be read");
  return elements;
}

/// Text under each name; a list where a name comes again.
std::shared_ptr<event::EventBatch> EventOfFields(nlohmann::ordered_json event,
                                                 const std::vector<std::pair<std::string, std::string>>& fields) {
  for (const auto& [name, value] : fields) {
    auto& member = event[name];
    if (member.is_null()) {
      member = value;
    } else if (member.is_array()) {
      member.push_back(value);
    } else {
      member = nlohmann::ordered_json::array({std::move(member), value});
    }
  }
  const auto text = event.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return Joined({text});
}

std::shared_ptr<event::EventBatch> EventOfForm(std::string_view body) {
  if (static_cast<size_t>(std::ranges::count(body, '&')) >= kFormFieldsMax) {
    throw io::HttpRefusal(413, fmt::format("more than the {} fields that a form may have", kFormFieldsMax));
  }
  const auto fields = io::ParseQuery(body);
  if (!fields || fields->empty()) {
    throw io::HttpRefusal(400, "the form cannot be read: it has no fields, or a % that stands for no byte of text");
  }
  return EventOfFields(nlohmann::ordered_json::object(), *fields);
}

}  // namespace

BodyForm FormOf(const io::HttpCall& call) {
  auto type = call.header("Content-Type").value_or("application/json");
  type = TrimmedJson(type.substr(0, type.find(';')));
  const auto is = [&](std::string_view name) { return io::SameHeaderName(type, name); };
  if (is("application/x-ndjson") || is("application/ndjson") || is("application/jsonl") ||
      is("application/x-jsonlines") || is("application/jsonlines")) {
    return BodyForm::kLines;
  }
  if (is("application/json") || is("text/json") || is("application/octet-stream") || type.ends_with("+json")) {
    return BodyForm::kJson;
  }
  if (is("application/x-www-form-urlencoded")) return BodyForm::kForm;
  throw io::HttpRefusal(415,
                        "send application/json (one event, or an array of them), application/x-ndjson (an event a "
                        "line) or application/x-www-form-urlencoded (the fields of one event)");
}

std::shared_ptr<event::EventBatch> EventsOf(std::shared_ptr<PaddedBuffer> body, BodyForm form, int64_t records_max) {
  const auto text = TrimmedJson(body->view());
  if (text.empty()) throw io::HttpRefusal(400, "the body is empty");
  if (form == BodyForm::kForm) return EventOfForm(text);
  return Joined(form == BodyForm::kLines ? Lines(body->view(), records_max) : Elements(text, records_max));
}

void SetKeys(const JsonPath& path, event::EventBatch& batch) {
  thread_local ondemand::parser parser;
  std::string keys;
  batch.keys.reserve(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto begin = static_cast<uint32_t>(keys.size());
    ondemand::document document;
    if (parser.iterate(Padded(batch.record(i))).get(document) == simdjson::SUCCESS) {
      const auto value = ValueAt(document, path);
      if (value && value->type != ondemand::json_type::null) keys += value->text;
    }
    batch.keys.push_back({begin, static_cast<uint32_t>(keys.size() - begin)});
  }
  batch.key_payload = PaddedBuffer::CopyOf(keys);
}

std::shared_ptr<event::EventBatch> EventOfTarget(const io::HttpCall& call) {
  nlohmann::ordered_json event = nlohmann::ordered_json::object();
  for (const auto& [name, value] : call.parameters) event[name] = value;
  return EventOfFields(std::move(event), call.query);
}

}  // namespace millrace::source
