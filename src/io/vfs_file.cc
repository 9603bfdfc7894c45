#include "io/vfs_file.h"

#include <sqlite3.h>

#include <algorithm>
#include <new>

#include "io/sqlite.h"

namespace millrace::io {
namespace {

sqlite3_vfs* Find(const std::string& vfs) {
  sqlite3_initialize();  // opening a database does it; a file alone does not
  auto* const found = sqlite3_vfs_find(vfs.empty() ? nullptr : vfs.c_str());
  if (found == nullptr) throw Error(ErrorCode::kInternal, "SQLite has no file system " + vfs);
  return found;
}

/// "Super journal": a file beside the database that is neither paged nor locked.
constexpr int kKind = SQLITE_OPEN_SUPER_JOURNAL;

/// SQLite asks for pages, and its file systems take the low 17 bits of a size for all of it.
constexpr size_t kAtOnceMax = size_t{64} << 10;

}  // namespace

VfsFile::VfsFile(const std::filesystem::path& path, const std::string& vfs, Mode mode) : path_(path.string()) {
  auto* const found = Find(vfs);
  room_ = std::make_unique<char[]>(static_cast<size_t>(found->szOsFile));
  file_ = new (room_.get()) sqlite3_file{};
  const int access = mode == Mode::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  int opened = 0;
  Check(found->xOpen(found, path_.c_str(), file_, kKind | access, &opened));
  if (mode == Mode::kWrite && (opened & SQLITE_OPEN_READONLY) != 0) {
    file_->pMethods->xClose(file_);
    Check(SQLITE_READONLY);
  }
}

VfsFile::~VfsFile() { file_->pMethods->xClose(file_); }

void VfsFile::Check(int code) const {
  if (code != SQLITE_OK) ThrowSqlite(path_, code);
}

bool VfsFile::Read(int64_t at, char* out, size_t size) const {
  for (size_t done = 0; done < size; done += kAtOnceMax) {
    const auto part = static_cast<int>(std::min(size - done, kAtOnceMax));
    const int code = file_->pMethods->xRead(file_, out + done, part, at + static_cast<int64_t>(done));
    if (code == SQLITE_IOERR_SHORT_READ) return false;
    Check(code);
  }
  return true;
}

void VfsFile::Write(int64_t at, std::string_view bytes) {
  for (size_t done = 0; done < bytes.size(); done += kAtOnceMax) {
    const auto part = bytes.substr(done, kAtOnceMax);
    Check(file_->pMethods->xWrite(file_, part.data(), static_cast<int>(part.size()), at + static_cast<int64_t>(done)));
  }
}

void VfsFile::Sync() { Check(file_->pMethods->xSync(file_, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY)); }

int64_t VfsFile::size() const {
  sqlite3_int64 size = 0;
  Check(file_->pMethods->xFileSize(file_, &size));
  return size;
}

bool VfsFile::Exists(const std::filesystem::path& path, const std::string& vfs) {
  auto* const found = Find(vfs);
  int exists = 0;
  const int code = found->xAccess(found, path.c_str(), SQLITE_ACCESS_EXISTS, &exists);
  if (code != SQLITE_OK) ThrowSqlite(path.string(), code);
  return exists != 0;
}

void VfsFile::Remove(const std::filesystem::path& path, const std::string& vfs) {
  auto* const found = Find(vfs);
  const int code = found->xDelete(found, path.c_str(), 0);
  if (code != SQLITE_OK && code != SQLITE_IOERR_DELETE_NOENT) ThrowSqlite(path.string(), code);
}

}  // namespace millrace::io
