#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "land/quarantine_rows.h"
#include "refine/model.h"
#include "schema/schema.h"

namespace millrace::refine {

/// Turns batches of a result into rows of the model's table: takes the expectation columns off, counts and acts on
/// them, and gives each column the type that its table has. Single-threaded.
class ResultRows {
 public:
  /// `result` is of FreshRowsSql or MergedRowsSql. Error kData for a column of a type that no table can have.
  ResultRows(const Model& model, std::shared_ptr<arrow::Schema> result);

  /// The columns of the table, without ids. Sums of whole numbers are long; UUIDs stay UUIDs.
  const schema::Schema& columns() const { return columns_; }

  /// The rows that stay.
  std::shared_ptr<arrow::RecordBatch> Take(const arrow::RecordBatch& batch);
  /// The rows of the last Take that go into quarantine.
  std::vector<land::BrokenRow> TakeQuarantined() { return std::exchange(quarantined_, {}); }

  /// Fresh rows that were looked at.
  int64_t checked() const { return checked_; }
  /// Rows that did not meet the expectation of that index.
  int64_t violations(size_t index) const { return violations_[index]; }
  int64_t dropped() const { return dropped_; }
  int64_t quarantined() const { return quarantined_total_; }
  /// A row has broken an expectation that says `fail`.
  bool failed() const;

 private:
  std::shared_ptr<arrow::Array> Kept(const arrow::RecordBatch& batch);

  const Model& model_;
  std::shared_ptr<arrow::Schema> result_;
  std::shared_ptr<arrow::Schema> arrow_columns_;
  schema::Schema columns_;
  std::vector<int64_t> violations_;
  std::vector<land::BrokenRow> quarantined_;
  int64_t checked_ = 0;
  int64_t dropped_ = 0;
  int64_t quarantined_total_ = 0;
};

/// The rows of a batch with kRowColumn where that is not null, and what they break.
std::vector<land::BrokenRow> BrokenIn(const Model& model, const arrow::RecordBatch& batch);

}  // namespace millrace::refine
