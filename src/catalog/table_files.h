#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "catalog/catalog.h"
#include "io/unsynced_files.h"

/// The metadata files of a table for catalogues that write them themselves (a REST catalogue does so on its server).
namespace millrace::catalog {

/// The first metadata of a table: ids for fields without, the default name mapping, a folder that holds no files yet.
/// Error kConfig for a location outside the store, kInternal for a spec or order that names no column.
table::TableMetadata NewTable(const CreateTable& request, io::ObjectStore& store, const std::string& uuid,
                              Timestamp now);

struct NextMetadata {
  table::TableMetadata metadata;
  /// Metadata files that fell out of the log; deleted after the commit when the table's properties say so.
  std::vector<std::string> expired;
};
/// `next`, with `base` entered into its metadata log, which write.metadata.previous-versions-max caps.
NextMetadata VersionAfter(const LoadedTable& base, table::TableMetadata next);
/// VersionAfter of what the updates make of `base`.
NextMetadata NextVersion(const LoadedTable& base, const std::vector<table::Update>& updates, Timestamp now);

/// "<location>/metadata/00007-<uuid>.metadata.json", one above the number in `previous` (empty: 0), which other engines
/// do too.
std::string NextMetadataLocation(const table::TableMetadata& metadata, const std::string& previous,
                                 const std::string& uuid);

/// The same of anything that has a location and properties.
std::string NextMetadataLocation(const std::string& location, const std::map<std::string, std::string>& properties,
                                 const std::string& previous, const std::string& uuid);

/// Where something new keeps its files: `wanted`, or if that is empty, a folder below the warehouse that holds none
/// yet. Error kConfig for a location outside the store.
std::string FreshLocation(const TableName& name, const std::string& wanted, io::ObjectStore& store,
                          const std::string& uuid);

/// Durable under its location when it returns. Error kStop when the location is outside the store.
void WriteMetadataFile(io::ObjectStore& store, const std::string& location, const table::TableMetadata& metadata);
/// The same for metadata that is printed already; with `unsynced`, those of the store, it is durable only once synced.
void WriteMetadataText(io::ObjectStore& store, const std::string& location, std::string_view text,
                       io::UnsyncedFiles* unsynced = nullptr);

/// For clean-up after an outcome that is known: a file that cannot be deleted is logged and stays.
void DeleteMetadataFile(io::ObjectStore& store, const std::string& location) noexcept;

}  // namespace millrace::catalog
