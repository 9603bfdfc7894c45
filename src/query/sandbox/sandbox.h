#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration.h"
#include "catalog/catalog.h"
#include "query/data_files.h"
#include "query/engine.h"

namespace millrace::query {

struct StartText;

/// How much one statement from outside may take. Each is named in the error of whoever exceeds it as the option of the
/// `query` block that it comes from.
struct SandboxLimits {
  int64_t memory_bytes = int64_t{512} << 20;
  Duration time_max{60'000};
  int64_t rows_max = 1'000'000;
  int64_t result_bytes_max = int64_t{256} << 20;
  int threads = 1;
};

struct SandboxOptions {
  SandboxLimits limits = {};
  std::string cache_directory = {};  // as EngineOptions
  int64_t cache_bytes_max = int64_t{10} << 30;
};

/// What a condition says of some records.
struct RecordsMet {
  std::vector<uint32_t> met;  // their places, rising
  size_t failed = 0;          // could not be asked
  std::string failure;        // why, of one of them
};

/// Runs SQL of people who are not trusted: each statement in a process of its own, this program started again, without
/// network, environment, credentials or files but those of the tables it names, which are opened for it one by one.
/// What it does to itself it does to nobody else. Thread-safe; borrows the catalogue.
class Sandbox {
 public:
  Sandbox(catalog::Catalog& catalog, SandboxOptions options);

  /// As Engine::Run, and Error kData or kUnavailable with the limit that was exceeded and how to raise it. Of `options`
  /// only as_of, as_of_snapshot, views, parameters and explain count. The result is read and dropped by the calling
  /// thread.
  std::unique_ptr<ResultStream> Run(const std::string& sql, const QueryOptions& options, std::stop_token stop);

  /// Which of the records are JSON objects that meet a condition in SQL, as RecordSql has it, within `time_max` at
  /// most; a process of its own for each call. Errors as Run, and kConfig for a condition that cannot run.
  RecordsMet Filter(const std::string& where, std::span<const std::string_view> records, Duration time_max,
                    std::stop_token stop);

 private:
  StartText StartOf(const std::string& sql, const SandboxLimits& limits) const;

  catalog::Catalog& catalog_;
  const SandboxOptions options_;
  DataFiles files_;
};

}  // namespace millrace::query
