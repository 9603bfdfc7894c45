#include "land/column_text.h"

#include <arrow/api.h>

#include "base/clock.h"
#include "land/arrow_status.h"
#include "land/column_at.h"

namespace millrace::land {
namespace {

std::optional<std::string> TextAt(const arrow::Array& column, int64_t row) {
  switch (column.type_id()) {
    case arrow::Type::STRING:
      return std::string(static_cast<const arrow::StringArray&>(column).GetView(row));
    case arrow::Type::TIMESTAMP:  // microseconds, in every table
      return FormatTimestamp(
          Timestamp(std::chrono::microseconds(static_cast<const arrow::TimestampArray&>(column).Value(row))));
    case arrow::Type::BOOL:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DATE32:
    case arrow::Type::TIME64:
      return ValueOf(column.GetScalar(row), "a value that names a folder")->ToString();
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> ColumnTexts::Of(const std::string& path, int64_t row) {
  auto found = found_.find(path);
  if (found == found_.end()) found = found_.emplace(path, FindColumn(rows_, path)).first;
  const auto& column = found->second;
  if (!column || column->IsNull(row)) return std::nullopt;
  return TextAt(*column, row);
}

}  // namespace millrace::land
