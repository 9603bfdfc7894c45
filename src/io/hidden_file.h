#pragma once

#include <filesystem>
#include <string_view>

#include "io/file_descriptor.h"

namespace millrace::io {

/// The folder, below a store's root, of objects that are being written.
inline constexpr std::string_view kHiddenFolder = ".millrace-tmp";

/// A file under a hidden name, locked by its writer so that a sweep can tell the living from the dead. Removed when
/// it goes, unless it was given a name.
class HiddenFile {
 public:
  /// `folder` must exist.
  explicit HiddenFile(const std::filesystem::path& folder);
  ~HiddenFile();
  HiddenFile(const HiddenFile&) = delete;
  HiddenFile& operator=(const HiddenFile&) = delete;

  enum class Named { kDone, kTaken };

  void Write(std::string_view bytes);
  /// Syncs the data, then as NameOnly.
  Named SyncAndName(const std::filesystem::path& target);
  /// Moves the file to `target` unless something is there. Neither data nor the folder of `target` are synced.
  Named NameOnly(const std::filesystem::path& target);
  /// Syncs the data, then moves the file to `target` in place of what is there. The folder of `target` is not synced.
  void SyncAndReplace(const std::filesystem::path& target);

 private:
  void SyncData();
  /// What people know it by in errors: the store's root.
  std::filesystem::path Store() const { return path_.parent_path().parent_path(); }

  std::filesystem::path path_;
  FileDescriptor file_;
  bool gone_ = false;  // nothing is left under the hidden name
};

/// Removes the files of writers that are no more. What may not be removed (a read-only disk) is left.
void SweepHiddenFiles(const std::filesystem::path& folder);

}  // namespace millrace::io
