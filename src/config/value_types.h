#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/duration.h"

namespace millrace::config {

/// Bytes, written "256MiB".
struct ByteSize {
  int64_t bytes = 0;
  friend auto operator<=>(const ByteSize&, const ByteSize&) = default;
};

using millrace::Duration;
using millrace::FormatDuration;
using millrace::ParseDuration;

/// Part of a whole, written "1%" or "0.01".
struct Share {
  double value = 0;
  friend auto operator<=>(const Share&, const Share&) = default;
};
std::optional<Share> ParseShare(std::string_view text);

/// A file or folder; a relative one is taken from the folder of the file it is written in.
struct Path {
  std::string value;
};

/// Held, never printed: it has no conversion to text but Reveal, which stands only where the peer is called.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& Reveal() const { return value_; }

 private:
  std::string value_;
};

}  // namespace millrace::config
