#include "io/file_descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "io/file_error.h"

namespace millrace::io {

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

FileDescriptor FileDescriptor::Open(const std::filesystem::path& path, int flags, unsigned mode) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EINTR) return FileDescriptor(fd);
  }
}

void FileDescriptor::Close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void WriteAll(const FileDescriptor& file, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const auto written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw FileError(errno, "write", path.native());
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

int64_t ReadAt(const FileDescriptor& file, char* to, int64_t size, int64_t offset, const std::filesystem::path& path) {
  int64_t done = 0;
  while (done < size) {
    const auto got = ::pread(file.get(), to + done, static_cast<size_t>(size - done), offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw FileError(errno, "read", path.native());
    if (got == 0) break;
    done += got;
  }
  return done;
}

void Sync(const FileDescriptor& file, const std::filesystem::path& path) {
  if (::fsync(file.get()) == 0) return;
  const Error error = FileError(errno, "fsync", path.native());
  throw Error(ErrorCode::kStop, error.message());
}

void SyncDirectory(const std::filesystem::path& path) {
  const auto directory = FileDescriptor::Open(path, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open()) throw FileError(errno, "open the folder", path.native());
  Sync(directory, path);
}

}  // namespace millrace::io
