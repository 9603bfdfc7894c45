#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/random.h"

/// A file system for SQLite whose power can be cut. What is written lives in memory, seen by every connection of the
/// process, and reaches the disk only when it is synced. When the power goes, of what was not synced some is lost, some
/// is kept, in any order, and a write may be torn at 512 bytes. Deleting a file is durable at once. One process, test
/// only.
namespace millrace::fault {

struct PowerPlan {
  int64_t cut_at = 0;        // the n-th write, truncation or sync ends the process with kPowerCutStatus; 0: never
  uint64_t seed = 1;         // what survives
  int64_t fail_sync_at = 0;  // the n-th sync of a write-ahead log or segment fails with an I/O error; 0: never
  int64_t full_at = 0;       // the n-th write to one of them fails as the disk is full; 0: never
  std::function<void(Random&)> at_cut = nullptr;  // what becomes of files beside SQLite's
};

inline constexpr int kPowerCutStatus = 87;
inline constexpr const char* kPowerCutVfs = "powercut";

/// What the process sees of one file, and what the disk does not have yet.
struct CutImage {
  struct Change {
    int64_t offset = 0;  // -1: a truncation to `size`
    std::string bytes;
    int64_t size = 0;
  };
  std::string name;
  std::string content;
  std::vector<Change> pending;
};

class PowerCutDisk {
 public:
  static PowerCutDisk& Get() {
    static PowerCutDisk disk;
    return disk;
  }

  void Install(const PowerPlan& plan) {
    plan_ = plan;
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = kPowerCutVfs;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = &Open;
    vfs_.xDelete = &Delete;
    sqlite3_vfs_register(&vfs_, 0);
  }

  /// For what is written beside SQLite's files: counts towards the cut.
  void PassOne() {
    const std::lock_guard lock(mutex_);
    Pass();
  }

 private:
  struct File {
    sqlite3_file base;
    std::shared_ptr<CutImage>* image;
    bool is_log;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    CutImage& data() { return **image; }
  };

  static File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }

