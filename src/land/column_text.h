#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace millrace::land {

/// The values of rows as the text that names folders: text as it is, whole numbers and decimals in digits, true and
/// false, times in RFC 3339 ("2026-03-01T23:30:00.000000Z"), dates ("2026-03-01"). The rows outlive it.
class ColumnTexts {
 public:
  explicit ColumnTexts(const arrow::RecordBatch& rows) : rows_(rows) {}

  /// Of the column at a dotted path; nullopt when there is none, it is null, or no plain value.
  std::optional<std::string> Of(const std::string& path, int64_t row);

 private:
  const arrow::RecordBatch& rows_;
  std::map<std::string, std::shared_ptr<arrow::Array>> found_;  // null: there is none
};

}  // namespace millrace::land
