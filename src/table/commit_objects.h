#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/object_store.h"
#include "table/metadata.h"

namespace millrace::table {

/// The folder that a table's manifests and lists go to: write.metadata.path, else <location>/metadata.
std::string MetadataFolder(const TableMetadata& metadata);

/// The manifests and manifest lists that one commit wrote. Each is recorded before it is written, so that nothing
/// else is ever deleted by it, and nothing of it is forgotten. Single-threaded; borrows the store.
class CommitObjects {
 public:
  explicit CommitObjects(io::ObjectStore& store) : store_(store) {}

  /// Writes a new object; `kind` ("manifest", "manifest_list") names its fault points. Error kData when the URI lies
  /// outside the store.
  void Put(const std::string& uri, std::string_view bytes, std::string_view kind);

  const std::vector<std::string>& uris() const { return uris_; }

  /// Deletes one that was recorded here, or all; what cannot be deleted stays, with a warning.
  void Delete(const std::string& uri) noexcept;
  void DeleteAll() noexcept;

 private:
  io::ObjectStore& store_;
  std::vector<std::string> uris_;
};

}  // namespace millrace::table
