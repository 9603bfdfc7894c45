#include "app/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/bytes.h"

namespace millrace::app {
namespace {

std::string Heading(const std::string& name) {
  std::string heading = name;
  for (auto& c : heading) c = c == '_' ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return heading;
}

std::string ForPeople(const nlohmann::json& value, Listing::Form form) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (form == Listing::Form::kBytes && value.is_number() && value.get<int64_t>() >= 0) {
    return FormatByteSize(value.get<uint64_t>());
  }
  return value.dump();
}

std::string Pad(const std::string& text, size_t width, bool right) {
  const std::string space(width - std::min(width, DisplayWidth(text)), ' ');
  return right ? space + text : text + space;
}

}  // namespace

void PrintFacts(const nlohmann::ordered_json& facts) {
  for (const auto& [key, value] : facts.items()) {
    if (value.is_string() && !value.get<std::string>().empty())
      fmt::print("{:<16} {}\n", key, value.get<std::string>());
    if (value.is_number()) fmt::print("{:<16} {}\n", key, value.dump());
  }
}

size_t DisplayWidth(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Listing::Listing(std::vector<Column> columns) : columns_(std::move(columns)) {}
Listing::~Listing() = default;

void Listing::Add(std::vector<nlohmann::json> row) { rows_.push_back(std::move(row)); }

std::string Listing::AsTable() const {
  std::vector<size_t> widths;
  std::vector<bool> numeric(columns_.size(), !rows_.empty());
  for (const auto& column : columns_) widths.push_back(DisplayWidth(column.name));
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows_) {
    auto& line = cells.emplace_back();
    for (size_t i = 0; i < columns_.size(); ++i) {
      line.push_back(ForPeople(row[i], columns_[i].form));
      widths[i] = std::max(widths[i], DisplayWidth(line.back()));
      if (!row[i].is_number() && !row[i].is_null()) numeric[i] = false;
    }
  }
  std::string out;
  const auto append = [&](const std::vector<std::string>& line) {
    std::string text;
    for (size_t i = 0; i < line.size(); ++i) text += (i > 0 ? "  " : "") + Pad(line[i], widths[i], numeric[i]);
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  };
  std::vector<std::string> headings;
  for (const auto& column : columns_) headings.push_back(Heading(column.name));
  append(headings);
  for (const auto& line : cells) append(line);
  return out;
}

std::string Listing::AsJson() const {
  auto list = nlohmann::ordered_json::array();
  for (const auto& row : rows_) {
    nlohmann::ordered_json object;
    for (size_t i = 0; i < columns_.size(); ++i) object[columns_[i].name] = row[i];
    list.push_back(std::move(object));
  }
  return list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void Listing::Print(bool json, const std::string& none) const {
  if (!json && rows_.empty()) {
    fmt::print(stderr, "{}\n", none);
    return;
  }
  fmt::print("{}", json ? AsJson() : AsTable());
}

}  // namespace millrace::app
