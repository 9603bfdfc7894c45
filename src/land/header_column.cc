#include "land/header_column.h"

#include <arrow/api.h>
#include <simdjson.h>

#include <optional>

#include "event/record_headers.h"
#include "land/arrow_status.h"

namespace millrace::land {
namespace {

constexpr const char* kDoing = "header columns";
constexpr std::string_view kNoCharacter = "\xEF\xBF\xBD";

}  // namespace

std::string HeaderName(std::string_view name) {
  if (simdjson::validate_utf8(name.data(), name.size())) return std::string(name);
  std::string text;
  for (const char byte : name) {
    if (static_cast<uint8_t>(byte) < 0x80) {
      text += byte;
    } else {
      text += kNoCharacter;
    }
  }
  return text;
}

std::shared_ptr<arrow::DataType> HeadersType() {
  const auto header = arrow::struct_({arrow::field("key", arrow::utf8()), arrow::field("value", arrow::binary())});
  return arrow::list(arrow::field("element", header));
}

void AppendHeaders(std::string_view block, arrow::ListBuilder& builder) {
  if (block.empty()) return Check(builder.AppendNull(), kDoing);
  auto& header = static_cast<arrow::StructBuilder&>(*builder.value_builder());
  auto& names = static_cast<arrow::StringBuilder&>(*header.field_builder(0));
  auto& values = static_cast<arrow::BinaryBuilder&>(*header.field_builder(1));
  Check(builder.Append(), kDoing);
  for (const auto& [name, value] : event::HeadersOf(block)) {
    Check(header.Append(), kDoing);
    Check(names.Append(HeaderName(name)), kDoing);
    Check(value ? values.Append(*value) : values.AppendNull(), kDoing);
  }
}

std::string HeaderBlockAt(const arrow::ListArray& column, int64_t row) {
  std::string block;
  if (column.IsNull(row)) return block;
  const auto& headers = static_cast<const arrow::StructArray&>(*column.values());
  const auto names = headers.field(0), values = headers.field(1);
  const auto& name = static_cast<const arrow::StringArray&>(*names);
  const auto& value = static_cast<const arrow::BinaryArray&>(*values);
  for (int64_t i = column.value_offset(row); i < column.value_offset(row + 1); ++i) {
    event::AppendHeader(block, name.GetView(i), value.IsNull(i) ? std::nullopt : std::optional(value.GetView(i)));
  }
  return block;
}

}  // namespace millrace::land
