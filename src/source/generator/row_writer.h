#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.h"

namespace millrace::source {

/// Writes one kind of made-up row as JSON. Single-threaded.
class RowWriter {
 public:
  /// No row is longer.
  static constexpr size_t kRowBytesMax = 2048;

  virtual ~RowWriter() = default;

  struct Row {
    uint64_t number = 0;
    Timestamp time{};  // its event time, for kinds that have one
  };
  /// Writes the row, without a newline, at `to` (kRowBytesMax bytes); returns its end. A pure function of the row.
  virtual char* Write(const Row& row, char* to) = 0;
};

std::unique_ptr<RowWriter> MakeUserWriter(uint64_t seed);
std::unique_ptr<RowWriter> MakeCardWriter(uint64_t seed);
std::unique_ptr<RowWriter> MakeClickWriter(uint64_t seed);
std::unique_ptr<RowWriter> MakeEventWriter(uint64_t seed);

}  // namespace millrace::source
