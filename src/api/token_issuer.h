#pragma once

#include <string>
#include <string_view>

#include "io/http_call.h"

namespace millrace::api {

/// Somebody else who gives out tokens, such as an identity provider. Thread-safe, and does not block.
class TokenIssuer {
 public:
  virtual ~TokenIssuer() = default;

  enum class Verdict {
    kGood,
    kWrong,
    kAskAgain,  // what it is checked with is being fetched
  };
  struct Answer {
    Verdict verdict = Verdict::kWrong;
    io::HttpCaller caller{};  // of a good one
    std::string why{};        // of another: a sentence that says nothing of its content
  };
  /// Whether a token has the form of those it gives out.
  virtual bool MayBeItsOwn(std::string_view token) const = 0;
  virtual Answer Check(std::string_view token) = 0;
};

}  // namespace millrace::api
