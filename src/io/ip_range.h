#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::io {

/// A range of IP addresses, "10.0.0.0/8", "2001:db8::/32" or one address. IPv4 is kept as the IPv6 that maps it, so
/// that
/// "::ffff:10.0.0.1" is of 10.0.0.0/8.
class IpRange {
 public:
  /// nullopt when it is none.
  static std::optional<IpRange> Parse(std::string_view text);

  /// False for what is no address.
  bool Contains(const std::string& address) const;

 private:
  std::array<uint8_t, 16> bytes_{};
  int bits_ = 0;
};

/// An address that belongs to a machine on the public Internet: not loopback, private, link-local (where clouds keep
/// their metadata), shared, multicast, reserved, nor an IPv6 form of one of these. False for what is no address.
/// The ranges are those of IANA's special-purpose registries (RFC 6890).
bool IsPublicAddress(const std::string& address);

/// "localhost", 127.0.0.0/8 and ::1, in brackets or not: what is said there leaves this machine by no network.
bool IsLoopback(std::string_view host);

}  // namespace millrace::io
