#include "connect/topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <regex>

namespace millrace::connect {
namespace {

constexpr size_t kTopicBytesMax = 249;

std::string Escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '.') out += '\\';
    out += c;
  }
  return out;
}

/// The POSIX form of Java's escape \c; empty: none.
std::string PosixEscape(char c, bool in_brackets) {
  if (c == 'd') return in_brackets ? "0-9" : "[0-9]";
  if (c == 'w') return in_brackets ? "A-Za-z0-9_" : "[A-Za-z0-9_]";
  if (std::ispunct(static_cast<unsigned char>(c)) == 0) return {};
  return in_brackets ? std::string(1, c) : std::string("\\") + c;
}

}  // namespace

bool IsTopic(std::string_view name) {
  return !name.empty() && name.size() <= kTopicBytesMax && name != "." && name != ".." &&
         std::ranges::all_of(name,
                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; });
}

std::string PosixPattern(const std::string& java, std::string& why) {
  std::string out;
  bool in_brackets = false;
  const auto refuse = [&](std::string_view what) {
    why = fmt::format("'{}' is not supported by Millrace, whose patterns are POSIX extended regular expressions", what);
    return std::string();
  };
  for (size_t i = 0; i < java.size(); ++i) {
    const char c = java[i];
    const std::string_view rest = std::string_view(java).substr(i);
    if (c == '\\') {
      const auto escape = i + 1 < java.size() ? PosixEscape(java[i + 1], in_brackets) : std::string();
      if (escape.empty()) return refuse(rest.substr(0, 2));
      out += escape;
      ++i;
    } else if (rest.starts_with("(?:") && !in_brackets) {
      out += '(';
      i += 2;
    } else if (rest.starts_with("(?") && !in_brackets) {
      return refuse(rest.substr(0, 3));
    } else if (!in_brackets && (c == '*' || c == '+' || c == '?' || c == '}') && i + 1 < java.size() &&
               (java[i + 1] == '?' || java[i + 1] == '+')) {
      return refuse(rest.substr(0, 2));
    } else {
      if (c == '[') in_brackets = true;
      if (c == ']') in_brackets = false;
      out += c;
    }
  }
  try {
    const std::regex checked(out, std::regex::extended);
  } catch (const std::regex_error&) {
    return refuse(java);
  }
  return "^(" + out + ")$";
}

std::vector<std::string> OriginsOf(const Given& given) {
  auto topics = given.List("topics");
  if (!topics.empty()) return topics;
  std::string why;
  return {PosixPattern(given.Text("topics.regex"), why)};
}

std::string OneOrigin(const Given& given) {
  const auto origins = OriginsOf(given);
  if (origins.size() == 1) return origins.front();
  std::string names;
  for (const auto& topic : origins) names += (names.empty() ? "" : "|") + Escaped(topic);
  return "^(" + names + ")$";
}

void CheckOrigins(const Given& given, Findings& findings) {
  for (const auto& topic : given.List("topics")) {
    if (!IsTopic(topic)) {
      findings.Add("topics", fmt::format("'{}' is no topic name: use a-z A-Z 0-9 . _ -", topic));
    }
  }
  std::string why;
  const auto regex = given.Text("topics.regex");
  if (!regex.empty() && PosixPattern(regex, why).empty()) findings.Add("topics.regex", why);
}

std::string BlockName(const std::string& connector, const std::string& part) {
  auto name = part.empty() ? connector : connector + "_" + part;
  std::ranges::transform(name, name.begin(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' ? static_cast<char>(c) : '_';
  });
  return name;
}

}  // namespace millrace::connect
