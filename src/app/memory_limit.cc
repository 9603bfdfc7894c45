#include "app/memory_limit.h"

#include <algorithm>
#include <fstream>

namespace millrace::app {
namespace {

namespace fs = std::filesystem;

std::optional<int64_t> ReadNumber(const fs::path& file) {
  std::ifstream in(file);
  int64_t number = 0;
  if (in >> number) return number;
  return std::nullopt;  // not there, or "max"
}

/// The smallest of the limits on the way from a group up to the root. Inside a container the path may be one that only
/// the host has: then the root is all there is to see.
std::optional<int64_t> SmallestAbove(const fs::path& root, const std::string& group, const char* file) {
  std::optional<int64_t> smallest;
  auto at = fs::path(group).relative_path();
  for (;;) {
    if (const auto limit = ReadNumber(root / at / file)) smallest = std::min(smallest.value_or(*limit), *limit);
    if (at.empty()) return smallest;
    at = at.parent_path();
  }
}

std::optional<int64_t> LimitOfGroups(const fs::path& proc, const fs::path& groups) {
  std::ifstream file(proc / "self/cgroup");
  std::optional<int64_t> smallest;
  // "0::/path" of version 2, "4:memory:/path" of version 1
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto group = line.substr(second + 1);
    std::optional<int64_t> limit;
    if (controllers.empty()) limit = SmallestAbove(groups, group, "memory.max");
    if (controllers == "memory") limit = SmallestAbove(groups / "memory", group, "memory.limit_in_bytes");
    if (limit) smallest = std::min(smallest.value_or(*limit), *limit);
  }
  return smallest;
}

std::optional<int64_t> MemoryOfMachine(const fs::path& proc) {
  std::ifstream file(proc / "meminfo");
  for (std::string word; file >> word;) {
    int64_t kibibytes = 0;
    if (word == "MemTotal:" && file >> kibibytes) return kibibytes << 10;
  }
  return std::nullopt;
}

}  // namespace

std::optional<MemoryLimit> FindMemoryLimit(const fs::path& proc, const fs::path& groups) {
  const auto machine = MemoryOfMachine(proc);
  const auto group = LimitOfGroups(proc, groups);
  // Version 1 says "no limit" as a number beyond any memory.
  if (group && (!machine || *group < *machine)) return MemoryLimit{*group, true};
  if (machine) return MemoryLimit{*machine, false};
  return std::nullopt;
}

}  // namespace millrace::app
