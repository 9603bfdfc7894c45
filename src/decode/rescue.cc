#include "decode/rescue.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "decode/json_string.h"

namespace millrace::decode {
namespace {

bool IsPlain(std::string_view name) { return !name.empty() && name.find_first_of(".[]\"") == std::string_view::npos; }

void AppendMember(std::string_view name, std::string& path) {
  if (!IsPlain(name)) {
    path += '[';
    AppendJsonText(name, path);
    path += ']';
    return;
  }
  if (!path.empty()) path += '.';
  path += name;
}

std::string_view LastKey(const Column& map) {
  const Column& keys = *map.children[0];
  const auto begin = keys.values.At<int32_t>(keys.length - 1), end = keys.values.At<int32_t>(keys.length);
  return {reinterpret_cast<const char*>(keys.text.data()) + begin, static_cast<size_t>(end - begin)};
}

}  // namespace

void RescuedRow::Clear() {
  if (paths_.empty()) return;
  constexpr size_t kKept = 1024;
  if (paths_.size() > kKept) {
    *this = RescuedRow();
    return;
  }
  text_.clear();
  count_ = 0;
  paths_.clear();
  seen_.clear();
}

bool RescuedRow::Note(const std::string& path) {
  if (!seen_.insert(path).second) return false;
  paths_.push_back(path);
  return true;
}

bool RescuedRow::Add(const std::string& path, std::string_view raw) {
  if (!Note(path)) return false;
  text_ += text_.empty() ? '{' : ',';
  AppendJsonText(path, text_);
  text_ += ':';
  text_ += raw;
  ++count_;
  return true;
}

void RescuedRow::Rewind(Mark mark) {
  text_.resize(mark.bytes);
  count_ = mark.count;
  for (; paths_.size() > mark.paths; paths_.pop_back()) seen_.erase(paths_.back());
}

void RescuedRow::Flush(Column& column) {
  if (count_ == 0) {
    column.AppendNull();
  } else {
    text_ += '}';
    column.text.Append(text_.data(), static_cast<int64_t>(text_.size()));
    column.CloseText();
  }
  Clear();
}

std::string PathOf(const Column& column) {
  if (column.parent == nullptr) return {};
  std::string path = PathOf(*column.parent);
  switch (column.parent->kind) {
    case ColumnKind::kList:
      return path + fmt::format("[{}]", column.length - column.parent->OpenOffset());
    case ColumnKind::kMap:
      path += '[';
      AppendJsonText(LastKey(*column.parent), path);
      return path + ']';
    default:
      AppendMember(column.name, path);
      return path;
  }
}

std::string PathOf(const Column& object, std::string_view member) {
  std::string path = PathOf(object);
  AppendMember(member, path);
  return path;
}

std::string SchemaPathOf(const Column& object, std::string_view member) {
  std::vector<std::string_view> names{member};
  for (const Column* at = &object; at->parent != nullptr; at = at->parent) names.push_back(at->name);
  std::reverse(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, "."));
}

std::string Shortened(std::string_view path) {
  constexpr size_t kBytesMax = 100;
  return path.size() <= kBytesMax ? std::string(path) : std::string(path.substr(0, kBytesMax)) + "...";
}

}  // namespace millrace::decode
