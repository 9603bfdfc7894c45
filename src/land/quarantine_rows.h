#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "event/decoder.h"
#include "event/event_batch.h"

namespace millrace::land {

struct QuarantineOptions {
  /// The table (or set of files) whose rejects are kept: "silver.users" has them in "quarantine.silver_users".
  catalog::TableName target;
  /// Whose positions: the scope under which the target's own positions are stored.
  std::string scope;
  /// Records that are here already are left here, through whatever scope they came: for who lands again what landed
  /// once. Otherwise only those of this scope that the target has not passed.
  bool leaves_all = false;
};

/// The columns of a quarantine table, in ToArrow's form without ids; only ever added to.
///
///   record, key         binary       as they came; null for a gap
///   topic, partition, offset, split  where it stood; of a gap, the first record that is missing
///   end_offset          long         of a gap, what follows the last one that is missing; null otherwise
///   cause, detail       string       event::RejectCause by name, or the rule that a row broke; a sentence
///   table, scope        string       what it was meant for, and through which scope of positions
///   ingested_at, event_time
///   replayed_at, replay              when it became a row after all, and in which replay; null: not yet
///   headers             of HeadersType, where the table keeps them
std::shared_ptr<arrow::Schema> QuarantineColumns();

/// A row that a query made and a rule kept out of its table.
struct BrokenRow {
  std::string row;    // JSON
  std::string rule;   // becomes the cause
  std::string rules;  // all that it breaks, as a sentence: the detail
};

/// Rows that were kept out by an attempt of a run, which stands as their split. They stood nowhere: topic, partition,
/// offset and event time are null.
std::shared_ptr<arrow::RecordBatch> BrokenRows(const std::vector<BrokenRow>& rows, const std::string& attempt,
                                               Timestamp at, const QuarantineOptions& options);

/// A row for each reject of a batch.
std::shared_ptr<arrow::RecordBatch> RejectedRows(const event::EventBatch& events,
                                                 const std::vector<event::Reject>& rejects,
                                                 const QuarantineOptions& options);

/// The row of a batch's gap, from `first_offset` on.
std::shared_ptr<arrow::RecordBatch> GapRow(const event::EventBatch& events, int64_t first_offset,
                                           const QuarantineOptions& options);

}  // namespace millrace::land
