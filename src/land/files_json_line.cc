#include "land/files_json_line.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/json_text.h"
#include "io/digest.h"
#include "land/files_json_check.h"
#include "land/files_json_names.h"
#include "land/header_json.h"

namespace millrace::land {
namespace {

using event::RejectCause;

constexpr size_t kFrameBytes = 5;  // a zero and the schema's number
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view Trimmed(std::string_view record) {
  if (record.starts_with(kByteOrderMark)) record.remove_prefix(kByteOrderMark.size());
  const auto first = record.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return record.substr(first, record.find_last_not_of(" \t\r\n") - first + 1);
}

/// nullopt: the numbers are what simdjson does not hold, and nothing else is known to be wrong.
std::optional<RejectCause> CauseOf(simdjson::error_code code) {
  switch (code) {
    case simdjson::NUMBER_ERROR:
    case simdjson::BIGINT_ERROR:
    case simdjson::NUMBER_OUT_OF_RANGE:
      return std::nullopt;
    case simdjson::UTF8_ERROR:
      return RejectCause::kInvalidUtf8;
    case simdjson::DEPTH_ERROR:
      return RejectCause::kTooDeep;
    case simdjson::CAPACITY:
    case simdjson::OUT_OF_CAPACITY:
      return RejectCause::kTooLarge;
    case simdjson::MEMALLOC:
      throw Error(ErrorCode::kUnavailable, "out of memory while checking a JSON record");
    case simdjson::SUCCESS:
    case simdjson::TAPE_ERROR:
    case simdjson::STRING_ERROR:
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
    case simdjson::UNINITIALIZED:
    case simdjson::EMPTY:
    case simdjson::UNESCAPED_CHARS:
    case simdjson::UNCLOSED_STRING:
    case simdjson::UNSUPPORTED_ARCHITECTURE:
    case simdjson::INCORRECT_TYPE:
    case simdjson::INDEX_OUT_OF_BOUNDS:
    case simdjson::NO_SUCH_FIELD:
    case simdjson::IO_ERROR:
    case simdjson::INVALID_JSON_POINTER:
    case simdjson::INVALID_URI_FRAGMENT:
    case simdjson::UNEXPECTED_ERROR:
    case simdjson::PARSER_IN_USE:
    case simdjson::OUT_OF_ORDER_ITERATION:
    case simdjson::INSUFFICIENT_PADDING:
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
    case simdjson::SCALAR_DOCUMENT_AS_VALUE:
    case simdjson::OUT_OF_BOUNDS:
    case simdjson::TRAILING_CONTENT:
    case simdjson::NUM_ERROR_CODES:
      return RejectCause::kMalformed;
  }
  return RejectCause::kMalformed;
}

/// JSON text on one line: line ends can stand only between tokens, where a space means the same.
void AppendOnOneLine(std::string_view text, std::string& out) {
  const size_t begin = out.size();
  out += text;
  // Not find_first_of: of two characters it asks for each byte of the text.
  if (text.find('\n') == std::string_view::npos && text.find('\r') == std::string_view::npos) return;
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

}  // namespace

class JsonLineWriter::Parser {
 public:
  simdjson::error_code Parse(std::string_view record) {
    const auto code = dom_.parse(record.data(), record.size(), false).get(root_);
    is_parsed_ = code == simdjson::SUCCESS;
    return code;
  }

  /// The text of the member `payload` of the document that was parsed, whose own members are then what Member sees;
  /// nullopt when it has none.
  std::optional<std::string_view> Payload(std::string_view record) {
    simdjson::ondemand::document document;
    std::string_view text;
    if (lazy_.iterate(record.data(), record.size(), record.size() + simdjson::SIMDJSON_PADDING).get(document) !=
            simdjson::SUCCESS ||
        document["payload"].raw_json().get(text) != simdjson::SUCCESS) {
      return std::nullopt;
    }
    is_parsed_ = is_parsed_ && root_["payload"].get(root_) == simdjson::SUCCESS;
    return Trimmed(text);
  }

  std::optional<std::string> Member(std::string_view name) const {
    simdjson::dom::object object;
    if (!is_parsed_ || root_.get(object) != simdjson::SUCCESS) return std::nullopt;
    return MemberOf(object, name);
  }

 private:
  static std::optional<std::string> MemberOf(simdjson::dom::object object, std::string_view name) {
    simdjson::dom::element value;
    if (object.at_key(name).get(value) == simdjson::SUCCESS) return PlainText(value);
    const auto dot = name.find('.');
    simdjson::dom::object inner;
    if (dot == std::string_view::npos || object.at_key(name.substr(0, dot)).get(inner) != simdjson::SUCCESS) {
      return std::nullopt;
    }
    return MemberOf(inner, name.substr(dot + 1));
  }

  static std::optional<std::string> PlainText(simdjson::dom::element value) {
    switch (value.type()) {
      case simdjson::dom::element_type::STRING:
        return std::string(std::string_view(value));
      case simdjson::dom::element_type::INT64:
      case simdjson::dom::element_type::UINT64:
      case simdjson::dom::element_type::DOUBLE:
      case simdjson::dom::element_type::BOOL:
      case simdjson::dom::element_type::BIGINT:
        return simdjson::minify(value);
      case simdjson::dom::element_type::ARRAY:
      case simdjson::dom::element_type::OBJECT:
      case simdjson::dom::element_type::NULL_VALUE:
        return std::nullopt;
    }
    return std::nullopt;
  }

