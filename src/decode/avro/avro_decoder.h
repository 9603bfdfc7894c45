#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "decode/avro/avro_frames.h"
#include "event/decoder.h"
#include "schema/evolution.h"
#include "schema/registry/registry.h"

namespace millrace::decode {

struct AvroDecoderOptions {
  /// What to do with columns and types that were not expected. Until there is a first schema, columns evolve.
  schema::Contract contract = {.types = schema::ContractMode::kEvolve};
  /// As JsonDecoderOptions has them.
  std::shared_ptr<arrow::Schema> columns = nullptr;
  std::set<std::string> json_columns = {};
  std::set<std::string> reserved_names = {};
  AvroFraming framing = AvroFraming::kConfluent;
  std::shared_ptr<schema::SchemaLookup> schemas = nullptr;  // kConfluent
  /// Avro schemas as text. The last one is what readers want: its fields are columns from the start, its defaults fill
  /// what a writer lacks, its aliases find what a writer calls otherwise. May be empty where messages name a
  /// registry's.
  std::vector<std::string> known_schemas = {};

  int64_t record_bytes_max = int64_t{128} << 20;
  int depth_max = 64;
  int columns_max = 2000;  // names at all levels
};

/// Avro records to Arrow columns, one a message, each by the schema it was written with: writers of many versions land
/// in one table. rows + rejects + blank = records, whatever comes in; a message without bytes (a tombstone) is blank.
///
/// Columns get the types of schema/avro/schema_avro.h. A field that is new becomes a column as the contract says; int
/// widens to long, float to double, a decimal to more digits where types evolve. What a writer's schema promises and
/// the column cannot hold is tried value by value (a long in a column of int may fit) and else left null there, with
/// the value as JSON in `_rescued` under its path, unless the contract on types says discard_row or freeze. A string
/// goes into a declared column of dates, times, decimals or UUIDs as JSON's would; a `json` column keeps any value.
/// Names that differ from a column's in case only, and reserved ones, are rescued.
///
/// A message whose schema's number the registry does not know is rejected, and can be replayed once it does; so is one
/// whose schema is damaged there. Error kUnavailable when the registry cannot be asked and nobody waits for it
/// (io::OutagePatience), kConfig when it refuses who asks. One thread at a time; memory in proportion to the batch.
class AvroDecoder final : public event::Decoder {
 public:
  /// Error kConfig when a schema given is none, or the framing needs one that is not given.
  explicit AvroDecoder(AvroDecoderOptions options);
  ~AvroDecoder() override;
  AvroDecoder(const AvroDecoder&) = delete;
  AvroDecoder& operator=(const AvroDecoder&) = delete;

  event::Decoded Decode(const event::EventBatch& events) override;
  std::shared_ptr<arrow::Schema> schema() const override;
  void Adopt(std::shared_ptr<arrow::Schema> schema) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::decode
