#include "refine/maintenance/table_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "io/file_error.h"

namespace millrace::refine {

std::optional<TableLock> TableLock::TryTake(const std::filesystem::path& file) {
  auto opened = io::FileDescriptor::Open(file, O_RDWR | O_CREAT, 0644);
  if (!opened.is_open()) throw io::FileError(errno, "open", file.native());
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) == 0) return TableLock(std::move(opened));
  if (errno == EWOULDBLOCK) return std::nullopt;
  throw io::FileError(errno, "lock", file.native());
}

}  // namespace millrace::refine
