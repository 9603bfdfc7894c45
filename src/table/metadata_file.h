#pragma once

#include <string>
#include <string_view>

#include "io/object_store.h"
#include "table/metadata.h"

namespace millrace::table {

/// Reads a metadata file by its URI, packed with gzip (".gz.metadata.json") or plain, told apart by its first bytes.
/// Error kStop when the URI is not below the store's root, or there is no such file; kData when it cannot be read.
TableMetadata ReadMetadataFile(io::ObjectStore& store, const std::string& uri);
/// The text of one, of a table or a view.
std::string ReadMetadataText(io::ObjectStore& store, const std::string& uri);

/// Unpacks gzip; Error kData when it is damaged or larger than `bytes_max` unpacked.
std::string Gunzip(std::string_view bytes, size_t bytes_max);

}  // namespace millrace::table
