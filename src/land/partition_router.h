#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "schema/schema.h"
#include "table/metadata.h"
#include "table/partition.h"

namespace millrace::land {

/// Says for each row which partition it belongs to, and remembers the partitions it has met over all batches, numbered
/// from 0. Single-threaded; spec and schema outlive it.
class PartitionRouter {
 public:
  struct Partition {
    table::PartitionTuple values;
    std::string path;  // "day=2021-07-21/type=PushEvent"; empty when unpartitioned
  };

  PartitionRouter(const table::PartitionSpec& spec, const schema::Schema& schema) : spec_(spec), schema_(schema) {}

  struct Assignment {
    uint32_t first = 0;            // the partition of row 0
    std::vector<uint32_t> of_row;  // empty: all rows are of `first`
  };
  /// At least one row, in ToArrow's form.
  Assignment Assign(const arrow::RecordBatch& rows);

  const Partition& partition(uint32_t number) const { return partitions_[number]; }

 private:
  uint32_t NumberOf(table::PartitionTuple values);

  const table::PartitionSpec& spec_;
  const schema::Schema& schema_;
  std::vector<Partition> partitions_;
  std::unordered_map<std::string, uint32_t> by_identity_;
};

}  // namespace millrace::land
