#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::land {

/// A level of the folders that a path template makes, as a column of partitions where its text changes.
struct FolderLevel {
  std::string name;     // of the column, in lower case; empty: a fixed folder
  std::string literal;  // of a fixed folder its name; "name=" where that stands in front of the value
};

/// Of "{ingested:%Y/%m/%d/%H}": year, month, day, hour; of "type={topic}/dt={event:%Y-%m-%d}": type, dt. Other levels
/// are date (%Y-%m-%d), topic, partition_<n> by their place. No two have one name.
std::vector<FolderLevel> FolderLevelsOf(std::string_view path_template);

/// The values of the levels in a folder's path; nullopt when it is none of theirs.
std::optional<std::vector<std::string>> LevelValues(const std::vector<FolderLevel>& levels, std::string_view folder);

}  // namespace millrace::land
