#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "io/object_store.h"
#include "table/metadata.h"

namespace millrace::catalog {

/// Parsed metadata by its location. A metadata file never changes, so an entry is never stale; the ones used longest
/// ago go when there are more than a fixed number. Thread-safe.
class MetadataCache {
 public:
  explicit MetadataCache(size_t entries_max) : entries_max_(entries_max) {}

  /// From memory, or read from the store (outside the lock).
  std::shared_ptr<const table::TableMetadata> Get(io::ObjectStore& store, const std::string& location);
  /// `text` is the file as it was written, for TextOf.
  void Put(const std::string& location, std::shared_ptr<const table::TableMetadata> metadata,
           std::shared_ptr<const std::string> text = nullptr);
  /// Null when it is not in memory.
  std::shared_ptr<const table::TableMetadata> Find(const std::string& location);
  /// Null when the file was read, or is not in memory.
  std::shared_ptr<const std::string> TextOf(const std::string& location);
  /// It will hardly be asked for again.
  void Forget(const std::string& location);

 private:
  struct Entry {
    std::string location;
    std::shared_ptr<const table::TableMetadata> metadata;
    std::shared_ptr<const std::string> text;
  };

  const size_t entries_max_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_location_;
};

}  // namespace millrace::catalog
