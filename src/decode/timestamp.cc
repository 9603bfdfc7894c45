#include "decode/timestamp.h"

#include <string>

namespace millrace::decode {
namespace {

constexpr int64_t kMicrosPerDay = int64_t{86400} * 1'000'000;

std::optional<int64_t> Micros(const std::string& text) {
  const auto time = ParseTimestamp(text);
  if (!time) return std::nullopt;
  return time->time_since_epoch().count();
}

}  // namespace

bool TimestampReader::TakeDate(std::string_view text) {
  const auto midnight = Micros(std::string(text.substr(0, 10)) + "T00:00:00Z");
  if (!midnight) return false;
  std::memcpy(date_, text.data(), sizeof date_);
  date_micros_ = *midnight;
  return true;
}

bool TimestampReader::ParseAny(std::string_view text, int64_t& micros) {
  const auto time = ParseTimestamp(text);
  if (time) micros = time->time_since_epoch().count();
  return time.has_value();
}

std::optional<int64_t> ParseLocalTimestamp(std::string_view text) {
  if (text.size() < 19) return std::nullopt;
  return Micros(std::string(text) + "Z");
}

std::optional<int32_t> ParseDate(std::string_view text) {
  if (text.size() != 10) return std::nullopt;
  const auto midnight = Micros(std::string(text) + "T00:00:00Z");
  if (!midnight) return std::nullopt;
  const int64_t days = *midnight >= 0 ? *midnight / kMicrosPerDay : -((-*midnight + kMicrosPerDay - 1) / kMicrosPerDay);
  return static_cast<int32_t>(days);
}

std::optional<int64_t> ParseTime(std::string_view text) {
  if (text.size() < 8) return std::nullopt;
  return Micros("1970-01-01T" + std::string(text) + "Z");
}

}  // namespace millrace::decode
