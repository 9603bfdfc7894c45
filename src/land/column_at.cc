#include "land/column_at.h"

#include <arrow/api.h>

#include <string>

#include "base/error.h"
#include "land/arrow_status.h"

namespace millrace::land {

std::shared_ptr<arrow::Array> FindColumn(const arrow::RecordBatch& rows, std::string_view dotted_path) {
  // A name may itself hold dots: the longest name that is a column wins.
  for (size_t end = dotted_path.size(); end != std::string_view::npos; end = dotted_path.rfind('.', end - 1)) {
    auto column = rows.GetColumnByName(std::string(dotted_path.substr(0, end)));
    if (column) {
      if (end == dotted_path.size()) return column;
      if (column->type_id() == arrow::Type::STRUCT) {
        const auto& group = static_cast<const arrow::StructArray&>(*column);
        const auto children = ValueOf(group.Flatten(), "flattening a column");
        const auto nested = arrow::RecordBatch::Make(arrow::schema(group.type()->fields()), group.length(), children);
        return FindColumn(*nested, dotted_path.substr(end + 1));
      }
    }
    if (end == 0) break;
  }
  return nullptr;
}

std::shared_ptr<arrow::Array> ColumnAt(const arrow::RecordBatch& rows, std::string_view dotted_path) {
  if (auto column = FindColumn(rows, dotted_path)) return column;
  throw Error(ErrorCode::kStop, "column " + std::string(dotted_path) +
                                    " is not in the rows; correct the table's partition_by, sort_by or key");
}

}  // namespace millrace::land
