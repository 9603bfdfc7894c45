#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>

#include "io/object_store.h"

namespace millrace::land {

/// One new object as an Arrow stream, with small writes gathered. Close passes on what is gathered but does not
/// finish the object: its owner does, after the footer is in. An Error of the store passes through as an exception.
class ObjectOutput final : public arrow::io::OutputStream {
 public:
  explicit ObjectOutput(std::unique_ptr<io::ObjectWriter> writer);
  ~ObjectOutput() override;

  arrow::Status Write(const void* data, int64_t size) override;
  arrow::Status Close() override;
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return written_; }

  int64_t written() const { return written_; }
  /// Makes the object durable and visible. Once, after Close.
  io::PutOutcome Finish();

 private:
  void PassOn();

  std::unique_ptr<io::ObjectWriter> writer_;
  std::string gathered_;
  int64_t written_ = 0;
  bool closed_ = false;
};

/// One finished object as a random access file of Arrow. Thread-safe as the store is.
class ObjectInput final : public arrow::io::RandomAccessFile {
 public:
  /// Error kUnavailable when there is no such object.
  ObjectInput(io::ObjectStore& store, std::string key);
  ~ObjectInput() override;

  arrow::Result<int64_t> GetSize() override { return size_; }
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t size) override;
  arrow::Result<int64_t> Read(int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t size) override;
  arrow::Status Seek(int64_t position) override;
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Close() override;
  bool closed() const override { return closed_; }

 private:
  io::ObjectStore& store_;
  std::string key_;
  int64_t size_ = 0;
  int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace millrace::land
