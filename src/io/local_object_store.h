#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "io/object_store.h"
#include "io/unsynced_files.h"

namespace millrace::io {

class DurableFolders;

/// Objects as plain files below a folder, readable by anything that reads files. An object is written under a hidden
/// name in `<root>/.millrace-tmp`, fsynced, then given its name by a rename that never replaces, and the folders on
/// the way are fsynced: a reader, or a crash, sees all of it or nothing. Writers that died leave a hidden file that
/// the next Open removes. Several processes may use one root. Thread-safe. Writers outlive the store.
///
/// URIs are "file://" and the absolute path as it is: pyiceberg, Spark (Hadoop's Path) and DuckDB all take the rest
/// literally and undo no percent-encoding. KeyOf also takes "file:/path", a plain path, and a path that somebody
/// did encode.
class LocalObjectStore final : public ObjectStore, public UnsyncedFiles {
 public:
  /// Makes the folder (durably) unless it is there. Error kConfig for a root that URIs cannot name.
  static std::unique_ptr<LocalObjectStore> Open(const std::filesystem::path& root);
  ~LocalObjectStore() override;

  PutOutcome PutIfAbsent(const std::string& key, std::string_view bytes) override;
  std::unique_ptr<ObjectWriter> OpenWriter(const std::string& key) override;
  std::optional<std::string> Get(const std::string& key) override;
  std::optional<int64_t> Size(const std::string& key) override;
  std::string GetRange(const std::string& key, int64_t offset, int64_t length) override;
  void List(const std::string& prefix, const std::string& after,
            const std::function<bool(const ObjectInfo&)>& visit) override;
  void Delete(const std::string& key) override;
  std::string UriOf(const std::string& key) const override;
  std::optional<std::string> KeyOf(std::string_view uri) const override;

  PutOutcome PutUnsynced(const std::string& key, std::string_view bytes) override;
  std::vector<std::string> Sync(const std::vector<std::string>& keys) override;
  void Replace(const std::string& key, std::string_view bytes) override;

  /// Absolute, without a slash at its end.
  const std::filesystem::path& root() const { return root_; }

 private:
  explicit LocalObjectStore(std::filesystem::path root);
  std::filesystem::path PathOf(const std::string& key) const;
  /// Where objects are being written; made when it is not there.
  std::filesystem::path HiddenFolder();

  std::filesystem::path root_;
  std::shared_ptr<DurableFolders> folders_;
};

}  // namespace millrace::io
