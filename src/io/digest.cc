#include "io/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/error.h"

namespace millrace::io {
namespace {

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string Digest(std::string_view bytes, const EVP_MD* kind) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, kind, nullptr) != 1) {
    throw Error(ErrorCode::kInternal, "OpenSSL gave no digest");
  }
  return {reinterpret_cast<const char*>(digest.data()), size};
}

}  // namespace

std::string Sha256(std::string_view bytes) { return Digest(bytes, EVP_sha256()); }
std::string Sha1(std::string_view bytes) { return Digest(bytes, EVP_sha1()); }
std::string Md5(std::string_view bytes) { return Digest(bytes, EVP_md5()); }

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Bytes(bytes), bytes.size(), digest.data(), &size) ==
      nullptr) {
    throw Error(ErrorCode::kInternal, "OpenSSL gave no HMAC");
  }
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string Hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) fmt::format_to(std::back_inserter(hex), "{:02x}", static_cast<unsigned char>(c));
  return hex;
}

std::string Base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends with a zero byte
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), Bytes(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::optional<std::string> Base64Decoded(std::string text) {
  const auto last = text.find_last_not_of('=');
  const auto digits = last == std::string::npos ? 0 : last + 1;
  // EVP_DecodeBlock passes over blanks at both ends.
  if (text.find('=') < digits) return std::nullopt;
  const bool blank = !text.empty() && (text.front() <= ' ' || text[digits == 0 ? 0 : digits - 1] <= ' ');
  if (blank || text.size() - digits > 2 || digits % 4 == 1) return std::nullopt;
  const bool padded = text.size() > digits;
  if (padded && text.size() % 4 != 0) return std::nullopt;
  text.resize((digits + 3) / 4 * 4, '=');
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), Bytes(text), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  bytes.resize(digits * 3 / 4);
  return bytes;
}

}  // namespace millrace::io
