#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "query/brought_files.h"
#include "query/object_cache.h"
#include "query/scan_plan.h"

namespace millrace::query {

/// The lake's data files as paths that DuckDB opens: where they are when the warehouse is on a local disk, else copies
/// of them in a cache. Thread-safe; borrows the store.
class DataFiles {
 public:
  /// Error kConfig for a warehouse that is not on a local disk when there is no folder for a cache.
  DataFiles(io::ObjectStore& store, const std::string& cache_directory, int64_t cache_bytes);
  DataFiles(io::ObjectStore& store, BroughtFiles brought);

  /// The folder below which all paths lie, and which is all that DuckDB may open; ends in '/'.
  const std::string& folder() const { return folder_; }
  /// What stands before the keys in URIs, "s3://bucket/prefix/", when paths are of copies; empty when they are not.
  const std::string& uri_root() const { return uri_root_; }

  /// Error kStop for a file outside of the warehouse.
  std::string PathOf(const std::string& uri) const;

  /// Brings copies of what a plan reads; they stay while the result lives.
  std::shared_ptr<void> Bring(const ScanPlan& plan);
  std::shared_ptr<void> Bring(const std::vector<KnownObject>& objects);

 private:
  std::string KeyOf(const std::string& uri) const;

  io::ObjectStore& store_;
  std::unique_ptr<ObjectCache> cache_;  // null: the warehouse is on a local disk, or files are brought
  std::function<void(const std::vector<KnownObject>&)> bring_;
  std::string folder_;
  std::string uri_root_;
};

}  // namespace millrace::query
