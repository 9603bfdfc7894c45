#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "decode/fast_number.h"
#include "decode/json_number.h"
#include "decode/json_string.h"
#include "decode/map_keys.h"
#include "decode/parsed_text.h"
#include "decode/record_reader.h"
#include "decode/string_copy.h"

/// The half of RecordReader that turns one value into one row of a column.
namespace millrace::decode {

using event::RejectCause;

RecordReader::Status RecordReader::ReadValue(Column& column) {
  const char first = base_[*next_];
  if (first == 'n' && column.kind != ColumnKind::kJson) return ReadNull(column);
  switch (column.kind) {
    case ColumnKind::kString:
      return first == '"' ? ReadString(column) : Status::kMisfit;
    case ColumnKind::kLong:
      return ReadLong(column);
    case ColumnKind::kDouble:
      return ReadDouble(column);
    case ColumnKind::kStruct:
      if (first != '{') return Status::kMisfit;
      ++next_;
      return ReadObject(column);
    case ColumnKind::kTimestamptz:
      return first == '"' ? ReadTimestamptz(column) : Status::kMisfit;
    case ColumnKind::kBool:
      return ReadBool(column);
    case ColumnKind::kInt:
      return ReadInt(column);
    case ColumnKind::kFloat:
      return ReadFloat(column);
    case ColumnKind::kList:
      return first == '[' ? ReadList(column) : Status::kMisfit;
    case ColumnKind::kMap:
      return first == '{' ? ReadMap(column) : Status::kMisfit;
    case ColumnKind::kDecimal:
      return ReadDecimal(column);
    case ColumnKind::kUuid:
    case ColumnKind::kFixed:
    case ColumnKind::kBinary:
    case ColumnKind::kDate:
    case ColumnKind::kTime:
    case ColumnKind::kTimestamp:
      return first == '"' ? ReadParsedText(column) : Status::kMisfit;
    case ColumnKind::kJson:
      return ReadJson(column);
    case ColumnKind::kUndecided:
      return ReadUndecided();
  }
  return Status::kMisfit;
}

RecordReader::Status RecordReader::ReadNull(Column& column) {
  const char* const text = base_ + *next_;
  if (std::memcmp(text, "null", 4) != 0 || !ScalarEndsAt(text + 4)) return Malformed("has an unknown literal");
  ++next_;
  if (column.required) {
    const Status status = Unrequire(column);
    if (status != Status::kOk) return status;
  }
  column.AppendNull();
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadUndecided() {
  if (!may_infer_ || !ColumnsEvolve()) return Status::kMisfit;
  // What has no type in it cannot decide: not worth a look at the whole batch.
  const char first = base_[*next_];
  const bool empty = (first == '[' && base_[next_[1]] == ']') || (first == '{' && base_[next_[1]] == '}');
  return empty ? Status::kMisfit : Status::kInfer;
}

RecordReader::Status RecordReader::ReadBool(Column& column) {
  const char* const text = base_ + *next_;
  const bool value = *text == 't';
  const size_t size = value ? 4 : 5;
  if (std::memcmp(text, value ? "true" : "false", size) != 0 || !ScalarEndsAt(text + size)) return Status::kMisfit;
  ++next_;
  column.AppendFixed(static_cast<uint8_t>(value));
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadLong(Column& column) {
  int64_t short_value = 0;
  const char* const end = ReadShortInteger(base_ + *next_, short_value);
  if (end != nullptr && ScalarEndsAt(end)) [[likely]] {
    ++next_;
    column.AppendFixed(short_value);
    return Status::kOk;
  }
  const auto value = ExactInteger(ScalarHere());
  if (!value) return Status::kMisfit;
  ++next_;
  column.AppendFixed(*value);
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadInt(Column& column) {
  int64_t short_value = 0;
  const char* const end = ReadShortInteger(base_ + *next_, short_value);
  if (end != nullptr && ScalarEndsAt(end) && short_value == static_cast<int32_t>(short_value)) [[likely]] {
    ++next_;
    column.AppendFixed(static_cast<int32_t>(short_value));
    return Status::kOk;
  }
  const auto value = ExactInteger(ScalarHere());
  if (!value) return Status::kMisfit;
  if (*value != static_cast<int32_t>(*value)) {
    if (!TypesEvolve()) return Status::kMisfit;
    column.Widen();
    counts_.schema_changed = true;
    return ReadLong(column);
  }
  ++next_;
  column.AppendFixed(static_cast<int32_t>(*value));
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadDouble(Column& column) {
  double short_value = 0;
  const char* const end = ReadShortDouble(base_ + *next_, short_value);
  if (end != nullptr && ScalarEndsAt(end)) [[likely]] {
    ++next_;
    column.AppendFixed(short_value);
    return Status::kOk;
  }
  const auto value = NearestDouble(ScalarHere());
  if (!value) return Status::kMisfit;
  ++next_;
  column.AppendFixed(*value);
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadFloat(Column& column) {
  const std::string_view text = ScalarHere();
  const auto value = NearestDouble(text);
  if (!value) return Status::kMisfit;
  const bool integer = text.find_first_of(".eE") == std::string_view::npos;
  const bool fits = std::abs(*value) <= std::numeric_limits<float>::max() &&
                    (!integer || static_cast<double>(static_cast<float>(*value)) == *value);
  if (!fits) {
    if (!TypesEvolve()) return Status::kMisfit;
    column.Widen();
    counts_.schema_changed = true;
    return ReadDouble(column);
  }
  ++next_;
  column.AppendFixed(static_cast<float>(*value));
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadDecimal(Column& column) {
  // Money comes as a number, or as text by those who know what a double does to it.
  const std::string_view text = base_[*next_] == '"' ? TextHere().value_or(std::string_view{}) : ScalarHere();
  auto value = ExactDecimal(text, column.precision, column.scale);
  if (!value && TypesEvolve()) {
    for (int32_t precision = column.precision + 1; precision <= 38 && !value; ++precision) {
      value = ExactDecimal(text, precision, column.scale);
      if (!value) continue;
      column.precision = precision;
      counts_.schema_changed = true;
    }
  }
  if (!value) return Status::kMisfit;
  ++next_;
  column.AppendFixed(*value);
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadString(Column& column) {
  // The next token is behind the closing quote: no text is longer than the way to it.
  column.text.Reserve(static_cast<int64_t>(next_[1] - next_[0] + kStringCopySlack));
  const auto copied = CopyPlainString(base_ + *next_ + 1, reinterpret_cast<char*>(column.text.end()));
  if (copied.stop != '"') [[unlikely]] {
    return ReadEscapedString(column);
  }
  column.text.SetSize(column.text.size() + static_cast<int64_t>(copied.size));
  column.CloseText();
  ++next_;
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadEscapedString(Column& column) {
  const std::string_view raw = ScalarHere();
  column.text.Reserve(static_cast<int64_t>(raw.size()));
  const auto unescaped = Unescape(raw.substr(1, raw.size() - 2), reinterpret_cast<char*>(column.text.end()));
  if (unescaped.result == Unescaped::Result::kBadEscape) return Malformed("has an unknown escape");
  if (unescaped.result == Unescaped::Result::kLoneSurrogate) return Status::kMisfit;
  column.text.SetSize(column.text.size() + static_cast<int64_t>(unescaped.size));
  column.CloseText();
  ++next_;
  return Status::kOk;
}

std::optional<std::string_view> RecordReader::TextHere() {
  const std::string_view raw = ScalarHere();
  const std::string_view inner = raw.substr(1, raw.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return inner;
  scratch_.resize(inner.size());
  const auto unescaped = Unescape(inner, scratch_.data());
  if (unescaped.result != Unescaped::Result::kOk) return std::nullopt;
  return std::string_view(scratch_.data(), unescaped.size);
}

RecordReader::Status RecordReader::ReadTimestamptz(Column& column) {
  int64_t micros = 0;
  const std::string_view raw = ScalarHere();
  if (!timestamps_.Parse(raw.substr(1, raw.size() - 2), micros)) [[unlikely]] {
    const auto text = TextHere();
    if (!text || !timestamps_.Parse(*text, micros)) return Status::kMisfit;
  }
  ++next_;
  column.AppendFixed(micros);
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadParsedText(Column& column) {
  const auto text = TextHere();
  if (!text || !AppendParsedText(*text, column)) return Status::kMisfit;
  ++next_;
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadJson(Column& column) {
  if (base_[*next_] == 'n') return ReadNull(column);
  const auto raw = TakeRaw();
  if (!raw) return Status::kReject;
  column.text.Append(raw->data(), static_cast<int64_t>(raw->size()));
  column.CloseText();
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadList(Column& list) {
  const int32_t open = list.OpenOffset();
  const auto mark = rescued_row_.Here();
  const Status status = ReadElements(list, open);
  if (status == Status::kMisfit) {
    list.children[0]->TruncateTo(open);
    rescued_row_.Rewind(mark);
  }
  return status;
}

RecordReader::Status RecordReader::ReadElements(Column& list, int32_t open) {
  Column& element = *list.children[0];
  element.PadTo(open);
  ++next_;
  if (next_ < end_ && base_[*next_] == ']') {
    ++next_;
    list.CloseList();
    return Status::kOk;
  }
  for (;;) {
    if (next_ >= end_) return Malformed("ends inside a list");
    const Status status = ReadValue(element);
    if (status != Status::kOk) return status;
    const char separator = base_[*next_++];
    if (separator == ']') break;
    if (separator != ',') return Malformed("has no comma or bracket after an element");
  }
  list.CloseList();
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadMap(Column& map) {
  Column& keys = *map.children[0];
  const int32_t open = map.OpenOffset();
  ++next_;
  if (next_ < end_ && base_[*next_] == '}') {
    ++next_;
    map.CloseList();
    return Status::kOk;
  }
  for (;;) {
    if (end_ - next_ < 3) return Malformed("ends inside an object");
    const Status status = ReadEntry(map);
    if (status != Status::kOk) return status;
    const char separator = base_[*next_++];
    if (separator == '}') break;
    if (separator != ',') return Malformed("has no comma or bracket after a member");
  }
  if (HasDuplicateKeys(keys, open)) {
    return Fail(RejectCause::kDuplicateKey, fmt::format("names a key of the map {} twice", PathOf(map)));
  }
  map.CloseList();
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadEntry(Column& map) {
  Column& keys = *map.children[0];
  Column& values = *map.children[1];
  if (base_[*next_] != '"' || base_[next_[1]] != ':') return Malformed("has no key and colon where they must be");
  const auto key = KeyText();
  if (!key) return BadKey();
  values.PadTo(keys.length);
  keys.text.Append(key->data(), static_cast<int64_t>(key->size()));
  keys.CloseText();
  next_ += 2;
  const uint32_t* const start = next_;
  const Status status = ReadValue(values);
  if (status != Status::kMisfit) return status;
  next_ = start;
  return RescueValue(values);
}

}  // namespace millrace::decode
