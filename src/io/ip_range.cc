#include "io/ip_range.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

namespace millrace::io {
namespace {

using Bytes = std::array<uint8_t, 16>;

constexpr int kMappedBits = 96;

/// A zone ("fe80::1%eth0") is left out.
std::optional<Bytes> ParseAddress(std::string_view text, bool* is_v4 = nullptr) {
  const std::string address(text.substr(0, text.find('%')));
  Bytes bytes{};
  in_addr v4{};
  if (is_v4 != nullptr) *is_v4 = false;
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(&bytes[12], &v4, 4);
    if (is_v4 != nullptr) *is_v4 = true;
    return bytes;
  }
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

std::vector<IpRange> Ranges(std::initializer_list<const char*> texts) {
  std::vector<IpRange> ranges;
  for (const auto* text : texts) ranges.push_back(*IpRange::Parse(text));
  return ranges;
}

bool Any(const std::vector<IpRange>& ranges, const std::string& address) {
  return std::ranges::any_of(ranges, [&](const auto& range) { return range.Contains(address); });
}

}  // namespace

std::optional<IpRange> IpRange::Parse(std::string_view text) {
  IpRange range;
  bool is_v4 = false;
  const auto slash = text.find('/');
  const auto address = ParseAddress(text.substr(0, slash), &is_v4);
  if (!address) return std::nullopt;
  range.bytes_ = *address;
  range.bits_ = 128;
  if (slash == std::string_view::npos) return range;
  int bits = 0;
  const auto length = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (error != std::errc() || end != length.data() + length.size() || bits < 0 || bits > (is_v4 ? 32 : 128)) {
    return std::nullopt;
  }
  range.bits_ = is_v4 ? kMappedBits + bits : bits;
  return range;
}

bool IpRange::Contains(const std::string& address) const {
  const auto bytes = ParseAddress(address);
  if (!bytes) return false;
  const auto whole = static_cast<size_t>(bits_ / 8);
  if (!std::equal(bytes_.begin(), bytes_.begin() + whole, bytes->begin())) return false;
  const int rest = bits_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((bytes_[whole] ^ (*bytes)[whole]) & mask) == 0;
}

bool IsPublicAddress(const std::string& address) {
  static const auto v4 = Ranges({"::ffff:0:0/96"});
  static const auto special_v4 =
      Ranges({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
              "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
              "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"});
  // Addresses of the Internet are in 2000::/3; of these, some hold an IPv4 address or lead nowhere.
  static const auto global_v6 = Ranges({"2000::/3"});
  static const auto special_v6 = Ranges({"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"});
  if (Any(v4, address)) return !Any(special_v4, address);
  return Any(global_v6, address) && !Any(special_v6, address);
}

bool IsLoopback(std::string_view host) {
  static const auto loopback = Ranges({"127.0.0.0/8", "::1"});
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host == "localhost" || Any(loopback, std::string(host));
}

}  // namespace millrace::io
