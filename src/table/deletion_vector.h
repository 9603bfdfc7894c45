#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/object_store.h"
#include "table/data_file.h"

namespace millrace::table {

/// A delete file that is a deletion vector: a blob of a Puffin file (format v3).
bool IsDeletionVector(const DataFile& deletes);

/// The data files that deletion vectors among `files` are of; as long as `files` lives.
std::set<std::string_view> FilesGivenVectors(const std::vector<DataFile>& files);

/// The positions that a `deletion-vector-v1` blob holds, rising (Iceberg spec, "Puffin", with 32-bit Roaring bitmaps in
/// their portable form). Error kData when it is damaged, or holds more than `positions_max`.
std::vector<int64_t> DecodeDeletionVector(std::string_view blob, int64_t positions_max);

/// The blob of these positions, which rise: DecodeDeletionVector's inverse.
std::string EncodeDeletionVector(const std::vector<int64_t>& positions);

/// Reads one where its manifest entry says that it lies. Error kData naming the file.
std::vector<int64_t> ReadDeletionVector(io::ObjectStore& store, const DataFile& deletes);

}  // namespace millrace::table
