#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::api {

/// What is kept of a bearer token: its SHA-256 sum. A fast hash would be wrong for passwords, which are guessed from
/// their sum; of 256 random bits nobody guesses one, however fast, and each request pays for the hash.
struct TokenHash {
  std::string sum;  // 32 raw bytes

  static TokenHash Of(std::string_view token);
  /// "sha256:" and 64 hexadecimal digits, as configurations hold it; nullopt when it is none.
  static std::optional<TokenHash> Parse(std::string_view text);
  std::string Print() const;

  /// The time that it takes says nothing of where they differ.
  friend bool operator==(const TokenHash& a, const TokenHash& b);
};

/// A new token of 256 random bits, "millrace_" and 43 characters of base64url: scanners for leaked secrets find it by
/// its first word.
std::string NewToken();

}  // namespace millrace::api
