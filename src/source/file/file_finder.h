#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::source {

struct FoundFile {
  std::string path;  // absolute
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;

  bool SameAs(uint64_t other_device, uint64_t other_inode) const {
    return device == other_device && inode == other_inode;
  }
};

/// The regular files that paths and glob(7) patterns name now, each once, by name. A name that exists as it stands is
/// no pattern. Error kConfig for a folder, kUnavailable or kStop when one cannot be read.
std::vector<FoundFile> FindFiles(const std::vector<std::string>& patterns);

/// Whether a name has wildcards, so that nothing to find is no mistake.
bool IsPattern(const std::string& path);

}  // namespace millrace::source
