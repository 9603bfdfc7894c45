#include "decode/parsed_text.h"

#include <cstdint>
#include <optional>
#include <string>

#include "decode/timestamp.h"
#include "decode/value_text.h"
#include "io/digest.h"

namespace millrace::decode {
namespace {

template <typename T>
bool AppendIf(const std::optional<T>& value, Column& column) {
  if (value) column.AppendFixed(*value);
  return value.has_value();
}

bool AppendBytes(std::string_view text, Column& column) {
  std::string bytes;
  if (!io::DecodeBase64(text, bytes)) return false;
  if (column.kind == ColumnKind::kBinary) {
    column.text.Append(bytes.data(), static_cast<int64_t>(bytes.size()));
    column.CloseText();
    return true;
  }
  if (static_cast<int32_t>(bytes.size()) != column.width) return false;
  column.values.Append(bytes.data(), column.width);
  column.CloseRow();
  return true;
}

bool AppendUuid(std::string_view text, Column& column) {
  uint8_t bytes[16];
  if (!ParseUuid(text, bytes)) return false;
  column.values.Append(bytes, sizeof bytes);
  column.CloseRow();
  return true;
}

}  // namespace

bool AppendParsedText(std::string_view text, Column& column) {
  switch (column.kind) {
    case ColumnKind::kUuid:
      return AppendUuid(text, column);
    case ColumnKind::kDate:
      return AppendIf(ParseDate(text), column);
    case ColumnKind::kTime:
      return AppendIf(ParseTime(text), column);
    case ColumnKind::kTimestamp:
      return AppendIf(ParseLocalTimestamp(text), column);
    default:
      return AppendBytes(text, column);
  }
}

}  // namespace millrace::decode
