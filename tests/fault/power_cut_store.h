#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "fault/power_cut_vfs.h"
#include "io/local_object_store.h"

namespace millrace::fault {

/// A folder of files on the disk of PowerCutDisk: what is written unsynced is torn, empty, full of zeros, gone or there
/// when the power goes. Everything else is as durable as LocalObjectStore makes it. Test only.
class PowerCutStore final : public io::ObjectStore, public io::UnsyncedFiles {
 public:
  explicit PowerCutStore(io::LocalObjectStore& store) : store_(store) {}

  /// For PowerPlan::at_cut.
  void Cut(Random& random) {
    const std::lock_guard lock(mutex_);  // others write and delete until the process ends
    for (const auto& [key, size] : unsynced_) {
      const auto file = store_.root() / key;
      std::error_code gone;
      switch (random.Below(5)) {
        case 0:
          std::filesystem::remove(file, gone);
          break;
        case 1:
          std::filesystem::resize_file(file, 0, gone);
          break;
        case 2:
          std::filesystem::resize_file(file, random.Below(size), gone);
          break;
        case 3:
          std::filesystem::resize_file(file, 0, gone);
          std::filesystem::resize_file(file, size, gone);
          break;
        default:
          break;
      }
    }
  }

  io::PutOutcome PutUnsynced(const std::string& key, std::string_view bytes) override {
    const auto outcome = store_.PutUnsynced(key, bytes);
    {
      const std::lock_guard lock(mutex_);
      unsynced_[key] = bytes.size();
    }
    PowerCutDisk::Get().PassOne();
    return outcome;
  }
  std::vector<std::string> Sync(const std::vector<std::string>& keys) override {
    PowerCutDisk::Get().PassOne();
    auto missing = store_.Sync(keys);
    {
      const std::lock_guard lock(mutex_);
      for (const auto& key : keys) unsynced_.erase(key);
    }
    PowerCutDisk::Get().PassOne();
    return missing;
  }
  void Replace(const std::string& key, std::string_view bytes) override { store_.Replace(key, bytes); }
  void Delete(const std::string& key) override {
    store_.Delete(key);
    const std::lock_guard lock(mutex_);
    unsynced_.erase(key);
  }

  io::PutOutcome PutIfAbsent(const std::string& key, std::string_view bytes) override {
    return store_.PutIfAbsent(key, bytes);
  }
  std::unique_ptr<io::ObjectWriter> OpenWriter(const std::string& key) override { return store_.OpenWriter(key); }
  std::optional<std::string> Get(const std::string& key) override { return store_.Get(key); }
  std::optional<int64_t> Size(const std::string& key) override { return store_.Size(key); }
  std::string GetRange(const std::string& key, int64_t offset, int64_t length) override {
    return store_.GetRange(key, offset, length);
  }
  void List(const std::string& prefix, const std::string& after,
            const std::function<bool(const io::ObjectInfo&)>& visit) override {
    store_.List(prefix, after, visit);
  }
  std::string UriOf(const std::string& key) const override { return store_.UriOf(key); }
  std::optional<std::string> KeyOf(std::string_view uri) const override { return store_.KeyOf(uri); }

 private:
  io::LocalObjectStore& store_;
  std::mutex mutex_;
  std::map<std::string, size_t> unsynced_;  // with the bytes of each
};

}  // namespace millrace::fault
