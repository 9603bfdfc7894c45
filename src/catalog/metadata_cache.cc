#include "catalog/metadata_cache.h"

#include "table/metadata_file.h"

namespace millrace::catalog {

std::shared_ptr<const table::TableMetadata> MetadataCache::Get(io::ObjectStore& store, const std::string& location) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_location_.find(location); found != by_location_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->metadata;
    }
  }
  auto metadata = std::make_shared<const table::TableMetadata>(table::ReadMetadataFile(store, location));
  Put(location, metadata);
  return metadata;
}

void MetadataCache::Put(const std::string& location, std::shared_ptr<const table::TableMetadata> metadata) {
  const std::lock_guard lock(mutex_);
  if (by_location_.contains(location)) return;
  entries_.push_front({location, std::move(metadata)});
  by_location_.emplace(location, entries_.begin());
  if (entries_.size() <= entries_max_) return;
  by_location_.erase(entries_.back().location);
  entries_.pop_back();
}

}  // namespace millrace::catalog
