#pragma once

#include <filesystem>
#include <mutex>
#include <set>
#include <string>

namespace millrace::io {

/// Makes folders whose names survive a power cut: after mkdir the parent is fsynced. A folder that was found (another
/// process may have made it a moment ago, and not synced yet) is synced once too. Thread-safe.
class DurableFolders {
 public:
  /// Makes `folder` and what is missing above it.
  void Ensure(const std::filesystem::path& folder);

 private:
  bool Known(const std::string& folder) const;

  mutable std::mutex mutex_;
  std::set<std::string> durable_;
};

}  // namespace millrace::io
