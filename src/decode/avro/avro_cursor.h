#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace millrace::decode {

static_assert(std::endian::native == std::endian::little);

/// Where in a record the reader stands. Every read says false instead of leaving the record; the place is then anywhere
/// in it. What can be read without consuming bytes is counted, so that no record takes more steps than its size gives.
class AvroCursor {
 public:
  AvroCursor() = default;
  AvroCursor(const char* begin, const char* end)
      : at_(begin), end_(end), steps_(kStepsFree + kStepsPerByte * (end - begin)) {}

  const char* at() const { return at_; }
  bool AtEnd() const { return at_ == end_; }
  /// Back to where it was before, the steps taken since stay taken.
  void MoveTo(const char* at) { at_ = at; }

  bool Long(int64_t& value) {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) [[likely]] {
      const auto bits = static_cast<uint64_t>(static_cast<uint8_t>(*at_++));
      value = static_cast<int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
      return true;
    }
    return LongOfMany(value);
  }
  bool Int(int32_t& value) {
    int64_t wide = 0;
    if (!Long(wide) || wide != static_cast<int32_t>(wide)) return false;
    value = static_cast<int32_t>(wide);
    return true;
  }
  template <typename T>
  bool Fixed(T& value) {
    if (end_ - at_ < static_cast<std::ptrdiff_t>(sizeof(T))) return false;
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return true;
  }
  bool Take(int64_t length, std::string_view& bytes) {
    if (length < 0 || length > end_ - at_) return false;
    bytes = {at_, static_cast<size_t>(length)};
    at_ += length;
    return true;
  }
  bool Bytes(std::string_view& bytes) {
    int64_t length = 0;
    return Long(length) && Take(length, bytes);
  }
  /// The items of the next block of an array or map; 0 ends it.
  bool Block(int64_t& count) {
    if (!Long(count)) return false;
    if (count >= 0) return true;
    int64_t bytes = 0;
    if (count == std::numeric_limits<int64_t>::min() || !Long(bytes)) return false;
    count = -count;
    return true;
  }
  bool Step() { return --steps_ >= 0; }

 private:
  static constexpr int64_t kStepsFree = 1024;
  static constexpr int64_t kStepsPerByte = 16;

  bool LongOfMany(int64_t& value) {
    uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      if (shift == 63 && byte > 1) return false;
      bits |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) != 0) continue;
      value = static_cast<int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
      return true;
    }
    return false;
  }

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  int64_t steps_ = 0;
};

}  // namespace millrace::decode
