#include "source/json_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"

namespace millrace::source {
namespace {

[[noreturn]] void Refuse(std::string_view text) {
  throw Error(ErrorCode::kConfig,
              fmt::format("'{}' is no JSON path that is understood here: write $.name.name, $['any name'], [0] for one "
                          "element, and [*] at the end for all",
                          text));
}

void AddToken(std::string_view token, std::string& pointer) {
  pointer += '/';
  for (const char c : token) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

/// What stands between brackets that open at `rest[0]`; `rest` goes on behind them.
std::string_view TakeBrackets(std::string_view text, std::string_view& rest) {
  const bool quoted = rest.size() > 1 && (rest[1] == '\'' || rest[1] == '"');
  const auto close = quoted ? rest.find(std::string{rest[1], ']'}, 2) : rest.find(']');
  if (close == std::string_view::npos) Refuse(text);
  const auto inside = quoted ? rest.substr(2, close - 2) : rest.substr(1, close - 1);
  rest.remove_prefix(close + (quoted ? 2 : 1));
  const bool number = !inside.empty() && std::ranges::all_of(inside, [](unsigned char c) { return std::isdigit(c); });
  if (inside.empty() || (!quoted && !number && inside != "*")) Refuse(text);
  return inside;
}

}  // namespace

JsonPath JsonPath::Parse(std::string_view text) {
  JsonPath path;
  path.text_ = text.starts_with('$') ? std::string(text) : "$." + std::string(text);
  std::string_view rest = std::string_view(path.text_).substr(1);
  while (!rest.empty()) {
    if (path.elements_) Refuse(text);
    if (rest.front() == '.') {
      const auto end = std::min(rest.find_first_of(".[", 1), rest.size());
      const auto name = rest.substr(1, end - 1);
      if (name.empty() || name.find_first_of("*?@()'\" ") != std::string_view::npos) Refuse(text);
      AddToken(name, path.pointer_);
      rest.remove_prefix(end);
    } else if (rest.front() == '[') {
      const bool all = rest.starts_with("[*]");
      const auto inside = TakeBrackets(text, rest);
      if (all) {
        path.elements_ = true;
      } else {
        AddToken(inside, path.pointer_);
      }
    } else {
      Refuse(text);
    }
  }
  return path;
}

}  // namespace millrace::source