  static int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    auto& disk = Get();
    auto* const mine = Of(file);
    mine->base.pMethods = nullptr;
    const int code = disk.real_->xOpen(disk.real_, name, mine->real(), flags, out_flags);
    if (code != SQLITE_OK) return code;
    const std::lock_guard lock(disk.mutex_);
    auto& image = disk.images_[name == nullptr ? "" : name];
    if (image == nullptr) {
      image = std::make_shared<CutImage>();
      image->name = name == nullptr ? "" : name;
      sqlite3_int64 size = 0;
      mine->real()->pMethods->xFileSize(mine->real(), &size);
      image->content.resize(static_cast<size_t>(size));
      if (size > 0) mine->real()->pMethods->xRead(mine->real(), image->content.data(), static_cast<int>(size), 0);
    }
    mine->image = new std::shared_ptr<CutImage>(image);
    mine->is_log = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0;
    mine->base.pMethods = Methods();
    return SQLITE_OK;
  }

  static int Delete(sqlite3_vfs*, const char* name, int sync) {
    auto& disk = Get();
    {
      const std::lock_guard lock(disk.mutex_);
      disk.images_.erase(name);
    }
    return disk.real_->xDelete(disk.real_, name, sync);
  }

  static int Close(sqlite3_file* file) {
    auto* const mine = Of(file);
    delete mine->image;
    return mine->real()->pMethods->xClose(mine->real());
  }

  static int Read(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) {
    const std::lock_guard lock(Get().mutex_);
    const auto& content = Of(file)->data().content;
    const auto begin = std::min(static_cast<size_t>(offset), content.size());
    const auto count = std::min(static_cast<size_t>(amount), content.size() - begin);
    std::memcpy(out, content.data() + begin, count);
    if (count == static_cast<size_t>(amount)) return SQLITE_OK;
    std::memset(static_cast<char*>(out) + count, 0, static_cast<size_t>(amount) - count);
    return SQLITE_IOERR_SHORT_READ;
  }

  static int Write(sqlite3_file* file, const void* bytes, int amount, sqlite3_int64 offset) {
    auto& disk = Get();
    const std::lock_guard lock(disk.mutex_);
    if (Of(file)->is_log && ++disk.log_writes_ == disk.plan_.full_at) return SQLITE_FULL;
    auto& image = Of(file)->data();
    const auto size = static_cast<size_t>(amount);
    if (image.content.size() < static_cast<size_t>(offset) + size)
      image.content.resize(static_cast<size_t>(offset) + size);
    std::memcpy(image.content.data() + offset, bytes, size);
    image.pending.push_back({offset, std::string(static_cast<const char*>(bytes), size), 0});
    disk.Pass();
    return SQLITE_OK;
  }

  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    auto& disk = Get();
    const std::lock_guard lock(disk.mutex_);
    auto& image = Of(file)->data();
    image.content.resize(static_cast<size_t>(size));
    image.pending.push_back({-1, {}, size});
    disk.Pass();
    return SQLITE_OK;
  }

  static int Sync(sqlite3_file* file, int) {
    auto& disk = Get();
    const std::lock_guard lock(disk.mutex_);
    auto* const mine = Of(file);
    if (mine->is_log && ++disk.log_syncs_ == disk.plan_.fail_sync_at) return SQLITE_IOERR_FSYNC;
    disk.Pass();
    for (const auto& change : mine->data().pending) Apply(mine->data().name, change);
    mine->data().pending.clear();
    return SQLITE_OK;
  }

  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    const std::lock_guard lock(Get().mutex_);
    *size = static_cast<sqlite3_int64>(Of(file)->data().content.size());
    return SQLITE_OK;
  }

  /// Counts towards the cut; at the cut, leaves on the disk what a dying drive might.
  void Pass() {
    if (++passes_ != plan_.cut_at) return;
    Random random(plan_.seed);
    for (auto& [name, image] : images_) {
      std::vector<CutImage::Change> changes;
      for (auto& change : image->pending) {
        if (random.Below(2) == 0) changes.push_back(std::move(change));
      }
      for (size_t i = changes.size(); i > 1; --i) std::swap(changes[i - 1], changes[random.Below(i)]);
      for (auto& change : changes) {
        if (random.Below(3) == 0 && change.bytes.size() > 512) {
          change.bytes.resize(512 * (1 + random.Below(change.bytes.size() / 512)));
        }
        Apply(name, change);
      }
    }
    if (plan_.at_cut) plan_.at_cut(random);
    ::_exit(kPowerCutStatus);
  }

  static void Apply(const std::string& name, const CutImage::Change& change) {
    if (name.empty()) return;
    if (change.offset < 0) {
      if (::truncate(name.c_str(), change.size) != 0) std::abort();
      return;
    }
    std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(name.c_str(), "r+b"), &std::fclose);
    if (file == nullptr) return;  // deleted meanwhile
    std::fseek(file.get(), static_cast<long>(change.offset), SEEK_SET);
    std::fwrite(change.bytes.data(), 1, change.bytes.size(), file.get());
  }

  static const sqlite3_io_methods* Methods() {
    static const sqlite3_io_methods methods = [] {
      sqlite3_io_methods made{};
      made.iVersion = 2;
      made.xClose = &Close;
      made.xRead = &Read;
      made.xWrite = &Write;
      made.xTruncate = &Truncate;
      made.xSync = &Sync;
      made.xFileSize = &FileSize;
      made.xLock = [](sqlite3_file* f, int level) { return Of(f)->real()->pMethods->xLock(Of(f)->real(), level); };
      made.xUnlock = [](sqlite3_file* f, int level) { return Of(f)->real()->pMethods->xUnlock(Of(f)->real(), level); };
      made.xCheckReservedLock = [](sqlite3_file* f, int* out) {
        return Of(f)->real()->pMethods->xCheckReservedLock(Of(f)->real(), out);
      };
      made.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
      made.xSectorSize = [](sqlite3_file*) { return 512; };
      made.xDeviceCharacteristics = [](sqlite3_file*) { return 0; };
      made.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
        return Of(f)->real()->pMethods->xShmMap(Of(f)->real(), page, size, extend, out);
      };
      made.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
        return Of(f)->real()->pMethods->xShmLock(Of(f)->real(), offset, n, flags);
      };
      made.xShmBarrier = [](sqlite3_file* f) { Of(f)->real()->pMethods->xShmBarrier(Of(f)->real()); };
      made.xShmUnmap = [](sqlite3_file* f, int del) { return Of(f)->real()->pMethods->xShmUnmap(Of(f)->real(), del); };
      return made;
    }();
    return &methods;
  }

  PowerPlan plan_;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<CutImage>> images_;
  int64_t passes_ = 0;
  int64_t log_writes_ = 0;
  int64_t log_syncs_ = 0;
};

}  // namespace millrace::fault
