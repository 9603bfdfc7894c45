#include "land/data_path.h"

#include "base/error.h"
#include "table/partition_type.h"

namespace millrace::land {

std::string DataPrefix(const io::ObjectStore& store, const table::TableMetadata& metadata) {
  const auto key = store.KeyOf(metadata.location);
  if (!key) {
    throw Error(ErrorCode::kStop,
                "the table lies at " + metadata.location +
                    ", outside this lake's warehouse; open it with the warehouse that it was made in");
  }
  return *key + (key->empty() || key->ends_with('/') ? "data/" : "/data/");
}

std::string DataKey(const io::ObjectStore& store, const table::TableMetadata& metadata, int32_t spec_id,
                    const table::PartitionTuple& partition, const std::string& name) {
  const auto path = table::PartitionPath(table::SpecOf(metadata, spec_id), metadata.schema(), partition);
  return DataPrefix(store, metadata) + (path.empty() ? "" : path + "/") + name;
}

}  // namespace millrace::land
