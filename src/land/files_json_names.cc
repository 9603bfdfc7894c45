#include "land/files_json_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace millrace::land {
namespace {

constexpr std::array<std::string_view, 8> kReserved = {"_topic",       "_partition", "_offset",     "_event_time",
                                                       "_ingested_at", "_key",       "_key_base64", "_value"};

struct Name {
  size_t at = 0;
  std::string folded;  // lower case, escapes resolved
};

/// Quick, and seldom true of an object that has no such name: looks for the start of one, written plainly or escaped.
/// By single characters that JSON has few of: to look for two at a time took longer than to parse the object.
bool MayHoldReserved(std::string_view object) {
  for (size_t at = 0; (at = object.find('_', at)) != std::string_view::npos; ++at) {
    const bool begins = at > 0 && object[at - 1] == '"' && at + 1 < object.size();
    if (begins && std::string_view("tpoeikvhTPOEIKVH\\").find(object[at + 1]) != std::string_view::npos) return true;
  }
  for (size_t at = 0; (at = object.find('\\', at)) != std::string_view::npos; ++at) {
    if (at > 0 && object[at - 1] == '"' && object.substr(at).starts_with("\\u005")) return true;
  }
  return false;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Escapes of characters that no reserved name has become a byte that none has either.
std::string Folded(std::string_view name) {
  std::string folded;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '\\') {
      folded += Lower(name[i]);
      continue;
    }
    ++i;
    unsigned code = 0;
    if (i + 4 < name.size() && name[i] == 'u') {
      std::from_chars(name.data() + i + 1, name.data() + i + 5, code, 16);
      i += 4;
    }
    folded += code > 0 && code < 0x80 ? Lower(static_cast<char>(code)) : '\x01';
  }
  return folded;
}

/// The names of the outermost members that begin with an underscore.
std::vector<Name> UnderscoredNames(std::string_view object) {
  std::vector<Name> names;
  int depth = 0;
  bool name_due = false;
  for (size_t i = 0; i < object.size(); ++i) {
    const char c = object[i];
    if (c == '"') {
      const size_t begin = ++i;
      while (i < object.size() && object[i] != '"') i += object[i] == '\\' ? 2 : 1;
      if (depth != 1 || !std::exchange(name_due, false)) continue;
      std::string folded = Folded(object.substr(begin, i - begin));
      if (folded.starts_with('_')) names.push_back({begin, std::move(folded)});
    } else if (c == '{' || c == '[') {
      name_due = ++depth == 1;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',' && depth == 1) {
      name_due = true;
    }
  }
  return names;
}

}  // namespace

std::vector<NameChange> ReservedNameChanges(std::string_view object, std::string_view also) {
  if (!MayHoldReserved(object)) return {};
  std::vector<NameChange> changes;
  const std::vector<Name> names = UnderscoredNames(object);
  for (const Name& name : names) {
    if (name.folded != also && std::ranges::find(kReserved, name.folded) == kReserved.end()) continue;
    size_t underscores = 1;
    const auto taken = [&](const Name& other) { return other.folded == std::string(underscores, '_') + name.folded; };
    while (std::ranges::any_of(names, taken)) ++underscores;
    changes.push_back({name.at, underscores});
  }
  return changes;
}

}  // namespace millrace::land
