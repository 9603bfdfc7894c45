#include "io/hidden_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <system_error>

#include "base/fault.h"
#include "base/random.h"
#include "io/file_error.h"

namespace millrace::io {
namespace {

/// Unlike a process id, it cannot come back in another container that shares the folder.
std::string ProcessName() {
  static const std::string name = Random::FromSystem().Uuid();
  return name;
}

std::filesystem::path NextPath(const std::filesystem::path& folder) {
  static std::atomic<uint64_t> next{0};
  return folder / fmt::format("{}-{}", ProcessName(), next.fetch_add(1));
}

/// False when a sweep took the file between its creation and its lock.
bool LockOwn(const FileDescriptor& file, const std::filesystem::path& path) {
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) throw FileError(errno, "lock", path.native());
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw FileError(errno, "look at", path.native());
  return status.st_nlink > 0;
}

/// Renames without replacing; by link where the file system has no such rename. 0, or the errno.
int MoveNoReplace(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  if (::link(from.c_str(), to.c_str()) != 0) return errno;
  ::unlink(from.c_str());
  return 0;
}

}  // namespace

HiddenFile::HiddenFile(const std::filesystem::path& folder) {
  do {
    path_ = NextPath(folder);
    file_ = FileDescriptor::Open(path_, O_WRONLY | O_CREAT | O_EXCL);
    if (!file_.is_open()) throw FileError(errno, "create a file in", folder.native());
  } while (!LockOwn(file_, path_));
}

HiddenFile::~HiddenFile() {
  if (!gone_) ::unlink(path_.c_str());
}

void HiddenFile::Write(std::string_view bytes) {
  FaultPoint("io.local.write");
  WriteAll(file_, bytes, Store());
  FaultPoint("io.local.write");
}

void HiddenFile::SyncData() {
  FaultPoint("io.local.fsync");
  Sync(file_, Store());
  FaultPoint("io.local.fsync");
}

HiddenFile::Named HiddenFile::SyncAndName(const std::filesystem::path& target) {
  SyncData();
  return NameOnly(target);
}

HiddenFile::Named HiddenFile::NameOnly(const std::filesystem::path& target) {
  FaultPoint("io.local.link");
  const int error = MoveNoReplace(path_, target);
  FaultPoint("io.local.link");
  if (error == EEXIST) return Named::kTaken;
  if (error != 0) throw FileError(error, "create", target.native());
  gone_ = true;
  return Named::kDone;
}

void HiddenFile::SyncAndReplace(const std::filesystem::path& target) {
  SyncData();
  FaultPoint("io.local.link");
  if (::rename(path_.c_str(), target.c_str()) != 0) throw FileError(errno, "replace", target.native());
  FaultPoint("io.local.link");
  gone_ = true;
}

void SweepHiddenFiles(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const auto file = FileDescriptor::Open(entry.path(), O_RDONLY | O_NOFOLLOW);
    if (file.is_open() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
  }
}

}  // namespace millrace::io
