#include "source/file/csv_fields.h"

#include <algorithm>
#include <cstring>

namespace millrace::source {

bool CsvFields::Split(std::string_view row) {
  fields_.clear();
  unescaped_used_ = 0;
  open_ = false;
  // A field holds a view of its text: the texts must not move while the row is split.
  const auto quotes = static_cast<size_t>(std::count(row.begin(), row.end(), dialect_.quote));
  if (unescaped_.size() < quotes) unescaped_.resize(quotes);
  for (size_t at = 0; at <= row.size();) {
    if (at < row.size() && row[at] == dialect_.quote) {
      at = Quoted(row, at + 1);
    } else {
      const size_t end = std::min(row.find(dialect_.delimiter, at), row.size());
      fields_.push_back({row.substr(at, end - at), false});
      at = end + 1;
    }
  }
  return !open_;
}

size_t CsvFields::Quoted(std::string_view row, size_t at) {
  std::string& text = unescaped_[unescaped_used_++];
  text.clear();
  for (;;) {
    const size_t quote = row.find(dialect_.quote, at);
    if (quote == std::string_view::npos) {
      text += row.substr(std::min(at, row.size()));
      open_ = true;
      fields_.push_back({text, true});
      return row.size() + 1;
    }
    text += row.substr(at, quote - at);
    at = quote + 1;
    if (at < row.size() && row[at] == dialect_.quote) {
      text += dialect_.quote;
      ++at;
      continue;
    }
    const size_t end = std::min(row.find(dialect_.delimiter, at), row.size());
    text += row.substr(at, end - at);
    fields_.push_back({text, true});
    return end + 1;
  }
}

namespace {

/// Past the closing quote of a field that opened before `at`; npos when it does not close.
size_t PastQuoted(std::string_view text, size_t at, char quote) {
  for (;;) {
    const size_t found = text.find(quote, at);
    if (found == std::string_view::npos) return found;
    if (found + 1 == text.size() || text[found + 1] != quote) return found + 1;
    at = found + 2;
  }
}

}  // namespace

size_t EndOfCsvRow(std::string_view text, CsvDialect dialect) {
  const size_t newline = text.find('\n');
  if (std::memchr(text.data(), dialect.quote, std::min(newline, text.size())) == nullptr) {
    return newline == std::string_view::npos ? newline : newline + 1;
  }
  const char stops[] = {dialect.delimiter, '\n'};
  for (size_t at = 0; at < text.size();) {
    if (text[at] == dialect.quote) at = PastQuoted(text, at + 1, dialect.quote);
    if (at == std::string_view::npos) return at;
    at = text.find_first_of(std::string_view(stops, 2), at);
    if (at == std::string_view::npos) return at;
    if (text[at] == '\n') return at + 1;
    ++at;
  }
  return std::string_view::npos;
}

}  // namespace millrace::source
