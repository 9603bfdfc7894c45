#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3_file;
struct sqlite3_vfs;

namespace millrace::io {

/// A plain file reached through one of SQLite's file systems, so that what stands beside a database lives, and is cut
/// off from its power in tests, by the same one. Errors are those of a Connection. One thread at a time.
class VfsFile {
 public:
  enum class Mode {
    kRead,
    kWrite,  // made when it is not there; its first Sync makes its name durable too
  };
  /// `vfs` empty: the operating system's files.
  VfsFile(const std::filesystem::path& path, const std::string& vfs, Mode mode);
  ~VfsFile();
  VfsFile(const VfsFile&) = delete;
  VfsFile& operator=(const VfsFile&) = delete;

  /// False when the file ends before `size` bytes from `at` on.
  bool Read(int64_t at, char* out, size_t size) const;
  void Write(int64_t at, std::string_view bytes);
  /// What was written is durable, and so is the file's size.
  void Sync();
  int64_t size() const;

  static bool Exists(const std::filesystem::path& path, const std::string& vfs);
  /// No error when it is not there.
  static void Remove(const std::filesystem::path& path, const std::string& vfs);

 private:
  void Check(int code) const;

  const std::string path_;  // SQLite keeps a pointer to it
  std::unique_ptr<char[]> room_;
  sqlite3_file* file_ = nullptr;
};

}  // namespace millrace::io
