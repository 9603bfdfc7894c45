#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <vector>

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

  /// The rows that stay. Error kData when a row breaks an expectation that says `fail`.
  std::shared_ptr<arrow::RecordBatch> Take(const arrow::RecordBatch& batch);

  /// Rows that did not meet the expectation of that index.
  int64_t violations(size_t index) const { return violations_[index]; }
  int64_t dropped() const { return dropped_; }

 private:
  std::shared_ptr<arrow::Array> Kept(const arrow::RecordBatch& batch);

  const Model& model_;
  std::shared_ptr<arrow::Schema> result_;
  std::shared_ptr<arrow::Schema> arrow_columns_;
  schema::Schema columns_;
  std::vector<int64_t> violations_;
  int64_t dropped_ = 0;
};

}  // namespace millrace::refine
