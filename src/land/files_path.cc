#include "land/files_path.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "io/object_key.h"

namespace millrace::land {
namespace {

constexpr std::string_view kTimeLetters = "YmdHM";
constexpr size_t kMemberBytesMax = 200;
constexpr int kOffsetWidthMax = 20;

[[noreturn]] void Fail(std::string_view what) {
  throw Error(
      ErrorCode::kConfig,
      fmt::format("files path: {}; write e.g. \"{{ingested:%Y/%m/%d/%H}}\" with the fields topic, partition, "
                  "ingested:FORMAT, event:FORMAT (FORMAT of %Y %m %d %H %M), field:NAME, field_time:NAME:FORMAT, and "
                  "cause where records are refused",
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

const date::time_zone* ZoneOf(const std::string& name) {
  if (name == "UTC") return nullptr;
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    throw Error(ErrorCode::kConfig, fmt::format("'{}' is no time zone; write one such as Europe/Berlin, or UTC", name));
  }
}

/// Text between the braces of a template, and what stands outside of them: `literal` and `field` are called in order.
template <typename OnLiteral, typename OnField>
void ForEachPiece(std::string_view text, OnLiteral&& literal, OnField&& field) {
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '}') Fail("a '}' without its '{'");
    if (text[at] != '{') {
      const size_t end = std::min(text.find_first_of("{}", at), text.size());
      literal(text.substr(at, end - at));
      at = end;
      continue;
    }
    const size_t end = text.find('}', at);
    if (end == std::string_view::npos) Fail("a '{' without its '}'");
    field(text.substr(at + 1, end - at - 1));
    at = end + 1;
  }
}

/// Milliseconds since 1970, or a time in text.
std::optional<Timestamp> TimeOf(std::string_view text) {
  int64_t millis = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), millis);
  if (error == std::errc() && end == text.data() + text.size()) return Timestamp(std::chrono::milliseconds(millis));
  return ParseTimestamp(text);
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

PathTemplate::PathTemplate(std::string_view text, Of of, const std::string& time_zone) : zone_(ZoneOf(time_zone)) {
  ForEachPiece(
      text,
      [&](std::string_view literal) {
        pieces_.push_back({Field::kLiteral, std::string(literal)});
      },
      [&](std::string_view field) {
        pieces_.push_back(ParseField(field, of));
        const auto kind = pieces_.back().field;
        by_event_time_ = by_event_time_ || kind == Field::kEvent;
        by_members_ = by_members_ || kind == Field::kMember || kind == Field::kMemberTime;
      });
  const auto any = [](const std::string&) { return std::optional<std::string>("1"); };
  if (!text.empty()) io::CheckKey(Render({.topic = "t", .cause = "malformed"}, any));
}

PathTemplate::Piece PathTemplate::ParseField(std::string_view field, Of of) {
  if (field == "cause" && of == Of::kRefused) return {Field::kCause, {}};
  if (field == "topic") return {Field::kTopic, {}};
  if (field == "partition") return {Field::kPartition, {}};
  const auto colon = field.find(':');
  const auto name = field.substr(0, colon);
  const auto rest = colon == std::string_view::npos ? std::string_view() : field.substr(colon + 1);
  const bool looks_inside = of == Of::kRecords && !rest.empty();
  if (looks_inside && name == "field") return {Field::kMember, {}, std::string(rest)};
  if (looks_inside && name == "field_time") {
    const auto format = rest.find(':');
    if (format == std::string_view::npos || format == 0) Fail(fmt::format("'{{{}}}' has no time format", field));
    CheckFormat(rest.substr(format + 1));
    return {Field::kMemberTime, std::string(rest.substr(format + 1)), std::string(rest.substr(0, format))};
  }
  if (colon == std::string_view::npos || (name != "ingested" && name != "event"))
    Fail(fmt::format("'{{{}}}' is no field", field));
  CheckFormat(rest);
  return {name == "event" ? Field::kEvent : Field::kIngested, std::string(rest)};
}

std::string PathTemplate::FormatTime(std::string_view format, Timestamp time) const {
  if (zone_ != nullptr) {
    const auto local = zone_->to_local(date::sys_time<std::chrono::microseconds>(
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch())));
    time = Timestamp(std::chrono::duration_cast<Timestamp::duration>(local.time_since_epoch()));
  }
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

std::string PathTemplate::MemberText(const Piece& piece, const MemberOf& member) const {
  const auto text = member ? member(piece.name) : std::nullopt;
  if (!text) return {};
  if (piece.field == Field::kMemberTime) {
    const auto time = TimeOf(*text);
    return time ? FormatTime(piece.text, *time) : std::string();
  }
  auto safe = *text;
  for (char& c : safe) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '/' || c == '?' || c == '#') c = '_';
  }
  const bool is_dots = safe == "." || safe == "..";
  return is_dots || safe.size() > kMemberBytesMax ? std::string() : safe;
}

