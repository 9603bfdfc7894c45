#pragma once

#include <arrow/buffer.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

namespace millrace::decode {

/// Bytes that grow at the end and leave as an Arrow buffer without a copy. Thinner than Arrow's builders: the caller
/// reserves once for several appends. Takes memory from Arrow's default pool.
class FlatBuffer {
 public:
  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  int64_t size() const { return size_; }
  uint8_t* end() { return data_ + size_; }

  void Reserve(int64_t more) {
    if (size_ + more > capacity_) [[unlikely]] {
      Grow(size_ + more);
    }
  }
  template <typename T>
  void UnsafeAppend(T value) {
    std::memcpy(data_ + size_, &value, sizeof(T));
    size_ += static_cast<int64_t>(sizeof(T));
  }
  template <typename T>
  void Append(T value) {
    Reserve(sizeof(T));
    UnsafeAppend(value);
  }
  void Append(const void* bytes, int64_t count);
  void AppendZeros(int64_t count);

  /// Moves the end over bytes already written behind it, or back.
  void SetSize(int64_t size) { size_ = size; }

  template <typename T>
  T At(int64_t index) const {
    T value;
    std::memcpy(&value, data_ + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return value;
  }

  /// Hands the bytes over; this is empty again and will reserve a little more than what it held.
  std::shared_ptr<arrow::Buffer> Finish();
  /// Allocates what the last Finish suggests, for so many times as much as came before it, but no more than `most`.
  void ReserveAsBefore(double times, int64_t most) {
    Reserve(std::min(static_cast<int64_t>(static_cast<double>(hint_) * times), most));
  }
  /// Suggests what `other` would.
  void ExpectAs(const FlatBuffer& other) { hint_ = other.hint_; }

 private:
  void Grow(int64_t capacity);

  uint8_t* data_ = nullptr;
  int64_t size_ = 0;
  int64_t capacity_ = 0;
  int64_t hint_ = 0;
  std::unique_ptr<arrow::ResizableBuffer> buffer_;
};

}  // namespace millrace::decode
