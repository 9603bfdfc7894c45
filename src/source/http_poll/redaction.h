#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/http_poll/http_poll_options.h"

namespace millrace::source {

/// Keeps the secret of `auth` out of what is stored and said, should an API echo it.
class Redaction {
 public:
  explicit Redaction(const HttpAuth& auth);

  /// Printable, and "***" for the secret, of which no part is shown even where the excerpt cuts it.
  std::string Excerpt(std::string_view text, size_t begin, size_t bytes) const;
  /// False for a short secret, which may stand anywhere by chance.
  bool Holds(std::string_view text) const;
  /// A URL without the query parameter that the secret is sent as.
  std::string WithoutParameter(const std::string& url) const;

 private:
  std::string parameter_;             // empty: the secret is none
  std::vector<std::string> secrets_;  // the forms it may come in, none of them empty
};

}  // namespace millrace::source
