#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "table/manifest.h"

namespace millrace::table {

/// The bytes of a manifest list, format v2: every count known, every sequence number given.
std::string EncodeManifestList(const Snapshot& snapshot, const std::vector<ManifestFile>& manifests, Random& random);

}  // namespace millrace::table
