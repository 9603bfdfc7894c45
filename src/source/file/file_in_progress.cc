#include "source/file/file_in_progress.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "io/file_error.h"

namespace millrace::source {
namespace {

struct stat StatusOf(const OpenFile& file) {
  struct stat status {};
  if (::fstat(file.descriptor.get(), &status) != 0) throw io::FileError(errno, "look at", file.path);
  return status;
}

}  // namespace

std::unique_ptr<FileInProgress> FileInProgress::Open(const FoundFile& found, const KnownFile& known,
                                                     const FileSourceOptions& options) {
  auto opened = std::unique_ptr<FileInProgress>(new FileInProgress());
  opened->file_ = {found.path, io::FileDescriptor::Open(found.path, O_RDONLY)};
  if (!opened->file_.descriptor.is_open()) {
    if (errno == ENOENT) return nullptr;
    throw io::FileError(errno, "open", found.path);
  }
  const auto status = StatusOf(opened->file_);
  opened->device_ = status.st_dev;
  opened->inode_ = status.st_ino;
  opened->known_ = known;
  opened->id_ = Print(known.split);
  opened->layout_ = DetectLayout(opened->file_, options, known.split.head_bytes);
  opened->reader_ = std::make_unique<FileReader>(opened->file_, *opened->layout_, options);
  if (!opened->reader_->Seek(known.cursor)) {
    throw Error(ErrorCode::kStop,
                fmt::format("{} ends before byte {}, up to which it had been read: it was cut or replaced; put the "
                            "file back, or give the new one another name",
                            found.path, known.cursor.offset));
  }
  return opened;
}

std::shared_ptr<event::EventBatch> FileInProgress::Next(size_t bytes_max, bool final) {
  if (known_.cursor.cut_at_size && *known_.cursor.cut_at_size == StatusOf(file_).st_size) return nullptr;
  auto chunk = reader_->Next(bytes_max, final);
  drained_ = !chunk;
  if (!chunk) return nullptr;
  auto batch = std::make_shared<event::EventBatch>();
  batch->payload = std::move(chunk->payload);
  batch->records = std::move(chunk->records);
  batch->offsets = std::move(chunk->offsets);
  batch->newline_joined = chunk->newline_joined;
  objects_ = chunk->objects;
  batch->split = id_;
  batch->begin = Print(known_.cursor);
  batch->end = Print(chunk->end);
  known_.cursor = chunk->end;
  return batch;
}

FileInProgress::Change FileInProgress::LookAgain() {
  const auto size = StatusOf(file_).st_size;
  if (size < reader_->raw_offset()) return Change::kCutShort;
  if (size == reader_->raw_offset()) return Change::kNone;
  if (reader_->Unchanged()) return Change::kGrown;
  std::string head(static_cast<size_t>(known_.split.head_bytes), '\0');
  io::ReadAt(file_.descriptor, head.data(), known_.split.head_bytes, 0, file_.path);
  if (HashOf(head) != known_.split.head_hash) return Change::kCutShort;
  throw Error(ErrorCode::kStop, fmt::format("{} was changed before byte {}, which had been read already: rows may be "
                                            "missing or come twice; put the file back as it was",
                                            file_.path, reader_->raw_offset()));
}

bool FileInProgress::Deleted() const { return StatusOf(file_).st_nlink == 0; }

int64_t FileInProgress::raw_bytes_left() const {
  return std::max<int64_t>(StatusOf(file_).st_size - reader_->raw_offset(), 0);
}

}  // namespace millrace::source
