#include "api/token_hash.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>

#include "base/error.h"
#include "base/hex_digit.h"
#include "io/digest.h"

namespace millrace::api {
namespace {

constexpr std::string_view kScheme = "sha256:";
constexpr std::string_view kFirstWord = "millrace_";
constexpr size_t kSumBytes = 32;

}  // namespace

TokenHash TokenHash::Of(std::string_view token) { return {io::Sha256(token)}; }

std::optional<TokenHash> TokenHash::Parse(std::string_view text) {
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  if (text.size() != 2 * kSumBytes) return std::nullopt;
  TokenHash hash;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    hash.sum += static_cast<char>(high * 16 + low);
  }
  return hash;
}

std::string TokenHash::Print() const { return std::string(kScheme) + io::Hex(sum); }

bool operator==(const TokenHash& a, const TokenHash& b) {
  return a.sum.size() == b.sum.size() && CRYPTO_memcmp(a.sum.data(), b.sum.data(), a.sum.size()) == 0;
}

std::string NewToken() {
  std::array<unsigned char, 32> random{};
  if (RAND_bytes(random.data(), random.size()) != 1) {
    throw Error(ErrorCode::kUnavailable, "the system gives no random bytes; try again");
  }
  return std::string(kFirstWord) + io::Base64Url({reinterpret_cast<const char*>(random.data()), random.size()});
}

}  // namespace millrace::api
