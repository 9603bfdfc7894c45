#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "event/event_batch.h"

namespace millrace::event {

/// Why a record went to quarantine. The names are stored in tables and metrics: frozen.
enum class RejectCause {
  kMalformed,  // not a document of the format
  kInvalidUtf8,
  kNotAnObject,     // a document, but no record of columns
  kTooLarge,        // over the record size limit
  kTooDeep,         // over the nesting limit
  kTooManyColumns,  // over the width limit
  kDuplicateKey,    // one object names a member twice
  kContract,        // the table's contract says discard_row
  kMissingKey,      // a key column is null
  kPartitionValue,  // the partition cannot be computed
  kGap,             // no record at all: a range of them that the source has lost
  kFrozen,          // the table's contract says freeze: whoever lands it stops, and nothing is quarantined
  kOperation,       // a change event that does not say what it does, or something that is not done here
};
std::string_view ToString(RejectCause cause);

struct Reject {
  uint32_t record = 0;  // index into the batch's records
  RejectCause cause = RejectCause::kMalformed;
  std::string detail;  // for a person, with the column path or byte where known; at most some hundred bytes
};

/// Rows made of one EventBatch. rows + rejects + blank = records; where records may delete, deletes belong to the sum,
/// but for those of a record that is a row as well.
struct Decoded {
  std::shared_ptr<arrow::RecordBatch> rows;  // null when there are none
  std::vector<uint32_t> record_of_row;       // empty: row i is record i
  /// Keys whose rows go: the columns of the key, and others that the record has; null when there are none.
  std::shared_ptr<arrow::RecordBatch> deletes = {};
  std::vector<uint32_t> record_of_delete = {};  // rising; a record may delete one key and be the row of another
  /// Records that delete and came before the columns of the key are known: decode again once they are.
  uint32_t early_deletes = 0;
  std::vector<Reject> rejects;
  uint32_t blank = 0;                               // records of white space only: neither row nor reject
  uint64_t rescued_values = 0;                      // values that went to _rescued
  std::map<std::string, uint64_t> unknown_columns;  // path -> times seen, of columns a contract keeps out
};

/// The column that keeps, as a JSON object, what did not fit the schema. Always the last one of `rows`.
inline constexpr std::string_view kRescuedColumn = "_rescued";

/// Bytes to columns. Stateful: its schema is given, inferred from the first batch, and grows as the contract
/// allows. Used by one thread at a time; several decoders of one table meet through Adopt.
class Decoder {
 public:
  virtual ~Decoder() = default;

  virtual Decoded Decode(const EventBatch& events) = 0;

  /// The columns rows have from now on; null before the first row when nothing was given. A column that the table
  /// has already carries its id as "PARQUET:field_id" metadata (nested ones too); one that was just discovered has
  /// none.
  virtual std::shared_ptr<arrow::Schema> schema() const = 0;

  /// Takes over the table's schema, with ids, after it evolved: it rules over what was inferred here, and columns
  /// known only here are dropped (and discovered again when they come).
  virtual void Adopt(std::shared_ptr<arrow::Schema> schema) = 0;
};

}  // namespace millrace::event
