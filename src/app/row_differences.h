#pragma once

#include <optional>
#include <string>
#include <vector>

namespace millrace::app {

/// Rows as texts, a value a column; nullopt is null.
struct TextRows {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};

/// What differs, a line each, for people: rows that pair up best with the columns that differ, rows that are missing,
/// and rows nobody expected. Empty: nothing. Both have the same columns.
std::vector<std::string> RowDifferences(const TextRows& expected, const TextRows& actual, bool ordered);

}  // namespace millrace::app
