#include "table/delete_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace millrace::table {
namespace {

std::optional<std::string_view> BoundOf(const std::map<schema::FieldId, std::string>& bounds) {
  const auto found = bounds.find(kDeletedPathField);
  return found == bounds.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

/// Bounds of a path may be cut short by their writer: a lower one is then below, an upper one above what they bound.
bool MayName(const DataFile& deletes, std::string_view path) {
  const auto lower = BoundOf(deletes.lower_bounds);
  const auto upper = BoundOf(deletes.upper_bounds);
  return (!lower || *lower <= path) && (!upper || *upper >= path);
}

}  // namespace

std::optional<std::string_view> DataFileOf(const DataFile& deletes) {
  if (deletes.content != FileContent::kPositionDeletes) return std::nullopt;
  if (deletes.referenced_data_file) return *deletes.referenced_data_file;
  const auto lower = BoundOf(deletes.lower_bounds);
  return lower && lower == BoundOf(deletes.upper_bounds) ? lower : std::nullopt;
}

std::string NameOf(const DataFile& file) {
  return file.content_offset ? fmt::format("{}#{}", file.file_path, *file.content_offset) : file.file_path;
}

void DeleteFiles::Add(DatedFile deletes) {
  const size_t number = files_.size();
  files_.push_back(std::move(deletes));
  const DataFile& file = files_.back().file;
  auto& partition = partitions_[PartitionOf(file)];
  if (file.content == FileContent::kEqualityDeletes) {
    const PartitionSpec* spec = metadata_.FindSpec(file.spec_id);
    const bool global = spec != nullptr && spec->fields.empty();
    (global ? global_ : partition.equalities).push_back(number);
  } else if (const auto path = DataFileOf(file)) {
    partition.by_path[std::string(*path)].push_back(number);
  } else {
    partition.positions.push_back(number);
  }
}

std::vector<const DatedFile*> DeleteFiles::For(const DataFile& data, SequenceNumber sequence) const {
  std::vector<size_t> numbers;
  const auto take = [&](const std::vector<size_t>& candidates, auto&& applies) {
    for (const size_t number : candidates) {
      if (applies(files_[number])) numbers.push_back(number);
    }
  };
  const auto newer = [&](const DatedFile& deletes) { return deletes.sequence > sequence; };
  const auto of_path = [&](const DatedFile& deletes) {
    return deletes.sequence >= sequence && MayName(deletes.file, data.file_path);
  };
  take(global_, newer);
  if (const auto partition = partitions_.find(PartitionOf(data)); partition != partitions_.end()) {
    take(partition->second.equalities, newer);
    take(partition->second.positions, of_path);
    const auto named = partition->second.by_path.find(data.file_path);
    if (named != partition->second.by_path.end()) take(named->second, of_path);
  }
  std::ranges::sort(numbers);
  std::vector<const DatedFile*> applying;
  for (const size_t number : numbers) applying.push_back(&files_[number]);
  return applying;
}

}  // namespace millrace::table
