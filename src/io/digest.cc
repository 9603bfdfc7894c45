#include "io/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdint>

#include "base/error.h"
#include "base/hex_digit.h"

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

constexpr uint8_t kNoBase64 = 0xff;

uint8_t Base64Value(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<uint8_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<uint8_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0' + 52);
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return kNoBase64;
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

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    const int high = HexDigit(hex[i]);
    const int low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0) break;
    bytes += static_cast<char>(high << 4 | low);
  }
  if (bytes.size() * 2 == hex.size()) return bytes;
  throw Error(ErrorCode::kInternal, fmt::format("'{}' is no hexadecimal text", hex));
}

std::string Base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends with a zero byte
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), Bytes(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::string Base64Url(std::string_view bytes) {
  auto text = Base64(bytes);
  text.erase(text.find_last_not_of('=') + 1);
  for (auto& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

bool DecodeBase64(std::string_view text, std::string& out) {
  if (text.ends_with('=') && text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  if (text.size() % 4 == 1) return false;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const uint8_t value = Base64Value(c);
    if (value == kNoBase64) return false;
    bits = bits << 6 | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> held & 0xff);
    }
  }
  return (bits & ((1u << held) - 1)) == 0;
}

}  // namespace millrace::io
