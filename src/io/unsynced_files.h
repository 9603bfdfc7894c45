#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/object_store.h"

namespace millrace::io {

/// What a store of files can do for whoever keeps the bytes elsewhere until they are durable: write now, sync later,
/// many at a time. Keys and errors are those of the store. Thread-safe.
class UnsyncedFiles {
 public:
  virtual ~UnsyncedFiles() = default;

  /// As ObjectStore::PutIfAbsent, and everybody sees it; but after a power cut it may be there, torn, or gone.
  virtual PutOutcome PutUnsynced(const std::string& key, std::string_view bytes) = 0;
  /// Data and names are durable when it returns; returns those of them that are not there. After Error kStop the kernel
  /// may have dropped what it had of any of them: Replace them.
  virtual std::vector<std::string> Sync(const std::vector<std::string>& keys) = 0;
  /// Durable when it returns, whatever was under that key. Readers see the old bytes or the new ones.
  virtual void Replace(const std::string& key, std::string_view bytes) = 0;
};

}  // namespace millrace::io
