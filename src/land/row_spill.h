#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <filesystem>
#include <memory>

namespace arrow::io {
class FileOutputStream;
}

namespace millrace::land {

/// Rows set aside on local disk, each piece a message of Arrow's IPC format. The file has no name, so that a process
/// that dies leaves nothing. Single-threaded. Errors: kUnavailable when the disk is full or fails.
class RowSpill {
 public:
  struct Piece {
    int64_t offset = 0;
    int64_t bytes = 0;  // 0: no rows
  };

  /// Makes `folder` where it is missing.
  explicit RowSpill(std::filesystem::path folder);
  ~RowSpill();
  RowSpill(const RowSpill&) = delete;
  RowSpill& operator=(const RowSpill&) = delete;

  Piece Write(const arrow::RecordBatch& rows);
  std::shared_ptr<arrow::RecordBatch> Read(const Piece& piece, const std::shared_ptr<arrow::Schema>& schema) const;
  int64_t bytes() const { return bytes_; }

 private:
  const std::filesystem::path folder_;
  std::shared_ptr<arrow::io::FileOutputStream> file_;
  int64_t bytes_ = 0;
};

}  // namespace millrace::land
