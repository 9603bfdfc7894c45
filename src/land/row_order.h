#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

#include "schema/schema.h"
#include "table/metadata.h"

namespace millrace::land {

/// The order of rows within a file, from a table's sort order. Stable: equal rows stay as they came.
class RowOrder {
 public:
  /// A sort field whose column is gone or whose transform is unknown makes the order unsorted.
  RowOrder(const table::SortOrder& order, const schema::Schema& schema);

  bool sorted() const { return !keys_.empty(); }
  std::shared_ptr<arrow::Table> Sort(const std::shared_ptr<arrow::Table>& rows) const;

 private:
  struct Key {
    std::string path;
    schema::PrimitiveType type;
    table::SortField field;
  };
  std::vector<Key> keys_;
};

}  // namespace millrace::land
