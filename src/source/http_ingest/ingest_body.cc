#include "source/http_ingest/ingest_body.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "source/http_poll/json_path.h"
#include "source/json_fault.h"

namespace millrace::source {
namespace {

namespace ondemand = simdjson::ondemand;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

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
    const auto line = Trimmed(body.substr(0, end));
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
  const simdjson::padded_string_view padded(document.data(), document.size(), document.size() + PaddedBuffer::kPadding);
  if (parser.iterate(padded).get(parsed) != simdjson::SUCCESS || parsed.get_array().get(array) != simdjson::SUCCESS) {
    throw io::HttpRefusal(400, "the array cannot be read");
  }
  std::vector<std::string_view> elements;
  for (auto element : array) {
    std::string_view raw;
    if (element.raw_json().get(raw) != simdjson::SUCCESS) throw io::HttpRefusal(400, "the array cannot be read");
    CheckCount(elements.size(), records_max);
    elements.push_back(Trimmed(raw));
  }
  return elements;
}

/// The records in a payload of their own, one a line.
std::shared_ptr<event::EventBatch> Joined(const std::vector<std::string_view>& records) {
  size_t bytes = 0;
  for (const auto record : records) bytes += record.size() + 1;
  const auto payload = PaddedBuffer::Allocate(bytes + PaddedBuffer::kPadding);
  auto batch = std::make_shared<event::EventBatch>();
  batch->records.reserve(records.size());
  char* at = payload->data();
  for (const auto record : records) {
    size_t size = record.size();
    if (std::memchr(record.data(), '\n', size) == nullptr ||
        simdjson::minify(record.data(), record.size(), at, size) != simdjson::SUCCESS) {
      size = record.copy(at, record.size());
    }
    batch->records.push_back({static_cast<uint32_t>(at - payload->data()), static_cast<uint32_t>(size)});
    at[size] = '\n';
    at += size + 1;
  }
  payload->Resize(static_cast<size_t>(at - payload->data()));
  batch->payload = payload;
  batch->newline_joined = true;
  return batch;
}

}  // namespace

BodyForm FormOf(const io::HttpCall& call) {
  auto type = call.header("Content-Type").value_or("application/json");
  type = Trimmed(type.substr(0, type.find(';')));
  const auto is = [&](std::string_view name) { return io::SameHeaderName(type, name); };
  if (is("application/x-ndjson") || is("application/ndjson") || is("application/jsonl") ||
      is("application/x-jsonlines") || is("application/jsonlines")) {
    return BodyForm::kLines;
  }
  if (is("application/json") || is("text/json") || is("application/octet-stream") || type.ends_with("+json")) {
    return BodyForm::kJson;
  }
  throw io::HttpRefusal(415,
                        "send application/json (one event, or an array of them) or application/x-ndjson (an event a "
                        "line)");
}

std::shared_ptr<event::EventBatch> EventsOf(std::shared_ptr<PaddedBuffer> body, BodyForm form, int64_t records_max) {
  const auto text = Trimmed(body->view());
  if (text.empty()) throw io::HttpRefusal(400, "the body is empty");
  return Joined(form == BodyForm::kLines ? Lines(body->view(), records_max) : Elements(text, records_max));
}

void SetKeys(const std::string& path, event::EventBatch& batch) {
  const auto pointer = JsonPath::Parse(path).pointer();
  thread_local ondemand::parser parser;
  std::string keys;
  batch.keys.reserve(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto record = batch.record(i);
    const auto begin = static_cast<uint32_t>(keys.size());
    const simdjson::padded_string_view padded(record.data(), record.size(), record.size() + PaddedBuffer::kPadding);
    ondemand::document document;
    ondemand::value value;
    std::string_view text;
    if (parser.iterate(padded).get(document) == simdjson::SUCCESS &&
        document.at_pointer(pointer).get(value) == simdjson::SUCCESS) {
      bool null = false;
      if (value.get_string().get(text) == simdjson::SUCCESS) {
        keys += text;
      } else if (value.is_null().get(null) == simdjson::SUCCESS && !null &&
                 value.raw_json().get(text) == simdjson::SUCCESS) {
        keys += Trimmed(text);
      }
    }
    batch.keys.push_back({begin, static_cast<uint32_t>(keys.size() - begin)});
  }
  batch.key_payload = PaddedBuffer::CopyOf(keys);
}

std::shared_ptr<event::EventBatch> EventOfTarget(const io::HttpCall& call) {
  nlohmann::ordered_json event = nlohmann::ordered_json::object();
  for (const auto& [name, value] : call.parameters) event[name] = value;
  for (const auto& [name, value] : call.query) {
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

}  // namespace millrace::source