  simdjson::dom::parser dom_;
  simdjson::ondemand::parser lazy_;
  simdjson::dom::element root_;
  bool is_parsed_ = false;
};

JsonLineWriter::JsonLineWriter(Options options) : options_(std::move(options)), parser_(std::make_unique<Parser>()) {}

JsonLineWriter::~JsonLineWriter() = default;

void JsonLineWriter::Begin(const event::EventBatch& events) {
  events_ = &events;
  prefix_ = "{\"_topic\":";
  AppendJsonText(events.topic, prefix_);
  fmt::format_to(std::back_inserter(prefix_), ",\"_partition\":{},\"_offset\":", events.partition);
}

const std::string& JsonLineWriter::TimeText::Of(Timestamp wanted) {
  if (text.empty() || wanted != time) {
    time = wanted;
    text = FormatTimestamp(wanted);
  }
  return text;
}

std::optional<event::Reject> JsonLineWriter::Check(std::string_view record) {
  if (record.size() > options_.record_bytes_max) {
    return event::Reject{0, RejectCause::kTooLarge,
                         fmt::format("{} bytes, the limit is {}", record.size(), options_.record_bytes_max)};
  }
  const auto code = parser_->Parse(record);
  if (code == simdjson::SUCCESS) return std::nullopt;
  const auto cause = CauseOf(code);
  if (!cause && IsJsonDocument(record)) return std::nullopt;
  return event::Reject{0, cause.value_or(RejectCause::kMalformed), simdjson::error_message(code)};
}

void JsonLineWriter::AppendMembers(size_t record, std::string& out) {
  out += prefix_;
  const fmt::format_int offset(events_->offset(record));
  out.append(offset.data(), offset.size());
  out += ",\"_event_time\":\"";
  out += event_time_.Of(events_->timestamp(record));
  out += "\",\"_ingested_at\":\"";
  out += arrival_.Of(events_->arrival(record));
  out += "\",";
  const auto key = events_->key(record);
  if (key.empty()) {
    out += "\"_key\":null";
  } else if (simdjson::validate_utf8(key.data(), key.size())) {
    out += "\"_key\":";
    AppendJsonText(key, out);
  } else {
    out += "\"_key\":null,\"_key_base64\":\"";
    out += io::Base64(key);
    out += '"';
  }
  if (!options_.headers) return;
  out += ",\"_headers\":";
  AppendHeadersJson(events_->header_block(record), out);
}

void JsonLineWriter::AppendRefused(const event::Reject& reject, std::string& out) {
  AppendMembers(reject.record, out);
  out += ",\"_error\":";
  AppendJsonText(event::ToString(reject.cause), out);
  out += ",\"_error_detail\":";
  AppendJsonText(reject.detail, out);
  out += ",\"_record_base64\":\"";
  out += io::Base64(events_->record(reject.record));
  out += "\"}\n";
}

std::optional<std::string> JsonLineWriter::Member(const std::string& name) const { return parser_->Member(name); }

LineOutcome JsonLineWriter::Rejected(event::Reject reject, size_t record) {
  reject_ = std::move(reject);
  reject_.record = static_cast<uint32_t>(record);
  return LineOutcome::kRejected;
}

LineOutcome JsonLineWriter::AppendPlain(size_t record, std::string& out) {
  const auto bytes = events_->record(record);
  if (bytes.empty()) return LineOutcome::kBlank;
  if (bytes.size() > options_.record_bytes_max) return Rejected(*Check(bytes), record);
  if (options_.record == FilesRecord::kBytes) {
    out += bytes;
  } else if (simdjson::validate_utf8(bytes.data(), bytes.size())) {
    AppendJsonText(bytes, out);
  } else {
    return Rejected({0, RejectCause::kInvalidUtf8, "it is not UTF-8"}, record);
  }
  out += options_.separator;
  return LineOutcome::kRow;
}

LineOutcome JsonLineWriter::Append(size_t record, std::string& out) {
  if (options_.record == FilesRecord::kText || options_.record == FilesRecord::kBytes) return AppendPlain(record, out);
  auto bytes = events_->record(record);
  if (options_.framed && !bytes.empty()) {
    if (bytes.size() < kFrameBytes || bytes.front() != '\0') {
      return Rejected({0, RejectCause::kMalformed, "it does not begin with the number of a schema"}, record);
    }
    bytes.remove_prefix(kFrameBytes);
  }
  auto text = Trimmed(bytes);
  if (text.empty()) return LineOutcome::kBlank;
  if (auto reject = Check(text)) return Rejected(*std::move(reject), record);
  if (options_.record == FilesRecord::kPayload) {
    const auto payload = parser_->Payload(text);
    if (!payload) return Rejected({0, RejectCause::kMalformed, "it has no member `payload`"}, record);
    if (*payload == "null") return LineOutcome::kBlank;
    text = *payload;
  }
  if (options_.record != FilesRecord::kOrigin) {
    AppendOnOneLine(text, out);
    out += options_.separator;
  } else {
    AppendDocument(text, record, out);
  }
  return LineOutcome::kRow;
}

void JsonLineWriter::AppendDocument(std::string_view text, size_t record, std::string& out) {
  AppendMembers(record, out);
  if (text.front() != '{') {
    out += ",\"_value\":";
    AppendOnOneLine(text, out);
    out += "}\n";
    return;
  }
  out += text.find_first_not_of(" \t\r\n", 1) == text.size() - 1 ? "" : ",";
  size_t written = 1;
  for (const NameChange& change : ReservedNameChanges(text, options_.headers ? kHeadersName : std::string_view())) {
    AppendOnOneLine(text.substr(written, change.at - written), out);
    out.append(change.underscores, '_');
    written = change.at;
  }
  AppendOnOneLine(text.substr(written), out);
  out += '\n';
}

}  // namespace millrace::land
