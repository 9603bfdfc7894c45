#pragma once

#include <filesystem>
#include <optional>

#include "io/file_descriptor.h"

namespace millrace::refine {

/// One maintenance of a table at a time among the processes of a data directory: a file that is flocked while this
/// lives. It saves work and nothing else: two that maintain one table from two machines conflict in their commits, and
/// the later one drops its work.
class TableLock {
 public:
  /// nullopt when another process has it.
  static std::optional<TableLock> TryTake(const std::filesystem::path& file);

 private:
  explicit TableLock(io::FileDescriptor file) : file_(std::move(file)) {}

  io::FileDescriptor file_;
};

}  // namespace millrace::refine
