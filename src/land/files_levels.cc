#include "land/files_levels.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/letter_case.h"

namespace millrace::land {
namespace {

/// A field in a level's text stands between these two.
constexpr char kBegin = '\x01';
constexpr char kEnd = '\x02';

/// What lies between slashes, without what is empty.
std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) segments.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

/// The template with each field in marks; a format with slashes spans several levels, so that it is marked in each.
std::string Marked(std::string_view text) {
  std::string marked;
  bool inside = false;
  std::string field;
  for (const char c : text) {
    if (c == '{') {
      inside = true;
      field.clear();
    } else if (c == '}') {
      inside = false;
      const auto colon = field.rfind(':');
      const bool timed = colon != std::string::npos && field.find('%') != std::string::npos;
      marked += kBegin;
      for (const char part : timed ? field.substr(colon + 1) : field) {
        if (part == '/' && timed) {
          marked += std::string{kEnd, '/', kBegin};
        } else {
          marked += part;
        }
      }
      marked += kEnd;
    } else {
      (inside ? field : marked) += c;
    }
  }
  return marked;
}

std::string NameOf(std::string_view field) {
  if (field == "%Y") return "year";
  if (field == "%m") return "month";
  if (field == "%d") return "day";
  if (field == "%H") return "hour";
  if (field == "%M") return "minute";
  if (field == "%Y-%m-%d") return "date";
  if (field == "topic") return "topic";
  return "";
}

FolderLevel LevelOf(std::string_view text, size_t number) {
  const auto begin = text.find(kBegin);
  if (begin == std::string_view::npos) return {"", std::string(text)};
  const auto before = text.substr(0, begin);
  if (const auto equals = before.find('='); equals != std::string_view::npos && equals > 0)
    return {Lower(before.substr(0, equals)), std::string(before.substr(0, equals + 1))};
  const bool whole = begin == 0 && text.find(kEnd) == text.size() - 1;
  auto name = whole ? NameOf(text.substr(1, text.size() - 2)) : std::string();
  return {name.empty() ? fmt::format("partition_{}", number) : name, ""};
}

}  // namespace

std::vector<FolderLevel> FolderLevelsOf(std::string_view path_template) {
  std::vector<FolderLevel> levels;
  std::set<std::string> names;
  const auto marked = Marked(path_template);
  for (const auto text : Segments(marked)) {
    auto level = LevelOf(text, levels.size());
    if (!level.name.empty() && !names.insert(level.name).second) {
      level.name = fmt::format("partition_{}", levels.size());
      names.insert(level.name);
    }
    levels.push_back(std::move(level));
  }
  return levels;
}

std::optional<std::vector<std::string>> LevelValues(const std::vector<FolderLevel>& levels, std::string_view folder) {
  std::vector<std::string> values;
  const auto texts = Segments(folder);
  if (texts.size() != levels.size()) return std::nullopt;
  for (size_t i = 0; i < levels.size(); ++i) {
    const auto& [name, literal] = levels[i];
    if (name.empty() ? texts[i] != literal : !texts[i].starts_with(literal)) return std::nullopt;
    if (!name.empty()) values.emplace_back(texts[i].substr(literal.size()));
  }
  return values;
}

}  // namespace millrace::land
