#include "land/partition_router.h"

#include <arrow/api.h>

#include <type_traits>
#include <utility>
#include <variant>

namespace millrace::land {
namespace {

/// Bytes that are equal exactly when the values are: unlike a path, never shortened nor rounded.
std::string IdentityOf(const table::PartitionTuple& values) {
  std::string identity;
  for (const auto& value : values) {
    if (!value) {
      identity += 'n';
      continue;
    }
    std::visit(
        [&](const auto& held) {
          using T = std::decay_t<decltype(held)>;
          if constexpr (std::is_same_v<T, std::string>) {
            identity += 's' + std::to_string(held.size()) + ':' + held;
          } else {
            identity += 'v';
            identity.append(reinterpret_cast<const char*>(&held), sizeof(held));
          }
        },
        *value);
  }
  return identity;
}

}  // namespace

PartitionRouter::Assignment PartitionRouter::Assign(const arrow::RecordBatch& rows) {
  if (spec_.fields.empty()) return {.first = NumberOf({}), .of_row = {}};
  table::PartitionedRows partitioned = table::PartitionRows(spec_, schema_, rows);
  std::vector<uint32_t> numbers;
  for (auto& tuple : partitioned.partitions) numbers.push_back(NumberOf(std::move(tuple)));
  if (numbers.size() == 1) return {.first = numbers.front(), .of_row = {}};
  for (auto& group : partitioned.group_of_row) group = numbers[group];
  return {.first = numbers.front(), .of_row = std::move(partitioned.group_of_row)};
}

uint32_t PartitionRouter::NumberOf(table::PartitionTuple values) {
  const auto [found, added] = by_identity_.try_emplace(IdentityOf(values), static_cast<uint32_t>(partitions_.size()));
  if (added) {
    std::string path = table::PartitionPath(spec_, schema_, values);
    partitions_.push_back({.values = std::move(values), .path = std::move(path)});
  }
  return found->second;
}

}  // namespace millrace::land
