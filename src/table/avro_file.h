#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "table/avro_compression.h"
#include "table/avro_types.h"

/// Avro object container files, version 1 (Avro 1.11 specification, "Object Container Files"; frozen):
///
///     "Obj\1" | map<string, bytes> metadata | sync marker (16 bytes)
///     then blocks of: long count | long size | size bytes, compressed | sync marker
///
/// The metadata has avro.schema, avro.codec, and what Iceberg adds (schema, partition-spec, content, ...).
namespace millrace::table {

using AvroMetadata = std::map<std::string, std::string>;

/// Reads one container that is wholly in memory: a manifest is some megabytes. Blocks are decompressed one at a time.
/// Single-threaded. Error kData, without the object's name: the caller knows it.
class AvroFileReader {
 public:
  explicit AvroFileReader(std::string bytes);

  const AvroSchema& schema() const { return *schema_; }
  const AvroMetadata& metadata() const { return metadata_; }

  /// Calls `record` once a record; it must consume exactly one value of the schema's root.
  void ForEachRecord(const std::function<void(AvroDecoder&)>& record) const;

 private:
  std::string bytes_;
  AvroMetadata metadata_;
  std::string sync_;
  size_t blocks_start_ = 0;
  AvroCompression codec_ = AvroCompression::kNull;
  std::shared_ptr<const AvroSchema> schema_;
};

/// Builds one container in memory. Single-threaded.
class AvroFileWriter {
 public:
  /// `metadata` without avro.schema and avro.codec. `random` makes the sync marker. `level`: Compress.
  AvroFileWriter(const std::string& schema_json, AvroMetadata metadata, Random& random,
                 AvroCompression codec = AvroCompression::kDeflate, int level = -1);

  void Append(const AvroEncoder& record);
  /// What is written so far, the open block counted uncompressed.
  int64_t bytes_written() const { return static_cast<int64_t>(bytes_.size() + block_.size()); }
  std::string Finish() &&;

 private:
  void CloseBlock();

  const AvroCompression codec_;
  const int level_;
  std::string bytes_;
  std::string sync_;
  std::string block_;
  int64_t block_count_ = 0;
};

}  // namespace millrace::table
