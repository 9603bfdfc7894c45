#include "query/spark/table_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/letter_case.h"
#include "query/spark/spark_error.h"

namespace millrace::query {
namespace {

/// A piece of SQL as Spark's lexer has it, as far as names need it.
struct Token {
  enum class Kind { kBlank, kText, kName, kOther };
  Kind kind = Kind::kOther;
  std::string_view sql;
  std::string name = {};  // kName: without quotes, in lower case
};

bool IsNameByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || byte >= 0x80;
}

/// Cuts the next token off. What is not closed ends with the text: Spark says so.
class Lexer {
 public:
  Lexer(std::string_view sql, bool quotes_are_names) : sql_(sql), quotes_are_names_(quotes_are_names) {}

  std::vector<Token> All() {
    std::vector<Token> tokens;
    while (!sql_.empty()) tokens.push_back(Next());
    return tokens;
  }

 private:
  Token Next() {
    const char c = sql_.front();
    if (std::isspace(static_cast<unsigned char>(c)) != 0) return Cut(Token::Kind::kBlank, 1);
    if (sql_.starts_with("--")) return Cut(Token::Kind::kBlank, sql_.find('\n'));
    if (sql_.starts_with("/*")) return Cut(Token::Kind::kBlank, CommentEnd());
    if (c == '`' || (c == '"' && quotes_are_names_)) return Quoted(c);
    if (c == '\'' || c == '"') return Cut(Token::Kind::kText, TextEnd(0, true));
    if ((c == 'r' || c == 'R') && sql_.size() > 1 && (sql_[1] == '\'' || sql_[1] == '"'))
      return Cut(Token::Kind::kText, TextEnd(1, false));
    if (!IsNameByte(c)) return Cut(Token::Kind::kOther, 1);
    const auto* const end = std::ranges::find_if_not(sql_, IsNameByte);
    auto token = Cut(Token::Kind::kName, static_cast<size_t>(end - sql_.begin()));
    token.name = Lower(token.sql);
    return token;
  }

  Token Cut(Token::Kind kind, size_t bytes) {
    Token token{.kind = kind, .sql = sql_.substr(0, bytes)};
    sql_.remove_prefix(token.sql.size());
    return token;
  }

  /// They nest.
  size_t CommentEnd() const {
    int depth = 0;
    for (size_t at = 0; at + 1 < sql_.size(); ++at) {
      const auto two = sql_.substr(at, 2);
      if (two != "/*" && two != "*/") continue;
      depth += two == "/*" ? 1 : -1;
      ++at;
      if (depth == 0) return at + 1;
    }
    return sql_.size();
  }

  size_t TextEnd(size_t quote, bool escapes) const {
    for (size_t at = quote + 1; at < sql_.size(); ++at) {
      if (escapes && sql_[at] == '\\') {
        ++at;
      } else if (sql_[at] == sql_[quote]) {
        return at + 1;
      }
    }
    return sql_.size();
  }

  /// A quote in it is there twice.
  Token Quoted(char quote) {
    std::string name;
    size_t at = 1;
    for (; at < sql_.size(); ++at) {
      if (sql_[at] == quote) {
        if (at + 1 >= sql_.size() || sql_[at + 1] != quote) break;
        ++at;
      }
      name += sql_[at];
    }
    auto token = Cut(Token::Kind::kName, at + 1);
    token.name = Lower(name);
    return token;
  }

  std::string_view sql_;
  const bool quotes_are_names_;
};

/// "silver.orders" as its parts, in lower case.
std::vector<std::string> PartsOf(const catalog::TableName& name) {
  std::vector<std::string> parts;
  auto rest = Lower(name.name_space);
  for (size_t dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.')) {
    parts.push_back(rest.substr(0, dot));
    rest.erase(0, dot + 1);
  }
  parts.push_back(rest);
  parts.push_back(Lower(name.name));
  return parts;
}

class Replacer {
 public:
  Replacer(std::vector<Token> tokens, const std::vector<SparkName>& names, const std::string& catalog)
      : tokens_(std::move(tokens)), names_(names), catalog_(Lower(catalog)) {}

  std::string Replaced() {
    std::string sql;
    for (size_t i = 0; i < tokens_.size();) {
      if (tokens_[i].kind != Token::Kind::kName) {
        sql += tokens_[i].sql;
        line_ += static_cast<int>(std::ranges::count(tokens_[i].sql, '\n'));
        ++i;
        continue;
      }
      const auto [parts, end] = Chain(i);
      std::string_view written(tokens_[i].sql.data(),
                               static_cast<size_t>(tokens_[end - 1].sql.end() - tokens_[i].sql.data()));
      const auto* const stands = Find(parts);
      RequireNoCatalog(parts);
      if (stands == nullptr) {
        sql += written;
      } else {
        sql += stands->sql + std::string(std::ranges::count(written, '\n'), '\n');
      }
      line_ += static_cast<int>(std::ranges::count(written, '\n'));
      i = end;
    }
    return sql;
  }

 private:
  /// The names that hang together by dots, and the token behind them.
  std::pair<std::vector<std::string>, size_t> Chain(size_t i) const {
    std::vector<std::string> parts = {tokens_[i].name};
    size_t end = i + 1;
    for (;;) {
      auto next = SkipBlanks(end);
      if (next >= tokens_.size() || tokens_[next].sql != ".") break;
      next = SkipBlanks(next + 1);
      if (next >= tokens_.size()) break;
      if (tokens_[next].kind != Token::Kind::kName) {
        parts.emplace_back("*");  // a.b.*: columns
        break;
      }
      parts.push_back(tokens_[next].name);
      end = next + 1;
    }
    return {std::move(parts), end};
  }

  size_t SkipBlanks(size_t i) const {
    while (i < tokens_.size() && tokens_[i].kind == Token::Kind::kBlank) ++i;
    return i;
  }

  const SparkName* Find(const std::vector<std::string>& parts) const {
    const auto found = std::ranges::find_if(names_, [&](const SparkName& name) { return PartsOf(name.name) == parts; });
    return found == names_.end() ? nullptr : &*found;
  }

  void RequireNoCatalog(const std::vector<std::string>& parts) const {
    if (parts.size() < 3 || parts.front() != catalog_) return;
    const bool is_namespace =
        std::ranges::any_of(names_, [&](const SparkName& name) { return PartsOf(name.name).front() == parts.front(); });
    if (is_namespace) return;
    throw SparkError(ErrorCode::kConfig,
                     fmt::format("'{}' names Spark's catalogue; models name tables without it, as namespace.table",
                                 fmt::join(parts, ".")),
                     line_);
  }

  const std::vector<Token> tokens_;
  const std::vector<SparkName>& names_;
  const std::string catalog_;
  int line_ = 1;
};

}  // namespace

std::string SparkQuoted(std::string_view name) {
  std::string quoted = "`";
  for (const char c : name) quoted += c == '`' ? "``" : std::string(1, c);
  return quoted + "`";
}

std::string WithTables(std::string_view sql, const std::vector<SparkName>& names, const std::string& catalog,
                       bool quotes_are_names) {
  return Replacer(Lexer(sql, quotes_are_names).All(), names, catalog).Replaced();
}

}  // namespace millrace::query
