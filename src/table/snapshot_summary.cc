#include "table/snapshot_summary.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "table/deletion_vector.h"

namespace millrace::table {
namespace {

std::string PartitionKey(const DataFile& file) {
  std::string key = std::to_string(file.spec_id);
  for (const std::optional<Value>& value : file.partition) {
    key += '\0';
    if (!value) continue;
    std::visit(
        [&](const auto& held) {
          if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::string>) {
            key += fmt::format("{}:{}", held.size(), held);
          } else {
            key += '=';
            key.append(reinterpret_cast<const char*>(&held), sizeof(held));
          }
        },
        *value);
  }
  return key;
}

std::optional<int64_t> TotalOf(const Summary* parent, const std::string& name) {
  if (parent == nullptr) return 0;
  const auto found = parent->find(name);
  if (found == parent->end()) return std::nullopt;
  const std::string& text = found->second;
  int64_t total = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), total);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return total;
}

}  // namespace

void SummaryCounts::Count(Side& side, const DataFile& file) {
  partitions_.insert(PartitionKey(file));
  // Vectors share a file: each counts with its own part of it.
  side.size_bytes += file.content_size_in_bytes.value_or(file.file_size_in_bytes);
  switch (file.content) {
    case FileContent::kData:
      ++side.data_files;
      side.records += file.record_count;
      return;
    case FileContent::kPositionDeletes:
      ++(IsDeletionVector(file) ? side.deletion_vectors : side.position_delete_files);
      side.position_deletes += file.record_count;
      return;
    case FileContent::kEqualityDeletes:
      ++side.equality_delete_files;
      side.equality_deletes += file.record_count;
      return;
  }
}

void SummaryCounts::Merge(const SummaryCounts& other) {
  const auto add = [](Side& to, const Side& from) {
    to.data_files += from.data_files;
    to.records += from.records;
    to.size_bytes += from.size_bytes;
    to.position_delete_files += from.position_delete_files;
    to.deletion_vectors += from.deletion_vectors;
    to.position_deletes += from.position_deletes;
    to.equality_delete_files += from.equality_delete_files;
    to.equality_deletes += from.equality_deletes;
  };
  add(added_, other.added_);
  add(removed_, other.removed_);
  partitions_.insert(other.partitions_.begin(), other.partitions_.end());
}

void SummaryCounts::WriteTo(Summary& summary, const Summary* parent) const {
  const auto count = [&](const char* name, int64_t value) {
    if (value > 0) summary[name] = std::to_string(value);
  };
  count("added-data-files", added_.data_files);
  count("deleted-data-files", removed_.data_files);
  count("added-delete-files", added_.delete_files());
  count("removed-delete-files", removed_.delete_files());
  count("added-position-delete-files", added_.position_delete_files);
  count("removed-position-delete-files", removed_.position_delete_files);
  count("added-dvs", added_.deletion_vectors);
  count("removed-dvs", removed_.deletion_vectors);
  count("added-equality-delete-files", added_.equality_delete_files);
  count("removed-equality-delete-files", removed_.equality_delete_files);
  count("added-records", added_.records);
  count("deleted-records", removed_.records);
  count("added-files-size", added_.size_bytes);
  count("removed-files-size", removed_.size_bytes);
  count("added-position-deletes", added_.position_deletes);
  count("removed-position-deletes", removed_.position_deletes);
  count("added-equality-deletes", added_.equality_deletes);
  count("removed-equality-deletes", removed_.equality_deletes);
  summary["changed-partition-count"] = std::to_string(partitions_.size());

  const auto total = [&](const std::string& name, int64_t delta) {
    const std::optional<int64_t> before = TotalOf(parent, name);
    if (before && *before + delta >= 0) summary[name] = std::to_string(*before + delta);
  };
  total("total-data-files", added_.data_files - removed_.data_files);
  total("total-delete-files", added_.delete_files() - removed_.delete_files());
  total("total-records", added_.records - removed_.records);
  total("total-files-size", added_.size_bytes - removed_.size_bytes);
  total("total-position-deletes", added_.position_deletes - removed_.position_deletes);
  total("total-equality-deletes", added_.equality_deletes - removed_.equality_deletes);
}

}  // namespace millrace::table
