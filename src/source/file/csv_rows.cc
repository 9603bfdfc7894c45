#include "source/file/csv_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "source/file/csv_value.h"

namespace millrace::source {
namespace {

bool IsSpecial(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

}  // namespace

void AppendJsonString(std::string_view text, std::string* to) {
  *to += '"';
  for (size_t at = 0; at < text.size();) {
    const auto special = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), IsSpecial);
    const auto end = static_cast<size_t>(special - text.begin());
    to->append(text, at, end - at);
    if (end == text.size()) break;
    const char c = text[end];
    if (c == '"' || c == '\\') {
      *to += '\\';
      *to += c;
    } else if (c == '\n') {
      *to += "\\n";
    } else if (c == '\r') {
      *to += "\\r";
    } else if (c == '\t') {
      *to += "\\t";
    } else {
      fmt::format_to(std::back_inserter(*to), "\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    at = end + 1;
  }
  *to += '"';
}

CsvRows::CsvRows(const std::string& path, CsvDialect dialect, const CsvOptions& options,
                 const std::vector<std::string_view>& sample)
    : path_(path), fields_(dialect), plain_(dialect), has_header_(options.columns.empty()) {
  NameColumns(sample, options);
  TypeColumns(sample, options);
  for (auto& column : columns_) {
    column.dropped = std::find(options.drop.begin(), options.drop.end(), column.name) != options.drop.end();
    std::string key;
    AppendJsonString(column.name, &key);
    keys_.push_back(key + ':');
    plain_.AddColumn(keys_.back(), column.type, column.dropped);
  }
  if (columns_.empty()) return;  // an empty file
  for (const auto& name : options.drop) CheckKnown(name, "csv.drop");
  for (const auto& [name, type] : options.types) CheckKnown(name, "csv.types");
}

void CsvRows::CheckKnown(std::string_view name, std::string_view where) const {
  std::string names;
  for (const auto& column : columns_) {
    if (column.name == name) return;
    names += (names.empty() ? "" : ", ") + column.name;
  }
  throw Error(ErrorCode::kConfig,
              fmt::format("{} names the column '{}', which {} lacks; it has {}", where, name, path_, names));
}

void CsvRows::NameColumns(const std::vector<std::string_view>& sample, const CsvOptions& options) {
  std::vector<std::string> names = options.columns;
  if (has_header_ && !sample.empty()) {
    fields_.Split(sample.front());
    for (const auto& field : fields_.fields()) names.emplace_back(field.text);
  }
  std::set<std::string> taken;
  for (size_t i = 0; i < names.size(); ++i) {
    std::string name = names[i].empty() ? fmt::format("column_{}", i + 1) : names[i];
    for (int n = 2; !taken.insert(name).second; ++n) name = fmt::format("{}_{}", names[i], n);
    columns_.push_back({std::move(name), CsvType::kString, false});
  }
}

void CsvRows::TypeColumns(const std::vector<std::string_view>& sample, const CsvOptions& options) {
  struct Seen {
    bool any = false, numbers = true, booleans = true;
  };
  std::vector<Seen> seen(columns_.size());
  for (size_t row = has_header_ ? 1 : 0; row < sample.size(); ++row) {
    if (!fields_.Split(sample[row]) || fields_.fields().size() != columns_.size()) continue;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto text = fields_.fields()[i].text;
      if (text.empty()) continue;
      seen[i].any = true;
      seen[i].numbers = seen[i].numbers && IsExactJsonNumber(text);
      seen[i].booleans = seen[i].booleans && !JsonBooleanOf(text).empty();
    }
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto given = options.types.find(columns_[i].name);
    if (given != options.types.end()) {
      columns_[i].type = given->second;
    } else if (seen[i].any && seen[i].numbers) {
      columns_[i].type = CsvType::kNumber;
    } else if (seen[i].any && seen[i].booleans) {
      columns_[i].type = CsvType::kBoolean;
    }
  }
}

namespace {

void AppendValue(const CsvField& field, CsvType type, std::string* to) {
  if (field.text.empty() && (!field.quoted || type != CsvType::kString)) {
    *to += "null";
    return;
  }
  if (type == CsvType::kNumber && IsExactJsonNumber(field.text)) {
    *to += field.text;
    return;
  }
  if (const auto boolean = JsonBooleanOf(field.text); type == CsvType::kBoolean && !boolean.empty()) {
    *to += boolean;
    return;
  }
  AppendJsonString(field.text, to);
}

}  // namespace

void CsvRows::Append(std::string_view row, int64_t offset, std::string* to) {
  const bool closed = fields_.Split(row);
  const auto& fields = fields_.fields();
  if (!closed || fields.size() != columns_.size()) {
    const auto fault = closed ? fmt::format("{} fields where there are {} columns", fields.size(), columns_.size())
                              : std::string("a quote that does not close");
    fmt::format_to(std::back_inserter(*to), "{} byte {}: {}: {}", path_, offset, fault, row);
    return;
  }
  char before = '{';
  for (size_t i = 0; i < fields.size(); ++i) {
    if (columns_[i].dropped) continue;
    *to += before;
    *to += keys_[i];
    AppendValue(fields[i], columns_[i].type, to);
    before = ',';
  }
  *to += before == '{' ? "{}" : "}";
}

}  // namespace millrace::source
