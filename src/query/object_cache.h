#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "io/local_object_store.h"
#include "io/object_store.h"
#include "query/brought_files.h"

namespace millrace::query {

/// Copies of a store's immutable objects on a local disk, under their keys, each whole and of the size that was asked
/// for or not there. Several processes may share the folder. What was used longest ago goes first when the copies
/// exceed the bound; nothing goes while anything is held, by any process, so that one query may exceed it for its time.
/// Thread-safe; borrows the store.
class ObjectCache {
 public:
  ObjectCache(io::ObjectStore& store, const std::filesystem::path& folder, int64_t bytes_max);

  using Object = KnownObject;  // another size in the store is an error

  /// While it lives, no copy is removed.
  std::shared_ptr<void> Hold();
  /// Brings what is missing, several at a time. Call it under a hold. Error kData for an object that is not there or
  /// has another size.
  void Fetch(const std::vector<Object>& objects);
  /// Removes copies down to the bound, unless some are held.
  void Trim();

  /// Ends in '/'.
  std::string folder() const { return copies_->root().native() + "/"; }

 private:
  void FetchOne(const Object& object);

  io::ObjectStore& store_;
  const std::filesystem::path lock_file_;
  const int64_t bytes_max_;
  std::unique_ptr<io::LocalObjectStore> copies_;
};

}  // namespace millrace::query
