#include "connect/path_format.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <utility>

namespace millrace::connect {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kFields{
    {{"YYYY", "%Y"}, {"yyyy", "%Y"}, {"MM", "%m"}, {"dd", "%d"}, {"HH", "%H"}, {"mm", "%M"}}};

std::string_view FieldOf(std::string_view letters) {
  for (const auto& [joda, ours] : kFields) {
    if (joda == letters) return ours;
  }
  return {};
}

}  // namespace

std::string TimeFormatOf(const std::string& joda, std::string& why) {
  std::string out;
  for (size_t at = 0; at < joda.size();) {
    const char c = joda[at];
    if (c == '\'') {
      const auto end = joda.find('\'', at + 1);
      if (end == std::string::npos) {
        why = fmt::format("'{}' has a quote that does not end", joda);
        return {};
      }
      out += end == at + 1 ? "'" : joda.substr(at + 1, end - at - 1);
      at = end + 1;
      continue;
    }
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) {
      out += c;
      ++at;
      continue;
    }
    size_t end = at;
    while (end < joda.size() && joda[end] == c) ++end;
    const auto letters = joda.substr(at, end - at);
    const auto field = FieldOf(letters);
    if (field.empty()) {
      why = fmt::format(
          "'{}' in '{}' is not supported by Millrace, which knows YYYY, MM, dd, HH, mm and text in "
          "single quotes",
          letters, joda);
      return {};
    }
    out += field;
    at = end;
  }
  if (out.find_first_of("{}") != std::string::npos) {
    why = fmt::format("'{}' has a brace, which no folder of Millrace has", joda);
    return {};
  }
  return out;
}

long long ShortestUnit(const std::string& format) {
  if (format.find("%M") != std::string::npos) return 60'000;
  if (format.find("%H") != std::string::npos) return 3'600'000;
  if (format.find("%d") != std::string::npos) return 86'400'000;
  return 0;
}

}  // namespace millrace::connect
