#pragma once

#include <algorithm>
#include <cstdint>

#include "table/data_file.h"
#include "table/partition.h"

namespace millrace::table {

/// A partition of one spec, to look things up by. Partitions of two specs are never the same.
struct PartitionKey {
  int32_t spec_id = 0;
  PartitionTuple values = {};

  friend bool operator==(const PartitionKey&, const PartitionKey&) = default;
  friend bool operator<(const PartitionKey& left, const PartitionKey& right) {
    if (left.spec_id != right.spec_id) return left.spec_id < right.spec_id;
    return std::lexicographical_compare(left.values.begin(), left.values.end(), right.values.begin(),
                                        right.values.end(), [](const auto& a, const auto& b) {
                                          if (!a || !b) return b.has_value() && !a.has_value();
                                          return Compare(*a, *b) < 0;
                                        });
  }
};

inline PartitionKey PartitionOf(const DataFile& file) { return {.spec_id = file.spec_id, .values = file.partition}; }

}  // namespace millrace::table
