#include "io/durable_folders.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fault.h"
#include "io/file_descriptor.h"
#include "io/file_error.h"

namespace millrace::io {
namespace {

enum class Made { kNew, kFound };

Made MakeFolder(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), 0777) == 0) return Made::kNew;
  const int error = errno;
  struct stat status {};
  if (::stat(folder.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return Made::kFound;
    throw FileError(ENOTDIR, "create the folder", folder.native());
  }
  throw FileError(error, "create the folder", folder.native());
}

bool IsFolder(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

bool DurableFolders::Known(const std::string& folder) const {
  const std::lock_guard lock(mutex_);
  return durable_.contains(folder);
}

void DurableFolders::Ensure(const std::filesystem::path& folder) {
  if (Known(folder.native()) && IsFolder(folder)) return;
  const auto parent = folder.parent_path();
  if (parent == folder) return;  // the file system's root
  if (!IsFolder(folder)) Ensure(parent);
  const Made made = MakeFolder(folder);
  // The parent of a folder somebody gave us (a mount point, a home) may be closed to us; a parent of ours is not.
  if (made == Made::kNew || ::access(parent.c_str(), R_OK) == 0) {
    FaultPoint("io.local.dirsync");
    SyncDirectory(parent);
    FaultPoint("io.local.dirsync");
  }
  const std::lock_guard lock(mutex_);
  durable_.insert(folder.native());
}

}  // namespace millrace::io
