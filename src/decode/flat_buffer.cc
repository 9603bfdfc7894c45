#include "decode/flat_buffer.h"

#include <algorithm>
#include <utility>

#include "decode/arrow_status.h"

namespace millrace::decode {

void FlatBuffer::Append(const void* bytes, int64_t count) {
  Reserve(count);
  if (count > 0) std::memcpy(end(), bytes, static_cast<size_t>(count));
  size_ += count;
}

void FlatBuffer::AppendZeros(int64_t count) {
  Reserve(count);
  if (count > 0) std::memset(end(), 0, static_cast<size_t>(count));
  size_ += count;
}

std::shared_ptr<arrow::Buffer> FlatBuffer::Finish() {
  if (!buffer_) Grow(0);
  hint_ = size_ + size_ / 8;
  ThrowIfError(buffer_->Resize(size_, /*shrink_to_fit=*/false));
  std::shared_ptr<arrow::Buffer> finished = std::move(buffer_);
  data_ = nullptr;
  size_ = capacity_ = 0;
  return finished;
}

void FlatBuffer::Grow(int64_t capacity) {
  const int64_t target = std::max<int64_t>({capacity, capacity_ * 2, 64});
  if (!buffer_) {
    buffer_ = ValueOrThrow(arrow::AllocateResizableBuffer(target));
  } else {
    // Arrow copies what it counts as size only.
    ThrowIfError(buffer_->Resize(size_, /*shrink_to_fit=*/false));
    ThrowIfError(buffer_->Reserve(target));
  }
  data_ = buffer_->mutable_data();
  capacity_ = buffer_->capacity();
}

}  // namespace millrace::decode
