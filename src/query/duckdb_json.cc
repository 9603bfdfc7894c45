#include "query/duckdb_json.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"

namespace millrace::query {
namespace {

/// Overwrites a bare word that is no JSON, in place and at its own length.
void BlankNonFinite(std::string& text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted) {
      for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
        if (text.compare(i, word.size(), word) == 0) text.replace(i, word.size(), "null");
      }
    }
  }
}

}  // namespace

nlohmann::json ParseDuckDbJson(std::string text) {
  BlankNonFinite(text);
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error(ErrorCode::kInternal, "DuckDB printed a statement that is no JSON");
  return json;
}

}  // namespace millrace::query
