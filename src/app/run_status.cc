#include "app/run_status.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace millrace::app {
void WriteRunStatus(const std::filesystem::path& path, const nlohmann::ordered_json& status) {
  const auto temporary = path.string() + ".new";
  {
    std::ofstream file(temporary, std::ios::trunc);
    file << status.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
    if (!file) return LogDebug("the status file {} cannot be written", temporary);
  }
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) LogDebug("the status file {} cannot be written: {}", path.string(), error.message());
}

std::optional<nlohmann::ordered_json> ReadRunStatus(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  auto status = nlohmann::ordered_json::parse(file, nullptr, false);
  if (!status.is_object()) return std::nullopt;
  return status;
}

}  // namespace millrace::app
