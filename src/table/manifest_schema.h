#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "table/partition_type.h"

/// The Avro schemas of manifests and manifest lists that this program writes, format v2 and v3 (Iceberg spec,
/// "Manifests", "Manifest Lists", appendix A). The ids are the specification's: frozen.
namespace millrace::table {

/// The field ids by which both are read, whoever wrote them.
namespace manifest_field {
inline constexpr int kStatus = 0, kSnapshotId = 1, kDataFile = 2, kSequenceNumber = 3, kFileSequenceNumber = 4;
inline constexpr int kContent = 134, kFilePath = 100, kFileFormat = 101, kPartition = 102, kRecordCount = 103,
                     kFileSize = 104, kColumnSizes = 108, kValueCounts = 109, kNullValueCounts = 110,
                     kNanValueCounts = 137, kLowerBounds = 125, kUpperBounds = 128, kKeyMetadata = 131,
                     kSplitOffsets = 132, kEqualityIds = 135, kSortOrderId = 140, kReferencedDataFile = 143,
                     kFirstRowId = 142, kContentOffset = 144, kContentSize = 145;
inline constexpr int kFirstOfPartition = 1000;
}  // namespace manifest_field

namespace manifest_list_field {
inline constexpr int kPath = 500, kLength = 501, kSpecId = 502, kAddedSnapshotId = 503, kAddedFiles = 504,
                     kExistingFiles = 505, kDeletedFiles = 506, kPartitions = 507, kContainsNull = 509,
                     kLowerBound = 510, kUpperBound = 511, kAddedRows = 512, kExistingRows = 513, kDeletedRows = 514,
                     kSequenceNumber = 515, kMinSequenceNumber = 516, kContent = 517, kContainsNan = 518,
                     kKeyMetadata = 519, kFirstRowId = 520;
}  // namespace manifest_list_field

std::string ManifestEntrySchemaJson(const std::vector<PartitionTypeField>& partition, int32_t format_version);
std::string ManifestListSchemaJson(int32_t format_version);

/// A name as Avro allows it, Java's way: "a b" is "a_x20b", "1a" is "_1a". Text that is not ASCII is escaped too.
std::string SanitizeAvroName(std::string_view name);

}  // namespace millrace::table
