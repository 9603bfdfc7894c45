#include "land/files_path.h"

#include <fmt/format.h>

#include "base/error.h"
#include "io/object_key.h"

namespace millrace::land {
namespace {

constexpr std::string_view kTimeLetters = "YmdHM";

[[noreturn]] void Fail(std::string_view what) {
  throw Error(
      ErrorCode::kConfig,
      fmt::format("files path: {}; write e.g. \"{{ingested:%Y/%m/%d/%H}}\" with the fields topic, partition, "
                  "ingested:FORMAT, event:FORMAT (FORMAT of %Y %m %d %H %M), and cause where records are refused",
                  what));
}

void CheckFormat(std::string_view format) {
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    if (++i == format.size() || kTimeLetters.find(format[i]) == std::string_view::npos) {
      Fail(fmt::format("'{}' is no time format", format));
    }
  }
}

std::string FormatTime(std::string_view format, Timestamp time) {
  const auto text = FormatTimestamp(time);  // YYYY-MM-DDTHH:MM:...
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    switch (format[++i]) {
      case 'Y':
        out += text.substr(0, 4);
        break;
      case 'm':
        out += text.substr(5, 2);
        break;
      case 'd':
        out += text.substr(8, 2);
        break;
      case 'H':
        out += text.substr(11, 2);
        break;
      default:
        out += text.substr(14, 2);
    }
  }
  return out;
}

}  // namespace

std::string SafeName(std::string_view text) {
  std::string safe(text);
  for (char& c : safe) {
    const bool ok =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!ok) c = '_';
  }
  if (!safe.empty() && safe.front() == '.') safe.front() = '_';
  return safe;
}

PathTemplate::PathTemplate(std::string_view text, Of of) {
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '}') Fail("a '}' without its '{'");
    if (text[at] != '{') {
      const size_t end = std::min(text.find_first_of("{}", at), text.size());
      pieces_.push_back({Field::kLiteral, std::string(text.substr(at, end - at))});
      at = end;
      continue;
    }
    const size_t end = text.find('}', at);
    if (end == std::string_view::npos) Fail("a '{' without its '}'");
    pieces_.push_back(ParseField(text.substr(at + 1, end - at - 1), of));
    by_event_time_ = by_event_time_ || pieces_.back().field == Field::kEvent;
    at = end + 1;
  }
  if (!text.empty()) io::CheckKey(Render("t", 0, {}, {}, "malformed"));
}

PathTemplate::Piece PathTemplate::ParseField(std::string_view field, Of of) {
  if (field == "cause" && of == Of::kRefused) return {Field::kCause, {}};
  if (field == "topic") return {Field::kTopic, {}};
  if (field == "partition") return {Field::kPartition, {}};
  const auto colon = field.find(':');
  const auto name = field.substr(0, colon);
  if (colon == std::string_view::npos || (name != "ingested" && name != "event"))
    Fail(fmt::format("'{{{}}}' is no field", field));
  CheckFormat(field.substr(colon + 1));
  return {name == "event" ? Field::kEvent : Field::kIngested, std::string(field.substr(colon + 1))};
}

std::string PathTemplate::Render(std::string_view topic, int32_t partition, Timestamp ingested, Timestamp event,
                                 std::string_view cause) const {
  std::string path;
  for (const auto& piece : pieces_) {
    switch (piece.field) {
      case Field::kLiteral:
        path += piece.text;
        break;
      case Field::kTopic:
        path += SafeName(topic);
        break;
      case Field::kPartition:
        path += std::to_string(partition);
        break;
      case Field::kCause:
        path += SafeName(cause);
        break;
      case Field::kIngested:
        path += FormatTime(piece.text, ingested);
        break;
      case Field::kEvent:
        path += FormatTime(piece.text, event);
        break;
    }
  }
  return path;
}

}  // namespace millrace::land
