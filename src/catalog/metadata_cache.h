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
  void Put(const std::string& location, std::shared_ptr<const table::TableMetadata> metadata);

 private:
  struct Entry {
    std::string location;
    std::shared_ptr<const table::TableMetadata> metadata;
  };

  const size_t entries_max_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_location_;
};

}  // namespace millrace::catalog
