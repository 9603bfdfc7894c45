#include "source/rest_proxy/json_members.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "source/json_fault.h"
#include "source/json_values.h"

namespace millrace::source {
namespace {

namespace ondemand = simdjson::ondemand;

ondemand::parser& Parser() {
  thread_local ondemand::parser parser;
  return parser;
}

}  // namespace

std::optional<JsonMembers> MembersOf(std::string_view object) {
  ondemand::document document;
  ondemand::object members;
  if (!object.starts_with('{') || Parser().iterate(Padded(object)).get(document) != simdjson::SUCCESS ||
      document.get_object().get(members) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  JsonMembers found;
  for (auto field : members) {
    std::string_view name, raw;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return std::nullopt;
    auto& member = found.emplace_back(std::string(name), std::string_view());
    if (field.value().raw_json().get(raw) != simdjson::SUCCESS) return std::nullopt;
    member.second = TrimmedJson(raw);
  }
  return found;
}

std::optional<std::vector<std::string_view>> ElementsOf(std::string_view array, size_t count_max) {
  ondemand::document document;
  ondemand::array elements;
  if (!array.starts_with('[') || Parser().iterate(Padded(array)).get(document) != simdjson::SUCCESS ||
      document.get_array().get(elements) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  std::vector<std::string_view> found;
  bool fits = true;
  const bool whole = ForEachElement(elements, [&](std::string_view element) {
    fits = fits && found.size() < count_max;
    if (fits) found.push_back(element);
  });
  if (!whole || !fits) return std::nullopt;
  return found;
}

std::optional<std::string> TextOf(std::string_view value) {
  ondemand::document document;
  std::string_view text;
  if (!value.starts_with('"') || Parser().iterate(Padded(value)).get(document) != simdjson::SUCCESS ||
      document.get_string().get(text) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return std::string(text);
}

std::optional<int32_t> Int32Of(std::string_view value) {
  int32_t number = 0;
  const auto* last = value.data() + value.size();
  const auto [end, error] = std::from_chars(value.data(), last, number);
  if (error != std::errc() || end != last) return std::nullopt;
  return number;
}

/// True at the end of an object.
bool ObjectSplitter::Step(char c) {
  if (in_text_) {
    in_text_ = c != '"' || escaped_;
    escaped_ = c == '\\' && !escaped_;
  } else if (c == '"') {
    in_text_ = true;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if (c == '}' || c == ']') {
    return --depth_ == 0;
  }
  return false;
}

CutObjects ObjectSplitter::Cut(std::string_view text, size_t count_max) {
  CutObjects cut;
  for (; at_ < text.size() && cut.objects.size() < count_max; ++at_) {
    const char c = text[at_];
    if (depth_ == 0) {
      if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
      if (c != '{') {
        cut.strange = fmt::format("Bad Request: each record is a JSON object, and here stands '{}'",
                                  PrintableExcerpt(text, at_, JsonFault::kShownBytes));
        break;
      }
      begin_ = at_;
    }
    if (!Step(c)) continue;
    cut.objects.push_back({begin_, at_ + 1 - begin_});
    cut.end = at_ + 1;
  }
  at_ -= cut.end;
  begin_ -= std::min(begin_, cut.end);
  return cut;
}

}  // namespace millrace::source
