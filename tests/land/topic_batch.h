#pragma once

#include <sys/wait.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "event/event_batch.h"
#include "event/stream.h"

namespace millrace::land {

/// Records [first, first + records.size()) of partition `partition` of one topic.
inline std::shared_ptr<event::EventBatch> TopicBatch(int32_t partition, int64_t first,
                                                     const std::vector<std::string>& records,
                                                     const std::vector<std::string>& keys = {}) {
  auto batch = std::make_shared<event::EventBatch>();
  std::string joined, key_bytes;
  for (const auto& record : records) {
    batch->records.push_back({static_cast<uint32_t>(joined.size()), static_cast<uint32_t>(record.size())});
    joined += record + "\n";
  }
  for (const auto& key : keys) {
    batch->keys.push_back({static_cast<uint32_t>(key_bytes.size()), static_cast<uint32_t>(key.size())});
    key_bytes += key;
  }
  batch->payload = PaddedBuffer::CopyOf(joined);
  if (!keys.empty()) batch->key_payload = PaddedBuffer::CopyOf(key_bytes);
  batch->base_offset = first;
  batch->topic = "t";
  batch->partition = partition;
  batch->split = event::TopicSplit("6c8f2f5e-0000-4000-8000-000000000001", partition);
  batch->begin = event::OffsetCursor(first);
  batch->end = event::OffsetCursor(first + static_cast<int64_t>(records.size()));
  batch->ingested_at = ParseTimestamp("2026-01-02T03:59:59.9Z").value();
  return batch;
}

/// Runs a disabled test of this binary in a process of its own, which reads FILES_CRASH_FOLDER and FILES_CRASH_SEED,
/// and ends at `fault` where there is one. Its exit status; -1: it ended otherwise.
inline int RunFilesChild(const std::string& test, const std::string& folder, uint64_t seed, const std::string& fault,
                         const std::string& log) {
  const std::string command = "FILES_CRASH_FOLDER=" + folder + " FILES_CRASH_SEED=" + std::to_string(seed) +
                              (fault.empty() ? "" : " MILLRACE_FAULT=" + fault) +
                              (log.empty() ? "" : " MILLRACE_FAULT_LOG=" + log) + " " +
                              std::filesystem::read_symlink("/proc/self/exe").string() +
                              " --gtest_also_run_disabled_tests --gtest_filter=" + test + ".* >/dev/null 2>&1";
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace millrace::land
