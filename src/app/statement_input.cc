#include "app/statement_input.h"

#include <algorithm>
#include <cctype>

namespace millrace::app {
namespace {

constexpr auto kNone = std::string_view::npos;

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Behind the quote that ends what opens at `at`; kNone when it is open still. A doubled quote goes on.
size_t QuotedEnd(std::string_view text, size_t at, bool backslashes) {
  const char quote = text[at];
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (backslashes && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (i + 1 >= text.size() || text[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return kNone;
}

size_t Behind(std::string_view text, std::string_view end, size_t from) {
  const auto found = text.find(end, from);
  return found == kNone ? kNone : found + end.size();
}

/// "$$" or "$tag$" at `at`; empty for a parameter.
std::string_view DollarTag(std::string_view text, size_t at) {
  auto end = at + 1;
  while (end < text.size() && IsWord(text[end])) ++end;
  const bool is_number = end > at + 1 && std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0;
  return end < text.size() && text[end] == '$' && !is_number ? text.substr(at, end + 1 - at) : std::string_view();
}

/// Behind the string, name, comment or single character at `at`; kNone when it is open still.
size_t TokenEnd(std::string_view text, size_t at) {
  const auto two = text.substr(at, 2);
  if (two == "--") return Behind(text, "\n", at);
  if (two == "/*") return Behind(text, "*/", at + 2);
  if (text[at] == '"') return QuotedEnd(text, at, false);
  if (text[at] == '\'') {
    const bool escapes = at > 0 && (text[at - 1] == 'e' || text[at - 1] == 'E') && (at == 1 || !IsWord(text[at - 2]));
    return QuotedEnd(text, at, escapes);
  }
  if (text[at] == '$') {
    if (const auto tag = DollarTag(text, at); !tag.empty()) return Behind(text, tag, at + tag.size());
  }
  return at + 1;
}

}  // namespace

void StatementInput::AddLine(std::string_view line) {
  text_ += line;
  text_ += '\n';
}

std::optional<std::string> StatementInput::Next() {
  for (size_t at = 0; at < text_.size();) {
    if (text_[at] == ';') {
      auto statement = text_.substr(0, at);
      text_.erase(0, at + 1);
      const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
      if (std::all_of(text_.begin(), text_.end(), is_space)) text_.clear();
      if (std::all_of(statement.begin(), statement.end(), is_space)) return Next();
      return statement;
    }
    const auto end = TokenEnd(text_, at);
    if (end == kNone) return std::nullopt;
    at = end;
  }
  return std::nullopt;
}

}  // namespace millrace::app
