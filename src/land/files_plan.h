#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "event/position.h"
#include "land/files_object.h"

namespace millrace::land {

/// Everything that shapes the bytes of a chunk's objects, besides its records. It is stored in each plan, so that an
/// unfinished chunk is encoded as it was planned even when the configuration has changed since.
struct FilesEncoding {
  std::string prefix;  // of object keys, without a slash at its end: "bronze/users"
  std::string path = "{ingested:%Y/%m/%d/%H}";
  FilesCompression compression = FilesCompression::kGzip;
  int level = 1;
  /// A file that holds this much, before packing, is followed by another.
  int64_t file_bytes = int64_t{512} << 20;
  /// Folders a chunk writes to at one time; the oldest file is closed when there is one more.
  int64_t open_files_max = 64;
  int64_t record_bytes_max = int64_t{16} << 20;
  /// Where what is no JSON goes, as `path` is; empty: it is left to whoever drives the chunk. Written when there is
  /// one.
  std::string error_path = {};
  /// The rest is written where it is not as here.
  FilesRecord record = FilesRecord::kOrigin;
  /// The name of a file, with the fields topic, partition, offset and offset:WIDTH (of its first record, with zeros in
  /// front); empty: a name that no other pipeline gives.
  std::string name = {};
  /// What names end in; empty: what the compression says.
  std::string extension = {};
  /// What stands after each record.
  std::string separator = "\n";
  /// A file of this many records is followed by another; 0: of any number.
  int64_t file_rows = 0;
  /// So is one whose next record's event time lies this much or more behind its first one's; 0: however much.
  int64_t file_span_ms = 0;
  /// Of the times in `path`: a name of the IANA database.
  std::string time_zone = "UTC";
  /// Records begin with the five bytes by which a registry's serializers name a schema; they are left out.
  bool framed = false;
  FilesForm form = FilesForm::kLines;
  /// Headers of records are written too, as `_headers`.
  bool headers = false;
  /// Of Parquet: rows of a file that hold this much as columns become a row group.
  int64_t row_group_bytes = int64_t{64} << 20;

  friend bool operator==(const FilesEncoding&, const FilesEncoding&) = default;
};

struct PlannedObject {
  std::string key;
  int64_t rows = 0;
  int64_t bytes = 0;
  std::string sha256;  // of the object as stored

  friend bool operator==(const PlannedObject&, const PlannedObject&) = default;
};

/// From a record on, the version of the columns (FilesSchemas) that rows are written in.
struct PlannedColumns {
  int64_t from_offset = 0;
  int64_t version = 0;

  friend bool operator==(const PlannedColumns&, const PlannedColumns&) = default;
};

/// What a chunk of one split becomes, durable before its first object shows. Version 1, frozen, a JSON object:
///   {"version":1,"pipeline":..,"split":..,"topic":..,"partition":..,"begin":..,"end":..,"first_offset":..,"last_offset":..,
///    "records":..,"ingested_at":..,"encoding":{..},"objects":[{"key":..,"rows":..,"bytes":..,"sha256":..},..],
///    "columns":[{"from":..,"version":..},..]}
/// with columns where rows have some.
struct FilesPlan {
  std::string pipeline;
  event::SplitId split;
  std::string topic;
  int32_t partition = 0;
  event::Cursor begin;
  event::Cursor end;
  int64_t first_offset = 0;  // of the first and the last record
  int64_t last_offset = 0;
  int64_t records = 0;
  Timestamp ingested_at{};  // of the first record
  FilesEncoding encoding;
  std::vector<PlannedObject> objects;
  std::vector<PlannedColumns> columns = {};

  friend bool operator==(const FilesPlan&, const FilesPlan&) = default;
};

std::string WritePlan(const FilesPlan& plan);
/// Error kStop, which names `key`, when it is no plan of this version.
FilesPlan ReadPlan(const std::string& key, std::string_view text);

/// "<prefix>/_millrace/<pipeline>/": every plan of a pipeline is below.
std::string PlansFolder(const std::string& prefix, const std::string& pipeline);
/// "<folder><split>/<first offset, 20 digits>.plan", the split with unsafe bytes as =hh.
std::string PlanKey(const std::string& folder, const event::SplitId& split, int64_t first_offset);

}  // namespace millrace::land
