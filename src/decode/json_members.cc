#include "decode/json_members.h"

namespace millrace::decode {
namespace {

Scanned Wrong(const char* at, const char* why) {
  return {.cause = event::RejectCause::kMalformed, .wrong_at = at, .why = why};
}

}  // namespace

Scanned ForEachMember(std::string_view text, int depth_max,
                      const std::function<void(std::string_view name, std::string_view value)>& visit) {
  const char* const end = text.data() + text.size();
  const char* at = SkipSpace(text.data(), end);
  if (at == end || *at != '{') {
    return {.cause = event::RejectCause::kNotAnObject, .wrong_at = at, .why = "is not a JSON object"};
  }
  at = SkipSpace(at + 1, end);
  const bool none = at != end && *at == '}';
  while (!none) {
    if (at == end || *at != '"') return Wrong(at, "expected the name of a member");
    const Scanned name = ScanValue(at, end, depth_max);
    if (!name) return name;
    const std::string_view raw(at + 1, static_cast<size_t>(name.end - at) - 2);
    at = SkipSpace(name.end, end);
    if (at == end || *at != ':') return Wrong(at, "expected ':' after the name of a member");
    at = SkipSpace(at + 1, end);
    if (at == end) return Wrong(at, "expected a value");
    const Scanned value = ScanValue(at, end, depth_max);
    if (!value) return value;
    visit(raw, {at, static_cast<size_t>(value.end - at)});
    at = SkipSpace(value.end, end);
    if (at != end && *at == '}') break;
    if (at == end || *at != ',') return Wrong(at, "expected ',' or '}' after a member");
    at = SkipSpace(at + 1, end);
  }
  at = SkipSpace(at + 1, end);
  if (at != end) return Wrong(at, "has text behind its end");
  return {.end = at};
}

std::optional<std::string_view> FindMember(std::string_view text, std::string_view dotted_path, int depth_max) {
  std::optional<std::string_view> found;
  size_t found_length = 0;
  const auto looked = ForEachMember(text, depth_max, [&](std::string_view name, std::string_view value) {
    const bool prefix =
        dotted_path.starts_with(name) && (name.size() == dotted_path.size() || dotted_path[name.size()] == '.');
    if (!prefix || (found && name.size() < found_length)) return;
    found = value;
    found_length = name.size();
  });
  if (!looked || !found || found_length == dotted_path.size()) return looked ? found : std::nullopt;
  return FindMember(*found, dotted_path.substr(found_length + 1), depth_max);
}

}  // namespace millrace::decode
