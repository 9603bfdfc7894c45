#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "event/stream.h"
#include "io/sqlite.h"

namespace millrace::stream {

/// How far producers have come, in a file of the data directory: Kinesis has no transaction that could hold it beside
/// what they appended. Layout, frozen: table `producer` (name, split, cursor). Thread-safe.
class ProducerPositions {
 public:
  /// Makes the file unless it is there.
  explicit ProducerPositions(const std::filesystem::path& path);

  event::Positions Of(const std::string& producer);
  bool StandsAt(const event::ProducerPosition& position);
  /// False: it stands elsewhere by now.
  bool Move(const event::ProducerPosition& position);

 private:
  std::mutex mutex_;
  io::Connection connection_;
};

}  // namespace millrace::stream
