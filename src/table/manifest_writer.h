#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "table/avro_file.h"
#include "table/commit_objects.h"
#include "table/manifest.h"
#include "table/partition_type.h"

namespace millrace::table {

/// The number that a manifest of the commit under way gets when its list is written.
inline constexpr SequenceNumber kUnassignedSequence{-1};

/// Writes entries of one spec and one content as manifests of about `bytes_target` each, in the format of the
/// table. Entries that were added carry no file sequence number and no first row id, and a data sequence number only
/// when it is not to be inherited; all others must carry theirs. Single-threaded; the objects exist once Finish or a
/// roll wrote them.
class ManifestWriter {
 public:
  struct Options {
    const TableMetadata& metadata;
    int32_t spec_id = 0;
    ManifestContent content = ManifestContent::kData;
    SnapshotId added_by;
    int64_t bytes_target = int64_t{8} << 20;
    std::function<std::string()> next_uri;
  };
  /// Borrows everything that it is given.
  ManifestWriter(CommitObjects& objects, Random& random, Options options);

  void Add(const ManifestEntry& entry);
  /// No manifest for no entry.
  std::vector<ManifestFile> Finish() &&;

 private:
  struct FieldRange {
    FieldSummary summary;
    std::optional<Value> lower;
    std::optional<Value> upper;
  };

  void Open();
  void Close();
  void Count(const ManifestEntry& entry);
  void Age(const ManifestEntry& entry);
  void Widen(const DataFile& file);

  CommitObjects& objects_;
  Random& random_;
  Options options_;
  std::vector<PartitionTypeField> partition_;
  std::string schema_json_;
  AvroMetadata header_;
  std::optional<AvroFileWriter> writer_;
  AvroEncoder encoder_;
  ManifestFile current_;
  std::vector<FieldRange> ranges_;
  std::vector<ManifestFile> written_;
};

}  // namespace millrace::table
