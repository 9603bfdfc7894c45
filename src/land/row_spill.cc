#include "land/row_spill.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/api.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/error.h"
#include "land/arrow_status.h"

namespace millrace::land {
namespace {

[[noreturn]] void Fail(const std::filesystem::path& folder, const char* doing, const char* cause) {
  throw Error(ErrorCode::kUnavailable, folder.string() + ": " + doing + " the file of rows that wait failed (" + cause +
                                           "); check the disk, or raise `memory`");
}

int OpenNameless(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::string path = (folder / "rows-XXXXXX").string();
  const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
  if (descriptor < 0) Fail(folder, "making", std::strerror(errno));
  ::unlink(path.c_str());
  return descriptor;
}

}  // namespace

RowSpill::RowSpill(std::filesystem::path folder)
    : folder_(std::move(folder)),
      file_(ValueOf(arrow::io::FileOutputStream::Open(OpenNameless(folder_)), "setting rows aside")) {}

RowSpill::~RowSpill() = default;

RowSpill::Piece RowSpill::Write(const arrow::RecordBatch& rows) {
  int32_t metadata_bytes = 0;
  int64_t body_bytes = 0;
  const auto status = arrow::ipc::WriteRecordBatch(rows, 0, file_.get(), &metadata_bytes, &body_bytes,
                                                   arrow::ipc::IpcWriteOptions::Defaults());
  if (!status.ok()) Fail(folder_, "writing", status.message().c_str());
  const Piece piece{.offset = bytes_, .bytes = metadata_bytes + body_bytes};
  bytes_ += piece.bytes;
  return piece;
}

std::shared_ptr<arrow::RecordBatch> RowSpill::Read(const Piece& piece,
                                                   const std::shared_ptr<arrow::Schema>& schema) const {
  std::shared_ptr<arrow::Buffer> bytes = ValueOf(arrow::AllocateBuffer(piece.bytes), "rows that were set aside");
  for (int64_t at = 0; at < piece.bytes;) {
    const ssize_t got = ::pread(file_->file_descriptor(), bytes->mutable_data() + at,
                                static_cast<size_t>(piece.bytes - at), piece.offset + at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) Fail(folder_, "reading", got == 0 ? "it is too short" : std::strerror(errno));
    at += got;
  }
  arrow::io::BufferReader input(bytes);
  const arrow::ipc::DictionaryMemo no_dictionaries;
  return ValueOf(arrow::ipc::ReadRecordBatch(schema, &no_dictionaries, arrow::ipc::IpcReadOptions::Defaults(), &input),
                 "rows that were set aside");
}

}  // namespace millrace::land
