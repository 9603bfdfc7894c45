#include "source/rest_proxy/v3_produce.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/error.h"

namespace millrace::source {

V3Produce::V3Produce(Options options, ProxySchemas& schemas)
    : options_(std::move(options)),
      head_(fmt::format(R"({{"error_code":200,"cluster_id":{},"topic_name":{})", JsonText(options_.cluster_id),
                        JsonText(options_.topic))),
      schemas_(schemas),
      records_(options_.bytes_max) {}

std::optional<std::string> V3Produce::Take(const V3Record::Data& data, bool is_key, Side& side) {
  side.there = data.there;
  // What is null needs no schema.
  if (!data.there || data.is_null()) {
    side.format = data.format.value_or(EmbeddedFormat::kBinary);
    return std::nullopt;
  }
  if (!data.format || NeedsSchema(*data.format)) {
    const auto subject =
        data.subject.value_or(schema::SubjectFor(schema::SubjectNaming::kTopic, options_.topic, {}, is_key));
    if (data.schema_id) {
      side.encoder = schemas_.ById(*data.schema_id);
      side.subject = data.subject;
    } else if (data.schema) {
      side.encoder = schemas_.ByText(subject, *data.format, *data.schema);
      side.subject = subject;
    } else {
      side.encoder = schemas_.ByVersion(subject, data.schema_version);
      side.subject = subject;
      side.version = data.schema_version;
    }
    side.format = FormatOf(side.encoder->schema().kind);
    if (data.format && *data.format != side.format) {
      throw RestRefusal(kInvalidSchema, fmt::format("Invalid schema: {} is no schema of {}", side.encoder->schema().id,
                                                    ToString(*data.format)));
    }
  } else {
    side.format = *data.format;
  }
  auto bytes = BytesOf(data.json, side.format, side.encoder);
  side.bytes = bytes ? bytes->size() : 0;
  return bytes;
}

void V3Produce::Add(std::string_view object, const std::function<void(int32_t partition)>& check_partition) {
  Entry entry;
  try {
    auto record = ParseV3(object);
    if (record.partition) check_partition(*record.partition);
    auto key = Take(record.key, true, entry.key);
    auto value = Take(record.value, false, entry.value);
    entry.time = record.time;
    records_.Add({.key = std::move(key),
                  .value = std::move(value),
                  .partition = record.partition.value_or(-1),
                  .time = record.time,
                  .headers = std::move(record.headers)});
  } catch (const RestRefusal& refusal) {
    entry.problem = ProblemOf(refusal);
  }
  entries_.push_back(std::move(entry));
}

void V3Produce::AddProblem(const RestProblem& problem) {
  Entry entry;
  entry.problem = problem;
  entries_.push_back(std::move(entry));
}

event::AppendRequest V3Produce::Finish(Timestamp now) {
  now_ = now;
  return records_.Finish(options_.topic, now);
}

void V3Produce::AddSide(std::string& to, const char* name, const Side& side) {
  if (!side.there) return;
  const auto out = std::back_inserter(to);
  fmt::format_to(out, R"(,"{}":{{"type":"{}")", name, ToString(side.format));
  if (side.subject) fmt::format_to(out, R"(,"subject":{})", JsonText(*side.subject));
  if (side.encoder) fmt::format_to(out, R"(,"schema_id":{})", side.encoder->schema().id);
  if (side.version) fmt::format_to(out, R"(,"schema_version":{})", *side.version);
  fmt::format_to(out, R"(,"size":{}}})", side.bytes);
}

std::string V3Produce::Answer(const std::vector<event::RecordReport>& reports, const RestProblem& why) const {
  std::string answer;
  const auto out = std::back_inserter(answer);
  size_t next = 0;
  for (const auto& entry : entries_) {
    if (entry.problem) {
      answer += ProblemJson(*entry.problem);
    } else if (const auto& report = reports.at(next++); !report.durable) {
      answer += ProblemJson({.code = why.code, .message = report.error.empty() ? why.message : report.error});
    } else {
      answer += head_;
      // Of what was there before by its Idempotency-Key it is not known where.
      if (report.partition >= 0) fmt::format_to(out, R"(,"partition_id":{})", report.partition);
      if (report.offset >= 0) fmt::format_to(out, R"(,"offset":{})", report.offset);
      fmt::format_to(out, R"(,"timestamp":"{}")", FormatTimestamp(entry.time.value_or(now_)));
      AddSide(answer, "key", entry.key);
      AddSide(answer, "value", entry.value);
      answer += '}';
    }
    answer += "\r\n";
  }
  return answer;
}

}  // namespace millrace::source
