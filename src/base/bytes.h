#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// Bytes that SIMD readers may run past: `kPadding` readable bytes follow the last one.
/// Filled by its maker through `data()`, then shared as `std::shared_ptr<const PaddedBuffer>` and immutable.
class PaddedBuffer {
 public:
  static constexpr size_t kPadding = 64;

  /// `capacity` bytes, uninitialised, the padding zeroed; size() starts at 0.
  static std::shared_ptr<PaddedBuffer> Allocate(size_t capacity);
  static std::shared_ptr<const PaddedBuffer> CopyOf(std::string_view bytes);

  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  /// Sets the number of bytes in use, at most capacity(), and zeroes the padding behind them.
  void Resize(size_t size);
  std::string_view view() const { return {data(), size_}; }

 private:
  explicit PaddedBuffer(size_t capacity);

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

/// "256MiB", "64 kB", "1GiB", "512": bytes. nullopt when it is no size or overflows.
std::optional<uint64_t> ParseByteSize(std::string_view text);

/// "12.3 MiB", for people.
std::string FormatByteSize(uint64_t bytes);

}  // namespace millrace
