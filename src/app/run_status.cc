#include "app/run_status.h"

#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace millrace::app {
namespace {

nlohmann::ordered_json DescribeTable(const TableFeed& feed) {
  const auto status = feed.status();
  uint64_t rejected = 0;
  for (const auto& [cause, count] : status.counts.rejected) rejected += count;
  nlohmann::ordered_json table = {{"records", status.counts.records},
                                  {"rows", status.counts.rows},
                                  {"duplicates", status.counts.duplicates},
                                  {"rejected", rejected},
                                  {"rescued_values", status.counts.rescued_values},
                                  {"commits", status.counts.commits},
                                  {"lag_records", status.lag.records},
                                  {"waits_for", status.waits_for}};
  if (status.lag.oldest) table["oldest_unread"] = FormatTimestamp(*status.lag.oldest);
  return table;
}

}  // namespace

nlohmann::ordered_json DescribeRun(const PipelineRunner& runner, Timestamp now) {
  nlohmann::ordered_json status = {{"pid", getpid()}, {"at", FormatTimestamp(now)}};
  status["sources"] = nlohmann::ordered_json::object();
  for (const auto& feed : runner.sources()) {
    status["sources"][std::string(feed->name())] = {
        {"topic", feed->topic()}, {"events", feed->events()}, {"done", feed->done()}};
  }
  status["tables"] = nlohmann::ordered_json::object();
  for (const auto& feed : runner.tables()) status["tables"][feed->table()] = DescribeTable(*feed);
  return status;
}

void WriteRunStatus(const std::filesystem::path& path, const nlohmann::ordered_json& status) {
  const auto temporary = path.string() + ".new";
  {
    std::ofstream file(temporary, std::ios::trunc);
    file << status.dump(2) << "\n";
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
