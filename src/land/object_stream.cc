#include "land/object_stream.h"

#include <arrow/buffer.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace millrace::land {
namespace {

constexpr size_t kGatherBytes = size_t{256} << 10;

}  // namespace

ObjectOutput::ObjectOutput(std::unique_ptr<io::ObjectWriter> writer) : writer_(std::move(writer)) {}

ObjectOutput::~ObjectOutput() = default;

arrow::Status ObjectOutput::Write(const void* data, int64_t size) {
  const std::string_view bytes(static_cast<const char*>(data), static_cast<size_t>(size));
  written_ += size;
  if (gathered_.size() + bytes.size() > kGatherBytes) PassOn();
  if (bytes.size() >= kGatherBytes) {
    writer_->Write(bytes);
  } else {
    gathered_.append(bytes);
  }
  return arrow::Status::OK();
}

void ObjectOutput::PassOn() {
  if (gathered_.empty()) return;
  writer_->Write(gathered_);
  gathered_.clear();
}

arrow::Status ObjectOutput::Close() {
  if (!closed_) PassOn();
  closed_ = true;
  return arrow::Status::OK();
}

io::PutOutcome ObjectOutput::Finish() {
  const std::unique_ptr<io::ObjectWriter> writer = std::move(writer_);
  return std::move(*writer).Finish();
}

ObjectInput::ObjectInput(io::ObjectStore& store, std::string key) : store_(store), key_(std::move(key)) {
  const auto size = store_.Size(key_);
  if (!size) {
    throw Error(ErrorCode::kUnavailable,
                "data file " + store_.UriOf(key_) +
                    " is gone: if the table has been maintained meanwhile try again, else restore the file");
  }
  size_ = *size;
}

ObjectInput::~ObjectInput() = default;

arrow::Result<int64_t> ObjectInput::ReadAt(int64_t position, int64_t size, void* out) {
  const int64_t within = std::clamp<int64_t>(size, 0, std::max<int64_t>(0, size_ - position));
  if (within == 0) return 0;
  const std::string bytes = store_.GetRange(key_, position, within);
  std::memcpy(out, bytes.data(), bytes.size());
  return static_cast<int64_t>(bytes.size());
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ObjectInput::ReadAt(int64_t position, int64_t size) {
  const int64_t within = std::clamp<int64_t>(size, 0, std::max<int64_t>(0, size_ - position));
  return arrow::Buffer::FromString(within == 0 ? std::string() : store_.GetRange(key_, position, within));
}

arrow::Result<int64_t> ObjectInput::Read(int64_t size, void* out) {
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position_, size, out));
  position_ += read;
  return read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ObjectInput::Read(int64_t size) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, size));
  position_ += buffer->size();
  return buffer;
}

arrow::Status ObjectInput::Seek(int64_t position) {
  position_ = position;
  return arrow::Status::OK();
}

arrow::Status ObjectInput::Close() {
  closed_ = true;
  return arrow::Status::OK();
}

}  // namespace millrace::land
