#pragma once

#include <set>
#include <string>

#include "io/object_store.h"
#include "table/metadata.h"

namespace millrace::table {

/// Takes out of `uris` whatever the table reaches: the manifest lists, manifests, data and delete files of every
/// snapshot, statistics files, and the metadata files of its log. Each manifest is read once. A file is the same file
/// however its URI was spelt. Memory grows with `uris` and the manifests of a snapshot.
void EraseReachable(io::ObjectStore& store, const TableMetadata& metadata, std::set<std::string>& uris);

}  // namespace millrace::table
