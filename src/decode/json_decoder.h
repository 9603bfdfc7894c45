#pragma once

#include <memory>
#include <set>
#include <string>

#include "event/decoder.h"
#include "schema/evolution.h"

namespace millrace::decode {

struct JsonDecoderOptions {
  /// What to do with columns and types that were not expected. Until there is a first schema, columns evolve.
  schema::Contract contract = {};
  /// Columns known beforehand, with "PARQUET:field_id" metadata where a table has them; null: all are inferred.
  /// bool, int32, int64, float, double, utf8, timestamp(us) with and without zone, date32, time64(us), decimal128,
  /// binary (base64 in JSON), fixed_size_binary (16 with metadata "iceberg.type"="uuid": a UUID; else base64), struct,
  /// list, map<utf8, T>.
  std::shared_ptr<arrow::Schema> columns = nullptr;
  /// Dotted paths of string columns that keep any value as its own JSON text: for objects whose keys are data.
  std::set<std::string> json_columns = {};
  /// Names, in lower case, that are no columns of a record because somebody else fills them; `_rescued` is always one.
  std::set<std::string> reserved_names = {};
  /// Read text as timestamptz where every value of the first batch with that column is a UTC time.
  bool infer_timestamps = true;

  int64_t record_bytes_max = int64_t{128} << 20;
  int depth_max = 64;         // at most 1024
  int columns_max = 2000;     // names at all levels; members of one object beyond them are too many
  int name_bytes_max = 1024;  // a longer key becomes no column: its value is rescued
};

/// JSON objects to Arrow columns, one object a record. rows + rejects + blank = records, whatever comes in.
///
/// A value that does not fit its column leaves null there and its own text in `_rescued` under its path, unless the
/// contract on types says discard_row or freeze: then the record is rejected, for freeze under a cause that its caller
/// stops for (kFrozen). Likewise names the contract keeps
/// out, which are counted in unknown_columns. What fits, to the letter:
///   long    integers in range, and 7.0 or 70e-1 because they are exactly 7; not 7.5, not 2^63. -0 is 0.
///   double  any number but what overflows, and no integer that a double cannot hold exactly (2^53 + 1).
///   string  strings only. Half a surrogate pair is no text: rescued. timestamptz: RFC 3339 with a zone, cut to
///   microseconds. list    all elements fit, or the whole list is rescued. A struct takes objects, member by member.
/// An int that meets a larger integer becomes long, float becomes double, decimal wider, and a required column that is
/// absent becomes optional, where types evolve.
///
/// A name that differs from a column only in case (ASCII) is rescued under its own name, because engines ignore case;
/// so is `_rescued` itself, and what else is reserved. A member named twice rejects the record. An undecided column
/// (only null so far) is not emitted, and what says nothing of a type ([], {}) is rescued until it is decided.
///
/// New columns are inferred from the rest of the batch that brought them, then follow their types. One thread at a
/// time; memory in proportion to the batch.
class JsonDecoder final : public event::Decoder {
 public:
  explicit JsonDecoder(JsonDecoderOptions options);
  ~JsonDecoder() override;
  JsonDecoder(const JsonDecoder&) = delete;
  JsonDecoder& operator=(const JsonDecoder&) = delete;

  event::Decoded Decode(const event::EventBatch& events) override;
  std::shared_ptr<arrow::Schema> schema() const override;
  void Adopt(std::shared_ptr<arrow::Schema> schema) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::decode