std::string PathTemplate::Render(const Place& place, const MemberOf& member, std::string* missing) const {
  std::string path;
  for (const auto& piece : pieces_) {
    switch (piece.field) {
      case Field::kLiteral:
        path += piece.text;
        break;
      case Field::kTopic:
        path += SafeName(place.topic);
        break;
      case Field::kPartition:
        path += std::to_string(place.partition);
        break;
      case Field::kCause:
        path += SafeName(place.cause);
        break;
      case Field::kIngested:
        path += FormatTime(piece.text, place.ingested);
        break;
      case Field::kEvent:
        path += FormatTime(piece.text, place.event);
        break;
      case Field::kMember:
      case Field::kMemberTime: {
        const auto text = MemberText(piece, member);
        if (text.empty()) {
          if (missing != nullptr) *missing = piece.name;
          return {};
        }
        path += text;
        break;
      }
    }
  }
  return path;
}

NameTemplate::NameTemplate(std::string_view text) {
  bool has_partition = false;
  bool has_offset = false;
  ForEachPiece(
      text,
      [&](std::string_view literal) {
        pieces_.push_back({Piece::Field::kLiteral, std::string(literal)});
      },
      [&](std::string_view field) {
        const auto colon = field.find(':');
        if (field == "topic") {
          pieces_.push_back({Piece::Field::kTopic, {}});
        } else if (field == "partition") {
          pieces_.push_back({Piece::Field::kPartition, {}});
          has_partition = true;
        } else if (field.substr(0, colon) == "offset") {
          int width = 0;
          const auto digits = colon == std::string_view::npos ? std::string_view("0") : field.substr(colon + 1);
          const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), width);
          if (error != std::errc() || end != digits.data() + digits.size() || width < 0 || width > kOffsetWidthMax) {
            Fail(fmt::format("'{{{}}}' is no offset:WIDTH, of 20 digits at most", field));
          }
          pieces_.push_back({Piece::Field::kOffset, {}, width});
          has_offset = true;
        } else {
          Fail(
              fmt::format("a file's name has no field '{{{}}}', but topic, partition, offset and offset:WIDTH", field));
        }
      });
  if (text.empty()) return;
  if (!has_partition || !has_offset) Fail("a file's name needs {partition} and {offset}, which tell files apart");
  if (text.find('/') != std::string_view::npos) Fail("a file's name has no '/'; folders are the `path`'s");
  io::CheckKey(Render("t", 0, 0));
}

std::string NameTemplate::Render(std::string_view topic, int32_t partition, int64_t offset) const {
  std::string name;
  for (const auto& piece : pieces_) {
    switch (piece.field) {
      case Piece::Field::kLiteral:
        name += piece.text;
        break;
      case Piece::Field::kTopic:
        name += SafeName(topic);
        break;
      case Piece::Field::kPartition:
        name += std::to_string(partition);
        break;
      case Piece::Field::kOffset:
        name += fmt::format("{:0{}}", offset, piece.width);
        break;
    }
  }
  return name;
}

}  // namespace millrace::land
