#include "catalog/metadata_cache.h"

#include "table/metadata_file.h"

namespace millrace::catalog {

std::shared_ptr<const table::TableMetadata> MetadataCache::Get(io::ObjectStore& store, const std::string& location) {
  if (auto found = Find(location)) return found;
  auto metadata = std::make_shared<const table::TableMetadata>(table::ReadMetadataFile(store, location));
  Put(location, metadata);
  return metadata;
}

std::shared_ptr<const table::TableMetadata> MetadataCache::Find(const std::string& location) {
  const std::lock_guard lock(mutex_);
  const auto found = by_location_.find(location);
  if (found == by_location_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->metadata;
}

std::shared_ptr<const std::string> MetadataCache::TextOf(const std::string& location) {
  const std::lock_guard lock(mutex_);
  const auto found = by_location_.find(location);
  return found == by_location_.end() ? nullptr : found->second->text;
}

void MetadataCache::Forget(const std::string& location) {
  const std::lock_guard lock(mutex_);
  const auto found = by_location_.find(location);
  if (found == by_location_.end()) return;
  entries_.erase(found->second);
  by_location_.erase(found);
}

void MetadataCache::Put(const std::string& location, std::shared_ptr<const table::TableMetadata> metadata,
                        std::shared_ptr<const std::string> text) {
  const std::lock_guard lock(mutex_);
  if (by_location_.contains(location)) return;
  entries_.push_front({location, std::move(metadata), std::move(text)});
  by_location_.emplace(location, entries_.begin());
  if (entries_.size() <= entries_max_) return;
  by_location_.erase(entries_.back().location);
  entries_.pop_back();
}

}  // namespace millrace::catalog
