#include "land/write_properties.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"

namespace millrace::land {
namespace {

constexpr int64_t kZstdLevelMax = 22;

std::optional<int64_t> NumberAt(const std::map<std::string, std::string>& properties, const std::string& name) {
  const auto found = properties.find(name);
  if (found == properties.end()) return std::nullopt;
  const std::string& text = found->second;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number <= 0) {
    throw Error(ErrorCode::kConfig, "table property " + name + " is '" + text + "': set it to a positive number");
  }
  return number;
}

}  // namespace

DataFileWriterOptions WithTableProperties(DataFileWriterOptions options,
                                          const std::map<std::string, std::string>& properties) {
  if (const auto bytes = NumberAt(properties, "write.target-file-size-bytes")) options.file_size_target_bytes = *bytes;
  if (const auto bytes = NumberAt(properties, "write.parquet.row-group-size-bytes")) {
    options.row_group_bytes = std::min(options.row_group_bytes, *bytes);
  }
  if (const auto level = NumberAt(properties, "write.parquet.compression-level")) {
    options.zstd_level = static_cast<int>(std::min(*level, kZstdLevelMax));
  }
  return options;
}

}  // namespace millrace::land
