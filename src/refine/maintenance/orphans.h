#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"

namespace millrace::refine {

struct OrphanReport {
  std::vector<std::string> orphans;  // unreachable for long enough: deleted, or would be
  int64_t young = 0;                 // unreachable, and seen so for the first time too short a while ago
};

/// Finds data, manifest and metadata files below a table's `data` and `metadata` folders that no snapshot reaches. Such
/// a file is deleted once it has been found unreachable for `older_than`: what a writer has just made and not committed
/// yet looks the same. When each was first found is kept in `first_seen` (a line each: milliseconds since 1970, a
/// space, the URI), for not every store tells the age of an object.
OrphanReport RemoveOrphans(catalog::Catalog& catalog, const catalog::TableName& name,
                           std::chrono::milliseconds older_than, bool dry_run, const std::filesystem::path& first_seen,
                           const Clock& clock);

}  // namespace millrace::refine
