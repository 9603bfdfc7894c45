#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/duration.h"
#include "catalog/catalog.h"
#include "query/data_files.h"
#include "query/engine.h"

namespace millrace::query {

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

 private:
  catalog::Catalog& catalog_;
  const SandboxOptions options_;
  DataFiles files_;
};

}  // namespace millrace::query
