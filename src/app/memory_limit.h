#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace millrace::app {

/// What this process may take before the kernel ends it: the smallest limit of the control groups it is in (version 2,
/// or version 1's memory controller), or else all of the machine's memory.
struct MemoryLimit {
  int64_t bytes = 0;
  bool of_group = false;  // else the machine's
};

/// nullopt when the system does not tell. `proc` and `groups` are where it tells.
std::optional<MemoryLimit> FindMemoryLimit(const std::filesystem::path& proc = "/proc",
                                           const std::filesystem::path& groups = "/sys/fs/cgroup");

}  // namespace millrace::app
