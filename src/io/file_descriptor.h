#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

namespace millrace::io {

/// Owns an open file. Movable. Calls that fail throw FileError naming the path given.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { Close(); }

  /// open(2) with O_CLOEXEC, again on EINTR; on failure not is_open(), errno set.
  static FileDescriptor Open(const std::filesystem::path& path, int flags, unsigned mode = 0666);

  bool is_open() const { return fd_ >= 0; }
  int get() const { return fd_; }
  void Close() noexcept;

 private:
  int fd_ = -1;
};

void WriteAll(const FileDescriptor& file, std::string_view bytes, const std::filesystem::path& path);
/// Reads up to `size` bytes at `offset`, fewer only at the end of the file.
int64_t ReadAt(const FileDescriptor& file, char* to, int64_t size, int64_t offset, const std::filesystem::path& path);
/// fsync; a failure is kStop, for the kernel may have dropped the pages and a second fsync would lie.
void Sync(const FileDescriptor& file, const std::filesystem::path& path);
void SyncDirectory(const std::filesystem::path& path);

}  // namespace millrace::io
