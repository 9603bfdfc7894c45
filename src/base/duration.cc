#include "base/duration.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

namespace millrace {
namespace {

constexpr std::array<std::pair<std::string_view, int64_t>, 5> kUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

}  // namespace

std::optional<Duration> ParseDuration(std::string_view text) {
  int64_t count = 0;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, count);
  if (error != std::errc() || count < 0) return std::nullopt;
  const std::string_view unit(end, static_cast<size_t>(last - end));
  if (count == 0 && unit.empty()) return Duration(0);  // of whatever unit
  for (const auto& [name, factor] : kUnits) {
    if (unit != name) continue;
    if (count > std::numeric_limits<int64_t>::max() / factor / 1000) return std::nullopt;
    return Duration(count * factor);
  }
  return std::nullopt;
}

std::string FormatDuration(Duration duration) {
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    if (duration.count() % unit->second == 0 && duration.count() != 0) {
      return fmt::format("{}{}", duration.count() / unit->second, unit->first);
    }
  }
  return "0s";
}

}  // namespace millrace
